//! What comes in: large messages, bad events, messages that nobody can read.

use std::collections::BTreeMap;

use audit::source::Source;
use tokio::time::sleep;

use super::{
    events::event,
    readback::durable,
    weather::Weather,
    world::{MOMENT, World, leads},
};
use crate::{base::Probe, ports::Outgoing};

/// Many parcels a message, many batches a parcel.
const SMALL: [(&str, &str); 3] = [
    ("bytes = \"1 MiB\"", "bytes = \"1 KiB\""),
    ("rows = 50_000", "rows = 5"),
    ("attempt_timeout_ms = 4_000", "attempt_timeout_ms = 500"),
];

fn okta(numbers: std::ops::Range<u64>) -> Vec<String> {
    numbers.map(|n| event(Source::Okta, n, n % 3)).collect()
}

/// That no message goes before its last batch is durable is checked at the end
/// of every test; here a process dies in between.
#[tokio::test(start_paused = true)]
async fn a_message_that_spans_batches_survives_a_kill_between_them() {
    let mut world = World::new(&SMALL);
    world.send("one", None, &okta(0..300));
    world.journal.sky.set(Weather::Slow(MOMENT / 10));
    let pipeline = world.start(Probe::none()).await;
    let watch = pipeline.watch();
    leads(&watch).await;
    while durable(&world.journal) < 100 {
        sleep(MOMENT / 20).await;
    }
    drop((pipeline, watch));
    let before = durable(&world.journal);
    assert!(before < 300, "it was killed too late");
    assert_eq!(world.queue.count(), 1, "it was deleted too early");

    world.assert_is_quiet().await;
    let pipeline = world.start(Probe::none()).await;
    let reading = world.finish(pipeline).await;
    assert!(reading.counts.duplicate >= before as u64);
}

#[tokio::test(start_paused = true)]
async fn t21_bad_events_among_thousands_are_put_aside_and_their_neighbours_stored() {
    let mut world = World::new(&[]);
    let mut events = okta(0..3_000);
    events[1_000] = r#"{"who":"nobody knows"}"#.to_owned();
    events[2_000] = r#"{"uuid":"broken","published":"#.to_owned();
    events[2_500] = "no JSON at all".to_owned();
    world.send("one", None, &events);
    world.send("../two", Some(Source::Okta), &okta(3_000..3_002));
    // The same again: nothing is kept twice.
    world.send("one", None, &events[1_990..2_010]);
    world.send("../two", Some(Source::Okta), &okta(3_000..3_002));
    let pipeline = world.start(Probe::none()).await;
    let reading = world.finish(pipeline).await;

    let mut reasons: BTreeMap<String, usize> = BTreeMap::new();
    for entry in &reading.quarantined {
        let words: Vec<&str> = entry.reason.split([':', ',']).take(1).collect();
        *reasons.entry(words.concat()).or_default() += 1;
    }
    let expected = [
        ("invalid tenant id", 2),
        ("no recognisable source", 1),
        ("not a JSON object", 1),
        ("the object is not closed", 1),
    ];
    let expected = expected.map(|(reason, count)| (reason.to_owned(), count));
    assert_eq!(reasons, BTreeMap::from(expected));
    assert_eq!(reading.counts.quarantined, 5);
    assert_eq!(reading.counts.stored, 2_997);
    assert_eq!(reading.counts.duplicate, 22);
}

#[tokio::test(start_paused = true)]
async fn an_unreadable_message_is_buried_with_its_reason_and_others_go_on() {
    let mut world = World::new(&[]);
    world.send("one", None, &okta(0..5));
    let attributes = BTreeMap::from([("encoding".to_owned(), "zstd".to_owned())]);
    let body = "not what it says".to_owned();
    let unreadable = world.queue.put(Outgoing { body, attributes });
    world.send("one", None, &okta(5..10));
    let pipeline = world.start(Probe::none()).await;
    world.finish(pipeline).await;
    let buried = world.queue.tally().buried;
    assert_eq!(buried.len(), 1);
    assert_eq!(buried[0].0, unreadable);
    assert!(buried[0].1.contains("base64"), "{buried:?}");
}
