//! Real events of all four sources become rows that an investigator can use.
//!
//! The samples are not part of this repository: `IDTRAIL_SAMPLES` names the
//! directory that has them, as `events*/<source>*.ndjson`. The test prints how
//! often each column is empty, by source.

#![expect(
    clippy::print_stdout,
    reason = "the table is what this test is read for"
)]

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use arrow::array::{Array, AsArray};
use audit::{
    columns::{Rows, normalize_all},
    key::Secret,
    message::Event,
    schema::Column,
    source::Source,
    tenant::Tenant,
};
use bytes::Bytes;
use bytestring::ByteString;

/// 2027-01-01T00:00:00Z: later than all samples.
const SENT_MS: i64 = 1_798_761_600_000;

/// `None`, with a word about it, where no samples are given.
fn samples() -> Option<PathBuf> {
    let Some(directory) = env::var_os("IDTRAIL_SAMPLES") else {
        println!("skipped: IDTRAIL_SAMPLES is not set");
        return None;
    };
    // Tests run in the package's directory, the setting is the workspace's.
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let directory = workspace.join(directory);
    assert!(
        directory.is_dir(),
        "IDTRAIL_SAMPLES names {}, which is no directory",
        directory.display()
    );
    Some(directory)
}

fn files_of(source: Source, samples: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = entries(samples)
        .into_iter()
        .filter(|folder| folder.is_dir() && name(folder).starts_with("events"))
        .flat_map(|folder| entries(&folder))
        .filter(|file| name(file).starts_with(source.name()))
        .collect();
    files.sort();
    files
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let listed = fs::read_dir(folder).expect("a readable directory");
    listed
        .map(|entry| entry.expect("an entry").path())
        .collect()
}

fn name(path: &Path) -> String {
    let name = path.file_name().expect("a listed file has a name");
    name.to_string_lossy().into_owned()
}

fn rows_of(source: Source, file: &Path) -> Rows {
    let content = Bytes::from(fs::read(file).expect("a readable sample"));
    let events: Vec<Event> = content
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
        .map(|line| Event::of(content.slice_ref(line)))
        .collect();
    let tenant = Tenant::parse("samples").expect("a valid id");
    let (rows, rejected, _) = normalize_all(source, &tenant, &Secret([7; 4]), &events, SENT_MS);
    assert_eq!(rejected, [], "{}", file.display());
    assert!(
        rows.raw
            .iter()
            .map(ByteString::as_bytes)
            .eq(events.iter().map(|event| &event.raw))
    );
    rows
}

/// Cut-down test events may lack the very field that names the action.
fn action_may_be_absent(event: &[u8], source: Source) -> bool {
    let key = match source {
        Source::Aws => "eventName",
        Source::Github => "action",
        Source::Okta => "eventType",
        Source::Teleport => "event",
    };
    let event: serde_json::Value = serde_json::from_slice(event).expect("a JSON sample");
    event.get(key).is_none()
}

fn check(source: Source, rows: &Rows, file: &Path) {
    let batch = |column| rows.column(column).expect("a narrow column");
    for column in [
        Column::EventSource,
        Column::Uid,
        Column::EventTime,
        Column::Status,
        Column::IdentityKind,
    ] {
        assert_eq!(
            batch(column).null_count(),
            0,
            "{column} of {}",
            file.display()
        );
    }
    let actions = batch(Column::Action);
    for (index, event) in rows.raw.iter().enumerate() {
        assert!(
            actions.is_valid(index) || action_may_be_absent(event.as_bytes(), source),
            "{}:{} has no action",
            file.display(),
            index + 1
        );
    }
    for column in rows.columns.columns() {
        for text in column
            .as_string_opt::<i32>()
            .into_iter()
            .flatten()
            .flatten()
        {
            let absent = ["", "-", "null", "0"].contains(&text.trim());
            assert!(!absent, "{text:?} stands for nothing in {}", file.display());
        }
    }
}

#[test]
fn every_real_event_becomes_a_row_that_is_of_use() {
    let Some(samples) = samples() else { return };
    let mut report: Vec<(Source, usize, Vec<usize>)> = Vec::new();
    for source in Source::ALL {
        let columns: Vec<Column> = narrow().collect();
        let (mut total, mut nulls) = (0, vec![0; columns.len()]);
        for file in files_of(source, &samples) {
            let rows = rows_of(source, &file);
            check(source, &rows, &file);
            total += rows.len();
            for (count, column) in nulls.iter_mut().zip(rows.columns.columns()) {
                *count += column.null_count();
            }
        }
        assert!(total > 0, "no samples of {source}");
        report.push((source, total, nulls));
    }
    print(&report);
}

fn narrow() -> impl Iterator<Item = Column> {
    Column::ALL
        .into_iter()
        .filter(|column| column.narrow_index().is_some())
}

fn print(report: &[(Source, usize, Vec<usize>)]) {
    println!("\nper cent of rows in which a column is empty");
    print!("{:<20}", "");
    for (source, total, _) in report {
        print!("{:>16}", format!("{source} ({total})"));
    }
    println!();
    for (index, column) in narrow().enumerate() {
        print!("{:<20}", column.name());
        for (_, total, nulls) in report {
            print!("{:>16}", nulls[index] * 100 / total);
        }
        println!();
    }
}
