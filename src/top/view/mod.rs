//! What the screen shows: drawn from a [`Screen`] into a buffer, nothing else.
//!
//! Everything has its place on 80 columns and 24 rows; a larger terminal gets
//! frames, more numbers, and the course of things over time. Of rows that have
//! no place, how many they are is told.

mod tables;
mod vitals;

use jiff::Timestamp;
use ratatui::{
    buffer::Buffer,
    layout::{Alignment, Constraint, Layout, Rect},
    style::Style,
    text::{Line, Span, Text},
    widgets::{Block, Clear, Padding, Paragraph, Sparkline, Widget, Wrap},
};

use super::{
    figures::{UNKNOWN, bytes, count, known, percent, seconds, span},
    model::Model,
    screen::Screen,
};

/// Below, cells would be cut, and a cut number is a wrong one.
pub(super) const WIDTH_MIN: u16 = 80;

/// From here on there are frames.
const ROOMY: (u16, u16) = (100, 36);

/// From here on the calls of AWS have a place beside the actors.
const WITH_CALLS: u16 = 126;

const HELP: &str = "\
q Esc Ctrl-C  quit            p  pause, go on
s  sort actors by the next column    ?  this help

recv stored dup quar   events a second: received = stored +
        duplicates + quarantined
mailbox  messages waiting for the actor, of its slots
blocked  time senders waited for it; 200%: two, all the time.
        The actor with much of it is the bottleneck, or what
        it sends to is: look further down the line.
cpu     of one core, its compute jobs among it
credit  memory intake may still take; at 0 it waits
state   rows that are durable and not yet in a file
lag p99 receive to durable (promise: 2 s), send to receive
trouble what failed since the start; red: just now";

pub(super) fn draw(screen: &Screen, area: Rect, buffer: &mut Buffer) {
    let footer = footer(screen);
    let lines = lines_of(&footer.to_string(), usize::from(area.width)).min(3);
    let rows = [Constraint::Fill(1), Constraint::Length(lines as u16)];
    let [body, bottom] = Layout::vertical(rows).areas(area);
    match &screen.watched.model {
        Some(model) if area.width >= ROOMY.0 && area.height >= ROOMY.1 => {
            roomy(screen, model, body, buffer);
        }
        _ => draw_numbers(screen, body, buffer),
    }
    let footer = Paragraph::new(footer).wrap(Wrap { trim: true });
    footer.render(bottom, buffer);
    if screen.help {
        help(screen, area, buffer);
    }
}

/// What has its place on any terminal, without the keys.
pub(super) fn draw_numbers(screen: &Screen, area: Rect, buffer: &mut Buffer) {
    match &screen.watched.model {
        _ if area.width < WIDTH_MIN => {
            let (needed, there) = (WIDTH_MIN, area.width);
            let what = format!("{needed} columns are needed, {there} are there");
            instead(screen, what, area, buffer);
        }
        Some(model) => compact(screen, model, area, buffer),
        None => instead(screen, waiting(screen), area, buffer),
    }
}

/// Rows of [`draw_numbers`], should all have their place.
pub(super) fn rows(model: &Model) -> u16 {
    let rows = 2 + upper_rows(model) + 1 + 1 + tables::rows(model);
    u16::try_from(rows).unwrap_or(u16::MAX)
}

/// Sources, their heading and their sum; what is beside them has as many.
fn upper_rows(model: &Model) -> usize {
    (model.sources.len() + 2).max(vitals::BRIEF_ROWS)
}

fn compact(screen: &Screen, model: &Model, area: Rect, buffer: &mut Buffer) {
    let upper_rows = upper_rows(model) as u16;
    // The last actor is worth more than an empty row.
    let gap = u16::from(rows(model) != area.height + 1);
    let [title, journal, upper, _, actors] = Layout::vertical([
        Constraint::Length(1),
        Constraint::Length(1),
        Constraint::Length(upper_rows),
        Constraint::Length(gap),
        Constraint::Fill(1),
    ])
    .areas(area);
    let columns = [Constraint::Fill(1), Constraint::Length(vitals::BRIEF_WIDTH)];
    let [left, right] = Layout::horizontal(columns).spacing(2).areas(upper);
    heading(screen, model, title, journal, buffer);
    tables::sources(screen, model, left, buffer);
    Text::from(vitals::brief(screen, model)).render(right, buffer);
    tables::actors(screen, model, actors, buffer);
}

fn roomy(screen: &Screen, model: &Model, area: Rect, buffer: &mut Buffer) {
    let vitals = vitals::full(screen, model);
    let upper = (model.sources.len() + 2).max(vitals.len()) as u16 + 2;
    let lower = tables::rows(model) as u16 + 3;
    let [title, journal, upper, middle, lower] = Layout::vertical([
        Constraint::Length(1),
        Constraint::Length(1),
        Constraint::Length(upper),
        Constraint::Fill(1),
        Constraint::Max(lower),
    ])
    .areas(area);
    let columns = [
        Constraint::Fill(1),
        Constraint::Length(vitals::FULL_WIDTH + 4),
    ];
    let [left, right] = Layout::horizontal(columns).areas(upper);
    heading(screen, model, title, journal, buffer);
    tables::sources(
        screen,
        model,
        framed(screen, "sources", left, buffer),
        buffer,
    );
    Text::from(vitals).render(framed(screen, "health", right, buffer), buffer);
    course(screen, middle, buffer);
    if model.calls.is_empty() || area.width < WITH_CALLS {
        tables::actors(
            screen,
            model,
            framed(screen, "actors", lower, buffer),
            buffer,
        );
    } else {
        let [left, right] = Layout::horizontal(columns).areas(lower);
        tables::actors(
            screen,
            model,
            framed(screen, "actors", left, buffer),
            buffer,
        );
        tables::calls(
            screen,
            model,
            framed(screen, "calls of AWS", right, buffer),
            buffer,
        );
    }
}

/// A frame with its name; what is inside of it is left to draw.
fn framed(screen: &Screen, name: &str, area: Rect, buffer: &mut Buffer) -> Rect {
    let block = Block::bordered()
        .padding(Padding::horizontal(1))
        .border_style(screen.palette.quiet())
        .title(Span::styled(format!(" {name} "), screen.palette.label()));
    let inner = block.inner(area);
    block.render(area, buffer);
    inner
}

/// Events received a second, as far back as there is room.
fn course(screen: &Screen, area: Rect, buffer: &mut Buffer) {
    let width = usize::from(area.width.saturating_sub(4));
    let history = screen.watched.history();
    let shown = &history[history.len().saturating_sub(width)..];
    let highest = shown.iter().copied().fold(0.0, f64::max);
    let name = format!("events received a second, at most {}", count(highest));
    let inner = framed(screen, &name, area, buffer);
    let newest_last = inner.width.saturating_sub(shown.len() as u16);
    let [_, columns] =
        Layout::horizontal([Constraint::Length(newest_last), Constraint::Fill(1)]).areas(inner);
    // Tenths, so that a rate below one is seen.
    Sparkline::default()
        .data(shown.iter().map(|rate| (rate * 10.0) as u64))
        .style(screen.palette.bar())
        .render(columns, buffer);
}

fn heading(screen: &Screen, model: &Model, title: Rect, journal: Rect, buffer: &mut Buffer) {
    title_row(screen, model, title, buffer);
    let parts = [
        ("journal ", known(model.journal.head, count), Style::new()),
        (
            "",
            format!("{} commits/s", count(model.journal.commits_per_sec)),
            Style::new(),
        ),
        (
            "p50 ",
            known(model.journal.commit_p50_secs, seconds),
            Style::new(),
        ),
        (
            "p99 ",
            known(model.journal.commit_p99_secs, seconds),
            screen
                .palette
                .graded(model.journal.commit_p99_secs, 1.0, 4.0),
        ),
        ("cpu ", known(model.process.cpu, percent), Style::new()),
        (
            "memory ",
            known(model.process.resident_bytes, bytes),
            Style::new(),
        ),
    ];
    let mut spans = vec![Span::raw(" ")];
    for (name, value, style) in parts {
        spans.push(Span::styled(name, screen.palette.label()));
        spans.push(Span::styled(value, style));
        spans.push(Span::raw("  "));
    }
    Line::from(spans).render(journal, buffer);
}

fn title_row(screen: &Screen, model: &Model, area: Rect, buffer: &mut Buffer) {
    let version = model.version.as_deref().unwrap_or("of unknown version");
    // The commit's day has no place on a narrow terminal.
    let version = match version.rsplit_once(' ') {
        Some((commit, _)) if area.width < 100 && commit.contains('(') => format!("{commit})"),
        _ => version.to_owned(),
    };
    let time = Timestamp::from_millisecond(model.at_ms)
        .map(|time| time.strftime("%H:%M:%SZ").to_string())
        .unwrap_or_default();
    let up = known(model.uptime_secs, span);
    let right = format!("{}  {time} ", screen.place.trim_start_matches("http://"));
    buffer.set_style(area, screen.palette.title());
    let role_style = match model.ready {
        true => Style::new(),
        false => screen.palette.bad(),
    };
    let left = Line::from(vec![
        Span::raw(format!(" idtrail {version}  ")),
        Span::styled(role(model), role_style),
        Span::raw(format!("  up {up}")),
    ]);
    let columns = [
        Constraint::Length(left.width() as u16 + 2),
        Constraint::Fill(1),
    ];
    let [first, last] = Layout::horizontal(columns).areas(area);
    left.render(first, buffer);
    Line::from(right)
        .alignment(Alignment::Right)
        .render(last, buffer);
}

fn role(model: &Model) -> String {
    match (&model.role, model.journal.leading) {
        (Some(role), _) => role.clone(),
        (None, Some(true)) => "leader".to_owned(),
        (None, Some(false)) => "not leading".to_owned(),
        (None, None) => UNKNOWN.to_owned(),
    }
}

/// Before the first numbers.
fn waiting(screen: &Screen) -> String {
    match &screen.watched.trouble {
        Some(_) => format!("trying {} again and again", screen.place),
        None => format!("the first numbers of {} are coming", screen.place),
    }
}

/// In place of all numbers.
fn instead(screen: &Screen, text: String, area: Rect, buffer: &mut Buffer) {
    let middle = Constraint::Length(1);
    let [_, row, _] =
        Layout::vertical([Constraint::Fill(1), middle, Constraint::Fill(1)]).areas(area);
    let line = Line::styled(text, screen.palette.quiet());
    line.alignment(Alignment::Center).render(row, buffer);
}

/// Rows that a text takes, broken between words.
fn lines_of(text: &str, width: usize) -> usize {
    let (mut lines, mut used) = (1, 0);
    for word in text.split(' ') {
        let word = Span::raw(word).width();
        if used > 0 && used + 1 + word > width {
            lines += 1;
            used = 0;
        }
        used += word + usize::from(used > 0);
    }
    lines
}

fn footer(screen: &Screen) -> Line<'static> {
    let palette = screen.palette;
    match &screen.watched.trouble {
        Some(why) => Line::styled(why.clone(), palette.bad()),
        None if screen.paused => Line::from(vec![
            Span::styled("paused", palette.warning()),
            Span::styled("  p go on  q quit  ? help", palette.quiet()),
        ]),
        None => {
            let keys = format!("q quit  p pause  s sort: {}  ? help", screen.sort.name());
            Line::styled(keys, palette.quiet())
        }
    }
}

fn help(screen: &Screen, area: Rect, buffer: &mut Buffer) {
    let text = Text::from(HELP);
    let [width, height] = [text.width() + 4, text.height() + 2].map(|size| size as u16);
    let area = area.centered(Constraint::Max(width), Constraint::Max(height));
    Clear.render(area, buffer);
    let inner = framed(screen, "help", area, buffer);
    text.render(inner, buffer);
}

#[cfg(test)]
mod tests;
