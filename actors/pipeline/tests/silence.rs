//! Endings on a queue that does not tell what it has, and beats that go on.

use std::time::Duration;

use audit::{journal::Object, source::Source};
use tokio::time::{Instant, sleep};

use super::{
    events::event,
    readback::Reading,
    weather::Weather,
    world::{MOMENT, World, drained, leads},
};
use crate::base::Probe;

const LONG_POLL: Duration = Duration::from_secs(20);

fn like_sqs() -> World {
    let world = World::new(&[]);
    world.queue.set(|manners| {
        manners.long_poll = LONG_POLL;
        manners.tells_backlog = false;
    });
    world
}

#[tokio::test(start_paused = true)]
async fn a_drain_ends_when_the_queue_has_been_silent_for_long_enough() {
    let mut world = like_sqs();
    let pipeline = world.start(Probe::none()).await;
    let watch = pipeline.watch();
    let sending = async {
        for (number, quiet) in [(0, 30), (1, 30), (2, 5)] {
            world.send("one", None, &[event(Source::Okta, number, 0)]);
            sleep(quiet * MOMENT).await;
        }
        // An outage is no silence.
        world.queue.sky.set(Weather::Down);
        sleep(120 * MOMENT).await;
        world.queue.sky.set(Weather::Fair);
        Instant::now()
    };
    let (fair, ended) = tokio::join!(sending, async {
        drained(&watch).await;
        Instant::now()
    });
    let silent = ended.duration_since(fair);
    assert!(silent >= Duration::from_secs(35), "silent for {silent:?}");
    // The last pause after an error, and the poll that was on its way.
    assert!(
        silent <= Duration::from_secs(35 + 20 + 20),
        "for {silent:?}"
    );
    drop(watch);
    world.finish(pipeline).await;
}

#[tokio::test(start_paused = true)]
async fn a_stop_does_not_wait_for_a_long_poll() {
    let mut world = like_sqs();
    let pipeline = world.start(Probe::none()).await;
    leads(&pipeline.watch()).await;
    sleep(MOMENT).await;
    let began = Instant::now();
    pipeline.stop(Duration::from_secs(30)).await;
    assert!(began.elapsed() <= MOMENT, "took {:?}", began.elapsed());
    world.assert_is_quiet().await;
}

#[tokio::test(start_paused = true)]
async fn the_counts_of_a_pass_that_was_cut_short_are_those_of_the_journal() {
    let mut world = World::new(&[("rows = 50_000", "rows = 3")]);
    for number in 0..60 {
        world.send("one", None, &[event(Source::Okta, number, 0)]);
    }
    world.journal.sky.set(Weather::Slow(MOMENT / 5));
    let pipeline = world.start(Probe::none()).await;
    let watch = pipeline.watch();
    while watch.counts().stored == 0 {
        sleep(MOMENT / 10).await;
    }
    pipeline.stop(Duration::from_secs(10)).await;
    let counts = watch.counts();
    assert!(counts.stored > 0);
    assert_eq!(counts, Reading::of(&world.journal, &world.lake).counts);
    drop(watch);
    world.journal.sky.set(Weather::Fair);
    let pipeline = world.start(Probe::none()).await;
    world.finish(pipeline).await;
}

#[tokio::test(start_paused = true)]
async fn an_idle_leader_shows_every_few_seconds_that_it_lives() {
    for slow in [Duration::ZERO, MOMENT, 3 * MOMENT] {
        let mut world = World::new(&[]);
        world.journal.sky.set(Weather::Slow(slow));
        let pipeline = world.start(Probe::none()).await;
        sleep(120 * MOMENT).await;
        let objects = world.journal.objects();
        let times: Vec<i64> = objects
            .values()
            .map(|bytes| Object::decode(bytes).expect("a journal can be read").0)
            .map(|object| object.header.written_at_ms)
            .collect();
        assert!(times.len() > 10, "{times:?}");
        let most = 5_000 + slow.as_millis() as i64 + 100;
        // The fence is not done before all is read.
        let gaps = times.windows(2).skip(1).map(|pair| pair[1] - pair[0]);
        let gap = gaps.max();
        assert!(gap <= Some(most), "{slow:?}: {gap:?}");
        world.finish(pipeline).await;
    }
}
