//! A history as the sources would send it: the same for the same seed, of the
//! right mix and sizes, and whole in every event.

use std::collections::{BTreeMap, BTreeSet};

use audit::{
    message::{Decoder, Limits, Pull},
    normalize::normalize,
    source::Source,
};
use company::{Company, DAYS, Event};
use jiff::{
    Timestamp,
    civil::{Date, date},
};

const UNTIL: Date = date(2026, 6, 30);
/// The end of that day.
const ENDS: &str = "2026-07-01T00:00:00Z";

const EVENTS: u64 = 200_000;

/// FNV-1a over the raw events.
fn hash(events: impl Iterator<Item = Event>) -> u64 {
    let bytes = events.flat_map(|event| event.raw);
    bytes.fold(0xCBF2_9CE4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3)
    })
}

/// Golden: whoever names a seed in a report gets these events again.
#[test]
fn the_same_seed_gives_the_same_bytes() {
    let history = |seed| hash(Company::found(seed).history(UNTIL, 5_000));
    assert_eq!(history(1), history(1));
    assert_ne!(history(1), history(2));
    assert_eq!(format!("{:016x}", history(1)), "7d8c5e0fe9dc1119");
    let from: Timestamp = "2026-07-01T09:30:00Z".parse().expect("a time");
    let live = |seed| hash(Company::found(seed).live(from).take(2_000));
    assert_eq!(format!("{:016x}", live(1)), "d3d04e02054597b5");
}

#[derive(Default)]
struct Seen {
    events: u64,
    bytes: Vec<usize>,
    types: BTreeSet<String>,
}

#[test]
fn a_history_is_ordered_and_has_the_mix_and_sizes_of_real_logs() {
    let ends: Timestamp = ENDS.parse().expect("a time");
    let mut by_source: BTreeMap<Source, Seen> = BTreeMap::new();
    let mut before = None;
    let (mut first, mut last) = (ends, Timestamp::MIN);
    for event in Company::found(1).history(UNTIL, EVENTS) {
        let raw = str::from_utf8(&event.raw).expect("text");
        assert!(before <= Some(event.time), "out of order: {raw}");
        before = Some(event.time);
        (first, last) = (first.min(event.time), last.max(event.time));
        let row = normalize(event.source, raw, None, ends.as_millisecond());
        let row = row.unwrap_or_else(|reject| panic!("{reject}: {raw}"));
        assert!(!row.time_substituted, "{raw}");
        assert_eq!(row.event_ms, event.time.as_millisecond(), "{raw}");
        assert!(
            row.row.identity_id.is_some() || event.source != Source::Okta,
            "{raw}"
        );
        let seen = by_source.entry(event.source).or_default();
        seen.events += 1;
        seen.bytes.push(event.raw.len());
        let service = row.row.aws_service.unwrap_or_default();
        let action = row.row.action.unwrap_or_else(|| panic!("no action: {raw}"));
        seen.types.insert(format!("{service} {action}"));
    }
    let days = (last - first).total(jiff::Unit::Hour).expect("hours") / 24.0;
    assert!(days > DAYS as f64 - 1.0 && last < ends, "{first} to {last}");
    let types: usize = by_source.values().map(|seen| seen.types.len()).sum();
    assert!(types >= 500, "{types} types of event");
    for (source, percent, mean, median) in [
        (Source::Aws, 60, 1744, 1509),
        (Source::Github, 15, 851, 791),
        (Source::Okta, 15, 2448, 2406),
        (Source::Teleport, 10, 780, 958),
    ] {
        let seen = by_source.get_mut(&source).expect("some");
        let share = seen.events as f64 * 100.0 / EVENTS as f64;
        assert!(
            (share - f64::from(percent)).abs() < 3.0,
            "{source}: {share} %"
        );
        seen.bytes.sort_unstable();
        let found = seen.bytes.iter().sum::<usize>() as f64 / seen.events as f64;
        let off = |found: f64, expected: i32| (found / f64::from(expected) - 1.0).abs();
        assert!(
            off(found, mean) < 0.15,
            "{source}: {found} bytes on average"
        );
        let middle = seen.bytes[seen.bytes.len() / 2] as f64;
        assert!(
            off(middle, median) < 0.3,
            "{source}: {middle} bytes in the middle"
        );
    }
    let largest = by_source[&Source::Aws].bytes.last().copied();
    assert!(
        (6_000..8_192).contains(&largest.unwrap_or(0)),
        "{largest:?}"
    );
}

#[test]
fn there_are_many_shapes_and_each_tells_its_source() {
    let mut shapes = BTreeSet::new();
    for event in Company::found(2).history(UNTIL, 40_000) {
        assert_eq!(Source::of_event(&event.raw), Some(event.source));
        let value: serde_json::Value = serde_json::from_slice(&event.raw).expect("JSON");
        let mut paths = BTreeSet::new();
        list_paths("", &value, &mut paths);
        shapes.insert((event.source, paths));
    }
    assert!(shapes.len() >= 300, "{} shapes", shapes.len());
}

fn list_paths(path: &str, value: &serde_json::Value, paths: &mut BTreeSet<String>) {
    match value {
        serde_json::Value::Object(members) => {
            for (name, value) in members {
                list_paths(&format!("{path}.{name}"), value, paths);
            }
        }
        serde_json::Value::Array(items) => {
            items
                .iter()
                .for_each(|item| list_paths(&format!("{path}[]"), item, paths));
        }
        _ => {
            paths.insert(path.to_owned());
        }
    }
}

#[test]
fn a_file_of_events_is_taken_apart_into_the_same_events() {
    let events: Vec<Event> = Company::found(3).history(UNTIL, 5_000).collect();
    let lines: Vec<&[u8]> = events.iter().map(|event| event.raw.as_slice()).collect();
    let file = std::io::Cursor::new(lines.join(&b'\n'));
    let mut decoder = Decoder::of_reader(file, &Limits::default());
    let mut found = Vec::new();
    while let Pull::Parcel(parcel) = decoder.next_parcel().expect("readable") {
        assert_eq!(parcel.bad, []);
        found.extend(parcel.events.into_iter().map(|event| event.raw));
    }
    assert!(found.iter().map(|raw| raw.as_ref()).eq(lines));
}

#[test]
fn no_id_looks_like_a_credential_that_works() {
    for event in Company::found(4).history(UNTIL, 20_000) {
        let text = String::from_utf8(event.raw).expect("UTF-8");
        for prefix in ["AKIA", "ASIA"] {
            let keys = text.match_indices(prefix).map(|(at, _)| &text[at..]);
            let ids = keys.map(|key| key.split(|c: char| !c.is_ascii_alphanumeric()).next());
            for id in ids.flatten().filter(|id| id.len() == 20) {
                assert!(id.ends_with("EXAMPLE"), "{id}");
            }
        }
    }
}

#[test]
fn live_events_come_in_order_and_more_by_day() {
    let from: Timestamp = "2026-07-01T09:30:00Z".parse().expect("a time");
    let mut before = from;
    for event in Company::found(1).live(from).take(20_000) {
        assert!(before <= event.time);
        before = event.time;
    }
    let hours = (before - from).total(jiff::Unit::Second).expect("seconds") / 3600.0;
    let a_second = 20_000.0 / hours / 3600.0;
    assert!((2.0..8.0).contains(&a_second), "{a_second} a second by day");
    let night: Timestamp = "2026-07-01T23:58:00Z".parse().expect("a time");
    let next_day = Company::found(1).live(night).nth(5_000).expect("endless");
    let seconds = (next_day.time - night)
        .total(jiff::Unit::Second)
        .expect("seconds");
    assert!(
        5_000.0 / seconds < a_second,
        "{seconds} s for 5000 by night"
    );
}
