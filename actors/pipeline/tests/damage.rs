//! What is damaged in the store is never guessed at.

use audit::source::Source;
use tokio::time::{sleep, timeout};

use super::{
    events::event,
    world::{MOMENT, World, drained},
};
use crate::base::{Outcome, Probe};

fn events(message: u64) -> Vec<String> {
    let numbers = message * 10..message * 10 + 10;
    numbers.map(|n| event(Source::Okta, n, 0)).collect()
}

/// Header, accounting, records and checksum of an object.
#[tokio::test(start_paused = true)]
async fn t28_a_damaged_journal_object_ends_the_process_and_costs_nothing_once_it_is_restored() {
    let mut world = World::new(&[]);
    let pipeline = world.start(Probe::none()).await;
    let watch = pipeline.watch();
    world.send("one", None, &events(0));
    drained(&watch).await;
    drop(watch);
    world.finish(pipeline).await;
    let objects = world.journal.objects();
    let is_log = |key: &&String| key.contains("/log/");
    let log: Vec<&String> = objects.keys().filter(is_log).collect();
    let batch = log.iter().max_by_key(|key| objects[**key].len());
    let key = batch.expect("an object with a batch").as_str();
    let length = objects[key].len();
    world.send("one", None, &events(1));
    let files = world.lake.count();
    for at in [0, 9, 20, length / 2, length - 40, length - 1] {
        world.journal.flip(key, at);
        let mut pipeline = world.start(Probe::none()).await;
        let outcome = timeout(60 * MOMENT, pipeline.finished()).await;
        let Ok(Outcome::Fatal { reason, .. }) = outcome else {
            panic!("bit {at}: {outcome:?}");
        };
        let seq = key.rsplit('/').next().expect("a name");
        assert!(reason.contains(seq), "{reason}");
        drop(pipeline);
        sleep(10 * MOMENT).await;
        assert_eq!((world.queue.count(), world.lake.count()), (1, files));
        world.journal.flip(key, at);
    }
    let pipeline = world.start(Probe::none()).await;
    world.finish(pipeline).await;
}
