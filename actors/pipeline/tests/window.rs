//! The dedup window over all of the pipeline: copies of what is only in filters.

use audit::source::Source;
use tokio::time::sleep;

use super::{
    events::event,
    world::{MOMENT, World, drained},
};
use crate::base::Probe;

const MESSAGES: u64 = 30;
const EVENTS: u64 = 100;

fn message(number: u64) -> Vec<String> {
    let numbers = number * EVENTS..(number + 1) * EVENTS;
    numbers.map(|n| event(Source::Okta, n, 0)).collect()
}

#[tokio::test(start_paused = true)]
async fn copies_of_what_is_only_in_filters_are_no_rows() {
    let mut world = World::new(&[
        ("bytes_max = \"256 MiB\"", "bytes_max = \"256 KiB\""),
        ("checkpoint_ms = 60_000", "checkpoint_ms = 100"),
    ]);
    let pipeline = world.start(Probe::none()).await;
    let watch = pipeline.watch();
    for number in 0..MESSAGES {
        world.send("one", None, &message(number));
    }
    drained(&watch).await;
    sleep(10 * MOMENT).await;
    let (keys, bytes) = watch.leader(|leader| {
        let replica = leader.replica();
        (replica.known_count() as u64, replica.known_bytes())
    });
    assert_eq!(keys, MESSAGES * EVENTS);
    assert!(bytes < keys * 16, "{bytes} bytes: they became filters");
    let in_store = |folder: &str| {
        let objects = world.journal.objects();
        objects.keys().filter(|key| key.contains(folder)).count()
    };
    assert!(in_store("/keys/") > 0 && in_store("/ckpt/") > 0);
    // All of it again, and new ones among it.
    for number in 0..=MESSAGES {
        world.send("one", None, &message(number));
    }
    drained(&watch).await;
    drop(watch);
    let reading = world.finish(pipeline).await;
    assert_eq!(reading.counts.duplicate, MESSAGES * EVENTS);

    // The next process begins with the checkpoint, and knows all as well.
    let pipeline = world.start(Probe::none()).await;
    for number in 0..MESSAGES {
        world.send("one", None, &message(number));
    }
    let reading = world.finish(pipeline).await;
    assert_eq!(reading.counts.duplicate, 2 * MESSAGES * EVENTS);
}
