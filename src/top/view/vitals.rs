//! Whether the service is well: memory, what is in hand, lag, and what failed.

use ratatui::{
    style::Style,
    text::{Line, Span},
};

use crate::top::{
    figures::{bar, bytes, count, known, percent, seconds},
    model::{Model, Tally},
    screen::Screen,
};

/// Columns and rows of the brief form.
pub(super) const BRIEF_WIDTH: u16 = 33;
pub(super) const BRIEF_ROWS: usize = 6;
/// Columns of the full one.
pub(super) const FULL_WIDTH: u16 = 46;

const LABEL_WIDTH: usize = 8;

/// What is told in MiB.
const MEBIBYTES: std::ops::Range<f64> = 1_048_576.0..1_073_741_824.0;

/// What has its place on any terminal.
pub(super) fn brief(screen: &Screen, model: &Model) -> Vec<Line<'static>> {
    vec![
        credit(screen, model, 4),
        state(screen, model),
        text(
            screen,
            "open",
            &things(model.in_hand.partitions_open, "partition"),
        ),
        text(
            screen,
            "in hand",
            &things(model.in_hand.messages, "message"),
        ),
        lag(
            screen,
            "lag p99",
            [model.lag.durable_p99_secs, model.lag.message_age_p99_secs],
        ),
        trouble(screen, model),
    ]
}

/// With what a larger terminal has room for.
pub(super) fn full(screen: &Screen, model: &Model) -> Vec<Line<'static>> {
    let mut lines = brief(screen, model);
    lines[0] = credit(screen, model, 16);
    lines.insert(
        4,
        lag(
            screen,
            "lag p50",
            [model.lag.durable_p50_secs, model.lag.message_age_p50_secs],
        ),
    );
    let compute = format!(
        "{} of {} threads busy, waited for {}",
        known(model.process.compute_busy, count),
        known(model.process.compute_threads, count),
        known(model.process.compute_blocked, percent),
    );
    let lake = format!(
        "{} files/s, {} rows/s, {}/s",
        count(model.lake.files_per_sec),
        count(model.lake.rows_per_sec),
        bytes(model.lake.bytes_per_sec),
    );
    let blocked = known(model.memory.credit_blocked, percent);
    lines.extend([
        text(screen, "compute", &compute),
        text(
            screen,
            "intake",
            &format!("waited {blocked} of the time for credit"),
        ),
        text(screen, "lake", &lake),
        text(
            screen,
            "journal",
            &format!("{}/s written", bytes(model.journal.bytes_per_sec)),
        ),
    ]);
    lines
}

/// `1 message`, `12 messages`.
fn things(number: Option<f64>, what: &str) -> String {
    let ending = if number == Some(1.0) { "" } else { "s" };
    format!("{} {what}{ending}", known(number, count))
}

fn text(screen: &Screen, label: &str, text: &str) -> Line<'static> {
    line(screen, label, vec![Span::raw(text.to_owned())])
}

fn line(screen: &Screen, label: &str, value: Vec<Span<'static>>) -> Line<'static> {
    let label = Span::styled(format!("{label:LABEL_WIDTH$}"), screen.palette.label());
    Line::from([vec![label], value].concat())
}

fn credit(screen: &Screen, model: &Model, width: usize) -> Line<'static> {
    let (available, total) = (
        model.memory.credit_available_bytes,
        model.memory.credit_total_bytes,
    );
    let share = available
        .zip(total)
        .map(|(free, all)| free.max(0.0) / all.max(1.0));
    // Bad is what is low.
    let style = match share {
        Some(share) if share < 0.05 => screen.palette.bad(),
        Some(share) if share < 0.25 => screen.palette.warning(),
        _ => screen.palette.good(),
    };
    let (full, rest) = bar(share.unwrap_or_default(), width);
    let amount = match (available, total) {
        // One unit is enough.
        (Some(free), Some(all)) if MEBIBYTES.contains(&all) => {
            format!(" {:.0}/{} free", free / MEBIBYTES.start, bytes(all))
        }
        _ => format!(" {} free", known(available, bytes)),
    };
    let value = vec![
        Span::styled(full, style),
        Span::styled(rest, screen.palette.quiet()),
        Span::raw(amount),
    ];
    line(screen, "credit", value)
}

fn state(screen: &Screen, model: &Model) -> Line<'static> {
    let value = format!(
        "{}, {} rows",
        known(model.memory.state_bytes, bytes),
        known(model.in_hand.rows_waiting, count),
    );
    text(screen, "state", &value)
}

fn lag(screen: &Screen, label: &str, [durable, age]: [Option<f64>; 2]) -> Line<'static> {
    let style = screen.palette.graded(durable, 2.0, 15.0);
    let value = vec![
        Span::styled(known(durable, seconds), style),
        Span::raw(", age "),
        Span::raw(known(age, seconds)),
    ];
    line(screen, label, value)
}

fn trouble(screen: &Screen, model: &Model) -> Line<'static> {
    let troubles = &model.troubles;
    let kinds = [
        ("restarts", troubles.restarts),
        ("queue", troubles.queue),
        ("journal", troubles.journal),
        ("uploads", troubles.uploads),
        ("objects", troubles.objects),
        ("aws", troubles.aws),
    ];
    let mut value = Vec::new();
    for (name, tally) in kinds.into_iter().filter(|(_, tally)| tally.total > 0.0) {
        let told = format!("{name} {}", count(tally.total));
        value.push(Span::styled(told, severity(screen, tally)));
        value.push(Span::raw(" "));
    }
    if value.is_empty() {
        value.push(Span::styled("none since the start", screen.palette.good()));
    }
    line(screen, "trouble", value)
}

/// What fails now is bad; what failed once deserves a look.
pub(super) fn severity(screen: &Screen, tally: Tally) -> Style {
    match tally {
        Tally { new, .. } if new > 0.0 => screen.palette.bad(),
        Tally { total, .. } if total > 0.0 => screen.palette.warning(),
        _ => Style::new(),
    }
}
