//! Events normalised per second on one core, over the fixtures of each source.
//!
//! `cargo bench -p audit --bench normalize`

#![expect(
    clippy::print_stdout,
    reason = "the figures are what this program is for"
)]
#![expect(
    clippy::disallowed_methods,
    reason = "a benchmark reads the real clock"
)]

use std::{fs, path::Path, time::Instant};

use audit::{columns::normalize_all, key::Secret, message::Event, source::Source, tenant::Tenant};

/// 2024-06-01T00:00:00Z
const SENT_MS: i64 = 1_717_200_000_000;

/// About a parcel's worth.
const EVENTS_PER_PARCEL: usize = 1_000;

const PARCELS: usize = 200;

fn events_of(source: Source) -> Vec<Event> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fixtures")
        .join(source.name());
    let mut events = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder of fixtures") {
        let path = entry.expect("an entry").path();
        if !path.to_string_lossy().ends_with(".row.json") {
            let fixture = fs::read(path).expect("a fixture");
            let event: serde_json::Value = serde_json::from_slice(&fixture).expect("JSON");
            // As sources send it: without white space.
            events.push(Event::of(event.to_string().into()));
        }
    }
    events
        .iter()
        .cycle()
        .take(EVENTS_PER_PARCEL)
        .cloned()
        .collect()
}

fn main() {
    let tenant = Tenant::parse("acme").expect("a valid id");
    for source in Source::ALL {
        let events = events_of(source);
        let bytes: usize = events.iter().map(|event| event.raw.len()).sum();
        let mut rows = 0;
        let begun = Instant::now();
        for _ in 0..PARCELS {
            rows += normalize_all(source, &tenant, &Secret([1; 4]), &events, SENT_MS)
                .0
                .len();
        }
        let seconds = begun.elapsed().as_secs_f64();
        println!(
            "{source:<10} {:>9.0} events/s   {:.2} µs an event of {} bytes   {:.0} MB/s",
            rows as f64 / seconds,
            seconds * 1e6 / rows as f64,
            bytes / events.len(),
            (bytes * PARCELS) as f64 / seconds / 1e6,
        );
    }
}
