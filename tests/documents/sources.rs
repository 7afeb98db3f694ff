//! The page of each source says where every column comes from, and shows one
//! event with the row that it becomes: the very row.
//!
//! The event is the page's block of JSON; the row is the last cell of a table
//! with one line a column, in the order of the lake's table.

use audit::{normalize::normalize, schema::Column, source::Source};
use serde_json::Value;

use super::markdown::{Document, document};
use crate::tidy::{check, written};

/// 2026-01-01T00:00:00Z
const SENT_MS: i64 = 1_767_225_600_000;

/// A cell for each column.
fn row(source: Source, event: &str) -> Vec<String> {
    let row = normalize(source, event, None, SENT_MS)
        .unwrap_or_else(|refused| panic!("{source}: {refused}"))
        .row;
    let mut texts = row.texts().into_iter();
    let cell = |text: Option<String>| text.map_or("NULL".to_owned(), |text| format!("`{text}`"));
    let columns = Column::ALL.into_iter().map(|column| match column {
        Column::Latitude => cell(row.place.latitude.map(|degrees| degrees.to_string())),
        Column::Longitude => cell(row.place.longitude.map(|degrees| degrees.to_string())),
        Column::EventTime => {
            let at = jiff::Timestamp::from_millisecond(row.event_time.expect("always there"));
            cell(at.ok().map(|at| format!("{at:.3}")))
        }
        Column::EventData => "the event".to_owned(),
        _ => cell(
            texts
                .next()
                .expect("a text for each other column")
                .map(str::to_owned),
        ),
    });
    columns.collect()
}

/// The page with true last cells, or what is wrong with it.
fn mended(source: Source, page: &Document) -> Result<String, String> {
    let event = page.blocks.iter().find(|block| block.language == "json");
    let event = event.ok_or("show an event in a block of json")?;
    serde_json::from_str::<Value>(&event.text()).map_err(|error| error.to_string())?;
    let row = row(source, event.text().trim());
    let mut columns = Column::ALL.into_iter().zip(row).peekable();
    let mut lines = Vec::new();
    for line in page.text.lines() {
        let expected = columns.next_if(|(column, _)| line.starts_with(&format!("| `{column}` |")));
        lines.push(match expected {
            Some((_, cell)) => {
                let kept = line.trim_end_matches('|').rsplit_once(" | ");
                let (kept, _) = kept.ok_or_else(|| format!("three cells: {line}"))?;
                format!("{kept} | {cell} |")
            }
            None => line.to_owned(),
        });
    }
    match columns.next() {
        Some((column, _)) => Err(format!("the table has no line for `{column}` in its place")),
        None => Ok(lines.join("\n") + "\n"),
    }
}

#[test]
fn a_source_page_shows_the_row_that_its_event_becomes() {
    check(Source::ALL.into_iter().filter_map(|source| {
        let page = document(&format!("docs/sources/{source}.md"));
        let name = &page.name;
        match mended(source, &page) {
            Err(what) => Some(format!("{name}: {what}")),
            Ok(text) => written(name, &text).map(|complaint| {
                let pairs = page.text.lines().zip(text.lines());
                let changed = pairs.filter(|(old, new)| old != new);
                let shown: String = changed.map(|(_, new)| format!("\n  {new}")).collect();
                format!("{complaint}; its event now becomes{shown}")
            }),
        }
    }));
}
