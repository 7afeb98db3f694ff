//! Rows of which no file can be made stop nobody.

use audit::{
    journal::{Batch, Columns, Format, Object, Record},
    source::Source,
};

use tokio::time::{sleep, timeout};

use super::{
    events::event,
    store::MemoryStore,
    weather::Weather,
    world::{MOMENT, WINDOW, World},
};
use crate::{
    base::Probe,
    journal::{
        errand::Undone,
        leader::Unskippable,
        replica::{PlanId, Replica},
    },
    pipeline::{Undrained, Watch},
};

const LIMITS: [(&str, &str); 2] = [
    // Checkpoints would have digests of the journal as it was.
    ("checkpoint_ms = 60_000", "checkpoint_ms = 3_600_000"),
    ("write_format = 1", "write_format = 2"),
];

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
async fn with_a_file_that_cannot_be_made(limits: &[(&str, &str)]) -> (World, Columns) {
    let mut world = World::new(limits);
    let pipeline = world.start(Probe::none()).await;
    world.send("one", None, &okta(0..10));
    while world.queue.count() > 0 {
        sleep(MOMENT / 10).await;
    }
    pipeline.stop(10 * MOMENT).await;
    let mut columns = Columns::default();
    edit_first_batch(&world.journal, |batch| {
        columns = std::mem::take(&mut batch.columns);
    });
    (world, columns)
}

/// Ten events of another tenant's, and why all that is left cannot become a file.
async fn drain_beside_it(world: &mut World, watch: &Watch, from: u64) -> String {
    world.send("two", None, &okta(from..from + 10));
    let drained = watch.drain(|_| {}).await;
    let Err(Undrained::File { rows, why }) = drained else {
        panic!("{drained:?}");
    };
    assert_eq!(rows, 10);
    assert!(why.starts_with("data/one/"), "{why}");
    why
}

#[tokio::test(start_paused = true)]
async fn a_file_that_cannot_be_made_stops_nobody_and_is_made_once_it_can_be() {
    let (mut world, columns) = with_a_file_that_cannot_be_made(&LIMITS[..1]).await;
    let pipeline = world.start(Probe::none()).await;
    let watch = pipeline.watch();
    for round in 0..3 {
        drain_beside_it(&mut world, &watch, 100 + 10 * round).await;
        assert_eq!(
            world.lake.count() as u64,
            round + 1,
            "the neighbour's files"
        );
        sleep(60 * MOMENT).await;
    }
    drop(watch);
    pipeline.stop(10 * MOMENT).await;
    assert!(is_released(&world.journal), "nobody need wait for it");

    edit_first_batch(&world.journal, |batch| batch.columns = columns);
    let pipeline = world.start(Probe::none()).await;
    let reading = world.finish(pipeline).await;
    assert_eq!((reading.counts.stored, reading.files), (40, 4));
}

/// Of a tenant that may have one plan open at a time.
#[tokio::test(start_paused = true)]
async fn a_file_that_cannot_be_made_takes_no_room_of_its_tenant() {
    let limits = [LIMITS[0], ("open_days_max = 100", "open_days_max = 1")];
    let (mut world, _) = with_a_file_that_cannot_be_made(&limits).await;
    let pipeline = world.start(Probe::none()).await;
    drain_beside_it(&mut world, &pipeline.watch(), 100).await;
    world.send("one", None, &okta(200..210));
    drain_beside_it(&mut world, &pipeline.watch(), 300).await;
    assert_eq!(world.lake.count(), 3, "its tenant's other rows as well");
    pipeline.stop(10 * MOMENT).await;
}

#[tokio::test(start_paused = true)]
async fn in_safe_mode_what_was_in_the_making_is_left_alone() {
    let (mut world, columns) = with_a_file_that_cannot_be_made(&LIMITS[..1]).await;
    // Whoever makes a file plans it first.
    let pipeline = world.start(Probe::none()).await;
    drain_beside_it(&mut world, &pipeline.watch(), 100).await;
    pipeline.stop(10 * MOMENT).await;
    edit_first_batch(&world.journal, |batch| batch.columns = columns);

    world.safe = true;
    let pipeline = world.start(Probe::none()).await;
    let why = drain_beside_it(&mut world, &pipeline.watch(), 110).await;
    assert!(why.ends_with("left alone in safe mode"), "{why}");
    sleep(7_200 * MOMENT).await;
    assert_eq!(world.lake.count(), 2, "it could be made, and is not");
    pipeline.stop(10 * MOMENT).await;

    world.safe = false;
    let pipeline = world.start(Probe::none()).await;
    assert_eq!(world.finish(pipeline).await.files, 3);
}

/// The one plan that is open when the journal ends.
fn open_plan(journal: &MemoryStore) -> PlanId {
    let mut replica = Replica::new(WINDOW);
    for (_, bytes) in journal
        .objects()
        .iter()
        .filter(|(key, _)| key.contains("/log/"))
    {
        let (object, digest) = Object::decode(bytes).expect("a journal can be read");
        replica.apply(object, digest).expect("a sound journal");
    }
    let mut open = replica.open_plans().map(|open| open.id.clone());
    open.next().expect("a plan is open")
}

#[tokio::test(start_paused = true)]
async fn a_file_that_is_given_up_is_waited_for_no_longer() {
    let (mut world, _) = with_a_file_that_cannot_be_made(&LIMITS).await;
    let pipeline = world.start(Probe::none()).await;
    drain_beside_it(&mut world, &pipeline.watch(), 100).await;
    pipeline.stop(10 * MOMENT).await;

    let plan = open_plan(&world.journal);
    let other = PlanId {
        seq: plan.seq.next(),
        ..plan.clone()
    };
    let refused = world.skip(&other).await;
    assert!(matches!(
        refused,
        Err(Undone::Unskippable(Unskippable::NotOpen))
    ));
    assert!(
        is_released(&world.journal),
        "an errand in vain stops nobody"
    );
    assert!(matches!(world.skip(&plan).await, Ok(10)));
    assert!(is_released(&world.journal));
    let again = world.skip(&plan).await;
    assert!(matches!(
        again,
        Err(Undone::Unskippable(Unskippable::NotOpen))
    ));

    let pipeline = world.start(Probe::none()).await;
    world.send("one", None, &okta(0..12));
    let watch = pipeline.watch();
    let drained = watch.drain(|_| {}).await.expect("nothing is waited for");
    assert_eq!(drained.rows_waiting, 0);
    assert_eq!((watch.counts().stored, watch.counts().duplicate), (2, 10));
    assert_eq!(world.lake.count(), 2, "the neighbour's, and two new rows");
    pipeline.stop(10 * MOMENT).await;
}

/// By a person, beside a process that cannot write it just now.
#[tokio::test(start_paused = true)]
async fn a_file_that_was_given_up_meanwhile_is_not_written() {
    let mut world = World::new(&LIMITS[1..]);
    world.lake.sky.set(Weather::Full);
    let pipeline = world.start(Probe::none()).await;
    world.send("one", None, &okta(0..10));
    let watch = pipeline.watch();
    let waits = timeout(10 * MOMENT, watch.drain(|_| {})).await;
    assert!(waits.is_err(), "the lake took it");
    let plan = open_plan(&world.journal);
    assert!(matches!(world.skip(&plan).await, Ok(10)));

    world.lake.sky.set(Weather::Fair);
    let drained = watch.drain(|_| {}).await.expect("nothing is waited for");
    assert_eq!((drained.rows_waiting, watch.counts().stored), (0, 10));
    sleep(60 * MOMENT).await;
    assert_eq!(world.lake.count(), 0, "nobody vouches for that file");
    pipeline.stop(10 * MOMENT).await;
}

#[tokio::test(start_paused = true)]
async fn an_older_format_has_no_word_for_a_file_that_is_given_up() {
    let (mut world, _) = with_a_file_that_cannot_be_made(&LIMITS[..1]).await;
    let pipeline = world.start(Probe::none()).await;
    drain_beside_it(&mut world, &pipeline.watch(), 100).await;
    pipeline.stop(10 * MOMENT).await;
    let refused = world.skip(&open_plan(&world.journal)).await;
    let format = Unskippable::Format(Format::One);
    assert!(matches!(refused, Err(Undone::Unskippable(why)) if why == format));
}
