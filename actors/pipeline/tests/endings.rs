//! However it is stopped, it ends in time, and the next start goes on.

use std::time::Duration;

use audit::source::Source;
use tokio::time::{Instant, sleep};

use super::{
    events::event,
    readback::Reading,
    weather::Weather,
    world::{MOMENT, World, leads},
};
use crate::base::{Outcome, Probe};

const GRACE: Duration = Duration::from_secs(5);

/// What `stop` may take besides its grace: the tree's own deadline, and a little.
const ENDING: Duration = Duration::from_secs(7);

fn world() -> World {
    let mut world = World::new(&[
        ("rows = 50_000", "rows = 3"),
        ("age_secs = 300", "age_secs = 1"),
    ]);
    for number in 0..60 {
        world.send("one", None, &[event(Source::Aws, number, number % 5)]);
    }
    world
}

/// Stops after this time under this weather; the next life finishes the work.
async fn check(after: Duration, spoil: impl Fn(&World), mend: impl Fn(&World)) {
    let mut world = world();
    let pipeline = world.start(Probe::none()).await;
    sleep(after).await;
    spoil(&world);
    sleep(MOMENT).await;
    let began = Instant::now();
    assert_eq!(pipeline.stop(GRACE).await, Outcome::Stopped);
    let took = began.elapsed();
    assert!(took <= GRACE + ENDING, "took {took:?}");
    world.assert_is_quiet().await;
    mend(&world);
    let pipeline = world.start(Probe::none()).await;
    world.finish(pipeline).await;
}

#[tokio::test(start_paused = true)]
async fn a_stop_ends_in_time_whatever_hangs() {
    for after in [0, 5, 200, 1_200].map(Duration::from_millis) {
        for weather in [Weather::Fair, Weather::Down, Weather::Hung] {
            println!("after {after:?}, {weather:?}");
            let journal = |weather| move |world: &World| world.journal.sky.set(weather);
            check(after, journal(weather), journal(Weather::Fair)).await;
            let lake = |weather| move |world: &World| world.lake.sky.set(weather);
            check(after, lake(weather), lake(Weather::Fair)).await;
            let queue = |weather| move |world: &World| world.queue.sky.set(weather);
            check(after, queue(weather), queue(Weather::Fair)).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_orderly_stop_commits_what_is_in_hand_and_releases_the_journal_last() {
    let mut world = world();
    world.journal.sky.set(Weather::Slow(MOMENT / 50));
    let pipeline = world.start(Probe::none()).await;
    let watch = pipeline.watch();
    leads(&watch).await;
    while watch.in_flight.count() == 0 {
        sleep(MOMENT / 1_000).await;
    }
    let began = Instant::now();
    assert_eq!(pipeline.stop(GRACE).await, Outcome::Stopped);
    assert!(began.elapsed() <= 2 * MOMENT, "took {:?}", began.elapsed());
    assert_eq!(watch.in_flight.count(), 0);
    let reading = Reading::of(&world.journal, &world.lake);
    assert!(reading.is_released);
    assert!(reading.counts.stored > 0);
    drop(watch);
    let pipeline = world.start(Probe::none()).await;
    world.finish(pipeline).await;
}
