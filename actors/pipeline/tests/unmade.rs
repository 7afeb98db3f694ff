//! Rows of which no file can be made stop nobody.

use audit::{
    journal::{Batch, Columns, Object, Record},
    source::Source,
};

use super::{
    events::event,
    store::MemoryStore,
    world::{MOMENT, World},
};
use crate::{base::Probe, pipeline::Undrained};

/// Checkpoints would have digests of the journal as it was.
const LIMITS: [(&str, &str); 1] = [("checkpoint_ms = 60_000", "checkpoint_ms = 3_600_000")];

fn okta(numbers: std::ops::Range<u64>) -> Vec<String> {
    numbers.map(|n| event(Source::Okta, n, 0)).collect()
}

/// Changes the first batch of the journal, and the chain of digests with it.
fn edit_first_batch(journal: &MemoryStore, edit: impl FnOnce(&mut Batch)) {
    let mut edit = Some(edit);
    let mut previous = None;
    for (key, bytes) in journal.objects() {
        if !key.contains("/log/") {
            continue;
        }
        let (mut object, _) = Object::decode(&bytes).expect("a journal can be read");
        if let Some(digest) = previous {
            object.header.previous = digest;
        }
        for record in &mut object.records {
            if let Record::Batch(batch) = record
                && let Some(edit) = edit.take()
            {
                edit(batch);
            }
        }
        let sealed = object.encode();
        journal.replace(&key, sealed.bytes);
        previous = Some(sealed.digest);
    }
    assert!(edit.is_none(), "there was no batch");
}

fn is_released(journal: &MemoryStore) -> bool {
    let objects = journal.objects();
    let mut log = objects.iter().filter(|(key, _)| key.contains("/log/"));
    let last = log.next_back().map(|(_, bytes)| Object::decode(bytes));
    last.is_some_and(|last| last.expect("it can be read").0.is_release())
}

/// A batch without its columns is well formed, and no rows can be made of it.
#[tokio::test(start_paused = true)]
async fn a_file_that_cannot_be_made_stops_nobody_and_is_made_once_it_can_be() {
    let mut world = World::new(&LIMITS);
    let pipeline = world.start(Probe::none()).await;
    world.send("one", None, &okta(0..10));
    while world.queue.count() > 0 {
        tokio::time::sleep(MOMENT / 10).await;
    }
    pipeline.stop(10 * MOMENT).await;
    let mut kept = Columns::default();
    edit_first_batch(&world.journal, |batch| {
        kept = std::mem::take(&mut batch.columns);
    });

    let pipeline = world.start(Probe::none()).await;
    let watch = pipeline.watch();
    for round in 0..3 {
        world.send("two", None, &okta(100 + round * 10..110 + round * 10));
        let drained = watch.drain(|_| {}).await;
        let Err(Undrained::File { rows, why }) = drained else {
            panic!("round {round}: {drained:?}");
        };
        assert_eq!(rows, 10);
        assert!(why.starts_with("data/one/"), "{why}");
        assert_eq!(
            world.lake.count() as u64,
            round + 1,
            "the neighbour's files"
        );
        tokio::time::sleep(60 * MOMENT).await;
    }
    drop(watch);
    pipeline.stop(10 * MOMENT).await;
    assert!(is_released(&world.journal), "nobody need wait for it");

    edit_first_batch(&world.journal, |batch| batch.columns = kept);
    let pipeline = world.start(Probe::none()).await;
    let reading = world.finish(pipeline).await;
    assert_eq!((reading.counts.stored, reading.files), (40, 4));
}
