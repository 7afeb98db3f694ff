//! What the journal costs in the long run: the objects and bytes that lie in the
//! store over a simulated week, and what a process reads that starts after a
//! million objects.
//!
//! The real protocol on a store in memory, in virtual time, with the numbers of
//! `topology.toml`. `cargo bench --bench journal [-- week|start]`; with
//! `IDTRAIL_PICTURES=DIR` it draws the week to `DIR/journal-week.svg`.

#![expect(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a benchmark's result is its output, and times are part of it"
)]

#[path = "../pictures/chart.rs"]
mod chart;
mod process;
mod store;

use std::time::Instant;

use chart::Chart;
use process::Process;
use store::Store;

const HOUR_MS: u64 = 3_600_000;
const WEEK_HOURS: u64 = 7 * 24;

/// An object a second, of so many events.
const EVENTS: u64 = 100;
const OBJECT_EVERY_MS: u64 = 1_000;

const MILLION: u64 = 1_000_000;

fn main() {
    // Cargo adds `--bench`.
    let asked = std::env::args()
        .nth(1)
        .filter(|part| !part.starts_with('-'));
    let wanted = |part: &str| asked.as_deref().is_none_or(|asked| asked == part);
    if wanted("week") {
        week();
    }
    if wanted("start") {
        start("with checkpoints", true);
        start("without", false);
    }
}

/// A point each hour: bytes of log, keys and checkpoints.
fn week() {
    let mut process = Process::new(Store::of_sizes());
    let mut chart = Chart::new("GB of the journal in the store", "days", 7);
    println!("a week of {EVENTS} events a second, an object each second");
    println!("  day   objects     log MB    keys MB  checkpoints");
    for hour in 1..=WEEK_HOURS {
        for _ in 0..HOUR_MS / OBJECT_EVERY_MS {
            process.pass(OBJECT_EVERY_MS);
            process.commit(EVENTS);
        }
        let sizes = process.store.sizes();
        let bytes = sizes.log_bytes + sizes.keys_bytes + sizes.checkpoint_bytes;
        chart.point(hour as f64 / 24.0, bytes as f64 / 1e9);
        if hour % 24 == 0 {
            println!(
                "{:>5} {:>9} {:>10.0} {:>10.0} {:>12}",
                hour / 24,
                sizes.log_objects,
                sizes.log_bytes as f64 / 1e6,
                sizes.keys_bytes as f64 / 1e6,
                sizes.checkpoints,
            );
        }
    }
    println!(
        "written: {:.1} GB, of that {:.2} GB checkpoints; {} calls that remove; {} keys known, in {:.0} MB",
        process.store.written as f64 / 1e9,
        process.store.checkpoints_written as f64 / 1e9,
        process.store.removals,
        process.keys(),
        process.keys_bytes() as f64 / 1e6,
    );
    if let Some(folder) = std::env::var_os("IDTRAIL_PICTURES") {
        let path = std::path::Path::new(&folder).join("journal-week.svg");
        std::fs::write(&path, chart.svg()).expect("the picture's folder can be written");
    }
}

/// A start after a million objects.
fn start(what: &str, keeps: bool) {
    let mut process = Process::new(Store::default());
    process.keeps = keeps;
    for _ in 0..MILLION {
        process.pass(250);
        process.commit(10);
    }
    let mut store = process.store;
    (store.reads, store.read_bytes) = (0, 0);
    let began = Instant::now();
    let next = Process::new(store);
    println!(
        "a start after a million objects, {what}: {} objects, {:.1} MB, {:.2} s; {} rows wait, {} \
         keys known",
        next.store.reads,
        next.store.read_bytes as f64 / 1e6,
        began.elapsed().as_secs_f64(),
        next.rows_waiting(),
        next.keys(),
    );
}
