//! Messages that harm whoever touches them: they come to their end, alone.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, OnceLock},
};

use audit::source::Source;
use tokio::time::sleep;

use super::{
    events::event,
    world::{MOMENT, World},
};
use crate::{base::Probe, pipeline::Watch, ports::Outgoing};

#[tokio::test(start_paused = true)]
async fn t21_one_bad_event_in_ten_thousand_is_put_aside_and_named() {
    let mut world = World::new(&[]);
    let mut events: Vec<String> = (0..10_000).map(|n| event(Source::Aws, n, n % 2)).collect();
    events[7_777] = r#"{"eventVersion":"1.11","eventName":"#.to_owned();
    world.send_object("one", "2026/events.json", &events);
    let pipeline = world.start(Probe::none()).await;
    let reading = world.finish(pipeline).await;
    assert_eq!(
        (reading.counts.stored, reading.counts.quarantined),
        (9_999, 1)
    );
    let entry = &reading.quarantined[0];
    assert_eq!(entry.object.as_deref(), Some("s3://logs/2026/events.json"));
    let offset: usize = events[..7_777].iter().map(|event| event.len() + 1).sum();
    assert_eq!(entry.offset, offset as u64);
    assert!(entry.reason.contains("not closed"), "{}", entry.reason);
}

/// The only Okta event fells its normalizer each time. From its third receive on
/// nothing else is in hand when it does.
#[tokio::test(start_paused = true)]
async fn t21_a_message_that_fells_an_actor_again_and_again_dies_alone() {
    const RECEIVES: u32 = 5;
    let mut world = World::new(&[]);
    world
        .queue
        .set(|manners| manners.receives_max = Some(RECEIVES));
    let watch: Arc<OnceLock<Watch>> = Arc::default();
    let in_hand: Arc<Mutex<Vec<usize>>> = Arc::default();
    let probe = {
        let (watch, in_hand) = (Arc::clone(&watch), Arc::clone(&in_hand));
        Probe::new(move |actor, _| {
            if actor == "okta_normalizer" {
                let count = watch.get().map(|watch| watch.in_flight.count());
                in_hand.lock().expect("no panic holds it").extend(count);
                panic!("as planned: {actor}");
            }
        })
    };
    let poison = world.send("one", None, &[event(Source::Okta, 0, 0)]);
    let pipeline = world.start(probe).await;
    watch.set(pipeline.watch()).expect("it is the first");
    for second in 0..30 {
        for message in 0..8 {
            let first = 1 + (second * 8 + message) * 3;
            let events: Vec<String> = (first..first + 3)
                .map(|n| event(Source::Aws, n, 0))
                .collect();
            world.send("one", None, &events);
        }
        sleep(MOMENT).await;
    }
    let stored = watch.get().map(|watch| watch.counts().stored);
    assert!(stored > Some(600), "neighbours wait: {stored:?}");
    drop(watch);
    let reading = world.finish(pipeline).await;
    assert_eq!(reading.counts.stored, 30 * 8 * 3);
    assert_eq!(world.queue.tally().dead, [(poison, RECEIVES.to_string())]);
    let in_hand = in_hand.lock().expect("no panic holds it");
    assert_eq!(in_hand.len(), RECEIVES as usize);
    assert_eq!(in_hand[2..], [1, 1, 1], "of all: {in_hand:?}");
}

#[tokio::test(start_paused = true)]
async fn a_message_whose_payload_is_absent_dies_with_that_reason() {
    let mut world = World::new(&[]);
    let body = r#"{"idtrail_payload":{"key":"payloads/gone","bytes":3,"#.to_owned()
        + &format!(r#""sha256":"{}"}}}}"#, "0".repeat(64));
    let attributes = BTreeMap::new();
    let absent = world.queue.put(Outgoing { body, attributes });
    world.send("one", None, &[event(Source::Okta, 1, 0)]);
    let pipeline = world.start(Probe::none()).await;
    world.finish(pipeline).await;
    let buried = world.queue.tally().buried;
    let expected = "there is no object payloads/gone".to_owned();
    assert_eq!(buried, [(absent, expected)]);
}
