//! The tables: sources, actors, calls of AWS.

use ratatui::{
    buffer::Buffer,
    layout::{Constraint, Rect},
    style::Style,
    text::{Line, Span},
    widgets::{Cell, Row, Table, Widget},
};

use super::vitals::severity;
use crate::top::{
    figures::{bar, count, known, percent, sparkline},
    model::{Actor, Model, Source},
    screen::{Screen, Sort},
};

/// Widths of the columns of [`sources`], without the last.
const SOURCE_WIDTHS: [u16; 5] = [8, 7, 7, 6, 5];

pub(super) fn sources(screen: &Screen, model: &Model, area: Rect, buffer: &mut Buffer) {
    let taken: u16 = SOURCE_WIDTHS.iter().map(|width| width + 1).sum();
    let width = usize::from(area.width.saturating_sub(taken));
    let row = |name: &str, source: &Source, history: &[f64]| {
        let style = match source.quarantined > 0.0 {
            true => screen.palette.warning(),
            false => Style::new(),
        };
        Row::new([
            Cell::from(Span::styled(name.to_owned(), screen.palette.label())),
            number(count(source.received), Style::new()),
            number(count(source.stored), Style::new()),
            number(count(source.duplicate), Style::new()),
            number(count(source.quarantined), style),
            Cell::from(Span::styled(
                sparkline(history, width),
                screen.palette.bar(),
            )),
        ])
    };
    let mut rows: Vec<Row<'_>> = model
        .sources
        .iter()
        .map(|source| {
            row(
                &source.source,
                source,
                &screen.watched.history_of(&source.source),
            )
        })
        .collect();
    if rows.is_empty() {
        rows.push(Row::new(["none yet"]).style(screen.palette.quiet()));
    } else {
        rows.push(row("all", &sum(&model.sources), &screen.watched.history()));
    }
    let head = ["events/s", "recv", "stored", "dup", "quar"];
    let widths = SOURCE_WIDTHS.map(Constraint::Length).into_iter();
    Table::new(rows, widths.chain([Constraint::Fill(1)]))
        .header(headings(screen, head, None))
        .render(area, buffer);
}

fn sum(sources: &[Source]) -> Source {
    sources
        .iter()
        .fold(Source::default(), |sum, source| Source {
            received: sum.received + source.received,
            stored: sum.stored + source.stored,
            duplicate: sum.duplicate + source.duplicate,
            quarantined: sum.quarantined + source.quarantined,
            ..sum
        })
}

/// The first is to the left, like the names below it.
fn headings<const N: usize>(
    screen: &Screen,
    names: [&str; N],
    sorted: Option<&str>,
) -> Row<'static> {
    let style = screen.palette.quiet();
    let cells = names.into_iter().enumerate().map(|(index, name)| {
        let mark = if sorted == Some(name) { "▾" } else { "" };
        let line = Line::styled(format!("{mark}{name}"), style);
        Cell::from(if index == 0 {
            line
        } else {
            line.right_aligned()
        })
    });
    Row::new(cells.collect::<Vec<_>>())
}

fn number(text: String, style: Style) -> Cell<'static> {
    Cell::from(Line::styled(text, style).right_aligned())
}

/// Actors that are shown: a supervisor only once it restarted something.
fn shown(model: &Model) -> impl Iterator<Item = &Actor> {
    let has_part = |actor: &&Actor| actor.mailbox_slots.is_some() || actor.restarts > 0.0;
    model.actors.iter().filter(has_part)
}

/// Rows that [`fn@actors`] would have.
pub(super) fn rows(model: &Model) -> usize {
    shown(model).count()
}

pub(super) fn actors(screen: &Screen, model: &Model, area: Rect, buffer: &mut Buffer) {
    let mut actors: Vec<&Actor> = shown(model).collect();
    screen.sort.apply(&mut actors);
    let room = usize::from(area.height.saturating_sub(1));
    let all = actors.len();
    if all > room {
        // One row tells of the rest.
        actors.truncate(room.saturating_sub(1));
    }
    // What is left of the width, up to a wide bar, is for the mailbox.
    let bar_width = usize::from(area.width.saturating_sub(65)).clamp(6, 80);
    let mut rows: Vec<Row<'_>> = actors
        .iter()
        .map(|actor| actor_row(screen, actor, bar_width))
        .collect();
    if rows.len() < all {
        let rest = format!("and {} more", all - rows.len());
        rows.push(Row::new([rest]).style(screen.palette.quiet()));
    }
    let widths = [19, bar_width as u16 + 7, 8, 10, 7, 8].map(Constraint::Length);
    let head = Sort::ALL.map(Sort::name);
    Table::new(rows, widths)
        .header(headings(screen, head, Some(screen.sort.name())))
        .render(area, buffer);
}

fn actor_row(screen: &Screen, actor: &Actor, bar_width: usize) -> Row<'static> {
    let palette = screen.palette;
    let share = actor.mailbox_fill.zip(actor.mailbox_slots);
    let share = share.map_or(0.0, |(fill, slots)| fill / slots.max(1.0));
    let (full, rest) = bar(share, bar_width);
    let figures = format!(
        " {:>6}",
        match actor.mailbox_slots {
            Some(slots) => format!("{}/{}", known(actor.mailbox_fill, count), count(slots)),
            None => String::new(),
        }
    );
    let mailbox = match actor.mailbox_slots {
        Some(_) => Line::from(vec![
            Span::styled(full, palette.bar()),
            Span::styled(rest, palette.quiet()),
            Span::raw(figures),
        ]),
        None => Line::styled("supervisor", palette.quiet()),
    };
    let restarts = match actor.restarts > 0.0 {
        true => palette.bad(),
        false => palette.quiet(),
    };
    Row::new([
        Cell::from(Span::styled(actor.actor.clone(), palette.label())),
        Cell::from(mailbox),
        number(
            known(actor.blocked, percent),
            palette.graded(actor.blocked, 0.1, 0.5),
        ),
        number(known(actor.handled_per_sec, count), Style::new()),
        number(
            known(actor.cpu, percent),
            palette.graded(actor.cpu, 0.9, f64::INFINITY),
        ),
        number(count(actor.restarts), restarts),
    ])
}

pub(super) fn calls(screen: &Screen, model: &Model, area: Rect, buffer: &mut Buffer) {
    let rows = model.calls.iter().map(|call| {
        Row::new([
            Cell::from(Span::styled(call.operation.clone(), screen.palette.label())),
            number(count(call.per_sec), Style::new()),
            number(count(call.errors.total), severity(screen, call.errors)),
        ])
    });
    let widths = [
        Constraint::Fill(1),
        Constraint::Length(8),
        Constraint::Length(8),
    ];
    Table::new(rows, widths)
        .header(headings(screen, ["operation", "calls/s", "failed"], None))
        .render(area, buffer);
}
