//! The screen, as text: `screens/` holds what it looks like.
//!
//! After a change that is meant, IDTRAIL_WRITE_DOCS=1 writes them anew.

use std::{env, fs, path::Path};

use proptest::prelude::*;
use ratatui::{Terminal, backend::TestBackend, style::Color};

use super::*;
use crate::{
    scrape::Samples,
    top::{
        model::{Readiness, Scrape},
        palette::Palette,
        screen::Sort,
    },
};

const ACTORS: [&str; 13] = [
    "appender",
    "aws_normalizer",
    "batcher",
    "deleter",
    "enricher",
    "github_normalizer",
    "object_reader",
    "okta_normalizer",
    "partition_writer",
    "planner",
    "poller",
    "teleport_normalizer",
    "uploader",
];

/// A service that is busy, `secs` after it was first looked at.
fn metrics(secs: u64) -> String {
    let mut text = format!(
        "process_start_time_seconds 1795400000\n\
         process_cpu_seconds_total {}\n\
         process_resident_memory_bytes 198000000\n\
         idtrail_journal_leading 1\n\
         idtrail_journal_head {}\n\
         idtrail_journal_commits_total {}\n\
         idtrail_journal_bytes_total {}\n\
         idtrail_credit_available_bytes 201000000\n\
         idtrail_credit_total_bytes 268435456\n\
         idtrail_credit_blocked_microseconds_total 0\n\
         idtrail_state_bytes 31000000\n\
         idtrail_rows_waiting 76935\n\
         idtrail_partitions_open 12\n\
         idtrail_messages_in_hand 1204\n\
         idtrail_files_written_total {secs}\n\
         idtrail_compute_busy 1\n\
         idtrail_compute_threads 2\n\
         idtrail_compute_blocked_microseconds_total {}\n",
        secs as f64 * 1.2,
        12_000 + secs * 4,
        secs * 4,
        secs * 1_300_000,
        secs * 80_000,
    );
    for (index, source) in ["aws", "github", "okta", "teleport"].iter().enumerate() {
        let received = (secs * 900 + secs % 5 * 200) / (index as u64 + 1);
        for (kind, events) in [
            ("received", received),
            ("stored", received * 9 / 10),
            ("duplicate", received / 10),
            ("quarantined", if index == 2 { secs } else { 0 }),
        ] {
            text += &format!("idtrail_events_{kind}_total{{source=\"{source}\"}} {events}\n");
        }
    }
    for (index, actor) in (0_u64..).zip(ACTORS) {
        let blocked = if actor == "batcher" { 240_000 } else { 0 };
        for (name, value) in [
            ("mailbox_fill", index * 5 % 16),
            ("mailbox_slots", 16),
            ("mailbox_blocked_microseconds_total", secs * blocked),
            ("actor_handled_total", secs * index * 31),
            ("actor_cpu_nanoseconds_total", secs * index * 17_000_000),
        ] {
            text += &format!("idtrail_{name}{{actor=\"{actor}\"}} {value}\n");
        }
    }
    for name in ["journal_commit", "message_durable", "message_age"] {
        for (le, share) in [("0.01", 2), ("0.1", 60), ("1", 99), ("+Inf", 100)] {
            text += &format!(
                "idtrail_{name}_seconds_bucket{{le=\"{le}\"}} {}\n",
                secs * share
            );
        }
    }
    text
}

fn scrape(secs: u64, more: &str) -> Scrape {
    Scrape {
        at_ms: secs * 1_000,
        wall_ms: 1_795_424_000_000 + secs as i64 * 1_000,
        readiness: Readiness {
            ready: true,
            role: Some("leader".to_owned()),
            version: Some("0.1.0 (42d0a44 2026-11-23)".to_owned()),
        },
        samples: Samples::parse(&(metrics(secs) + more)),
    }
}

fn busy(more: &str) -> Screen {
    let palette = Palette { color: true };
    let mut screen = Screen::new("http://127.0.0.1:8080".to_owned(), palette);
    for secs in 0..30 {
        screen.watched.scraped(scrape(secs, more));
    }
    screen
}

fn drawn(screen: &Screen, width: u16, height: u16) -> Buffer {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).expect("in memory");
    terminal
        .draw(|frame| draw(screen, frame.area(), frame.buffer_mut()))
        .expect("in memory");
    terminal.backend().buffer().clone()
}

fn text(screen: &Screen, width: u16, height: u16) -> String {
    crate::top::text_of(&drawn(screen, width, height))
}

/// Compares with the file of that name.
fn check(name: &str, found: &str) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/top/view/screens");
    let path = folder.join(name).with_extension("txt");
    if env::var_os("IDTRAIL_WRITE_DOCS").is_some() {
        fs::write(&path, found).expect("the folder can be written");
    }
    let expected = fs::read_to_string(&path).unwrap_or_default();
    assert!(found == expected, "{name} was\n{expected}\nand is\n{found}");
}

#[test]
fn a_terminal_that_would_cut_numbers_shows_none() {
    let found = text(&busy(""), 79, 24);
    assert!(
        found.contains("80 columns are needed, 79 are there"),
        "{found}"
    );
    assert!(!found.contains("journal"), "{found}");
}

#[test]
fn a_busy_service_looks_as_it_did() {
    let screen = busy("");
    check("80x24", &text(&screen, 80, 24));
    check("140x45", &text(&screen, 140, 45));
}

#[test]
fn on_aws_calls_have_their_table_and_what_fails_is_red() {
    let screen = busy(
        "idtrail_aws_requests_total{service=\"s3\",operation=\"PutObject\"} 120\n\
         idtrail_aws_errors_total{service=\"s3\",operation=\"PutObject\",kind=\"denied\"} 3\n\
         idtrail_actor_restarts_total{actor=\"enricher\"} 1\n",
    );
    let text = text(&screen, 140, 45);
    for shown in ["calls of AWS", "PutObject", "restarts 1 aws 3"] {
        assert!(text.contains(shown), "{shown}: {text}");
    }
    let red = |screen: &Screen| {
        let buffer = drawn(screen, 140, 45);
        buffer.content().iter().any(|cell| cell.fg == Color::Red)
    };
    assert!(red(&screen) && !red(&busy("")));
}

#[test]
fn a_failure_keeps_the_numbers_and_says_what_to_do() {
    let mut screen = busy("");
    let why = "nothing listens on http://127.0.0.1:8080: start it with `idtrail run`, or name \
               another address with --url";
    screen.watched.failed(why.to_owned());
    check("lost", &text(&screen, 80, 24));
    let mut screen = Screen::new("http://127.0.0.1:8080".to_owned(), screen.palette);
    assert!(text(&screen, 80, 24).contains("the first numbers of"));
    screen.watched.failed(why.to_owned());
    let text = text(&screen, 80, 24);
    assert!(
        text.contains("again and again") && text.contains("--url"),
        "{text}"
    );
}

#[test]
fn keys_change_what_is_seen() {
    let mut screen = busy("");
    screen.help = true;
    check("help", &text(&screen, 80, 24));
    screen.help = false;
    screen.paused = true;
    screen.sort = Sort::Cpu;
    let text = text(&screen, 80, 24);
    assert!(text.contains("paused") && text.contains("▾cpu"), "{text}");
    let uploader = text.find("uploader").expect("it has most CPU");
    assert!(uploader < text.find("appender").expect("it has least"));
}

#[test]
fn rows_without_a_place_are_counted() {
    let text = text(&busy(""), 80, 20);
    assert!(text.contains("and 5 more"), "{text}");
}

#[test]
fn without_colour_nothing_is_coloured() {
    let mut screen = busy("idtrail_queue_errors_total 3\n");
    screen.palette = Palette { color: false };
    for cell in drawn(&screen, 140, 45).content() {
        assert_eq!((cell.fg, cell.bg), (Color::Reset, Color::Reset));
    }
}

#[test]
fn what_a_stranger_sends_moves_no_cursor() {
    let screen = busy("idtrail_mailbox_slots{actor=\"\x1b[2J\x07evil\"} 1\n");
    let text = text(&screen, 80, 26);
    assert!(text.contains("evil"), "{text}");
    assert!(
        text.chars().all(|c| c == '\n' || !c.is_control()),
        "{text:?}"
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn no_terminal_is_too_small_or_too_large(width in 0_u16..250, height in 0_u16..80, help in any::<bool>()) {
        let mut screen = busy("");
        screen.help = help;
        let mut buffer = Buffer::empty(Rect::new(0, 0, width, height));
        draw(&screen, buffer.area, &mut buffer);
        screen.watched.failed("why and what to do ".repeat(9));
        draw(&screen, buffer.area, &mut buffer);
    }
}
