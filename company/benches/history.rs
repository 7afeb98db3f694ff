//! Events made per second by one thread.
//!
//! `cargo bench -p company --bench history`

#![expect(
    clippy::print_stdout,
    reason = "the figures are what this program is for"
)]
#![expect(
    clippy::disallowed_methods,
    reason = "a benchmark reads the real clock"
)]

use std::time::Instant;

use company::Company;
use jiff::civil::date;

const EVENTS: u64 = 1_000_000;

fn main() {
    let begun = Instant::now();
    let company = Company::found(1);
    println!("founded in {:.1} ms", begun.elapsed().as_secs_f64() * 1e3);
    let begun = Instant::now();
    let history = company.history(date(2026, 6, 30), EVENTS);
    let bytes: usize = history.map(|event| event.raw.len()).sum();
    let seconds = begun.elapsed().as_secs_f64();
    println!(
        "{:.0} events/s   {:.0} MB/s   {} bytes an event",
        EVENTS as f64 / seconds,
        bytes as f64 / seconds / 1e6,
        bytes as u64 / EVENTS,
    );
}
