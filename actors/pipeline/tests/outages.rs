//! Queue and store in bad weather: what is true in the end is the same.

use audit::source::Source;
use tokio::time::sleep;

use super::{
    events::event,
    weather::Weather,
    world::{MOMENT, World},
};
use crate::base::Probe;

const SMALL: [(&str, &str); 1] = [("rows = 50_000", "rows = 10")];

fn world() -> World {
    let mut world = World::new(&SMALL);
    send(&mut world, 0);
    world
}

fn send(world: &mut World, round: u64) {
    for message in 0..12 {
        let first = (round * 12 + message) * 10;
        let events: Vec<String> = (first..first + 10)
            .map(|n| event(Source::Github, n, n % 4))
            .collect();
        world.send("one", None, &events);
    }
}

/// Bad weather from the start, for half a minute; again in full work; then fair.
async fn check(weather: Weather, set: impl Fn(&World, Weather)) {
    let mut world = world();
    set(&world, weather);
    let pipeline = world.start(Probe::none()).await;
    for round in 1..4 {
        sleep(30 * MOMENT).await;
        set(&world, Weather::Fair);
        sleep(MOMENT / 10 * u32::try_from(round).expect("it is small")).await;
        send(&mut world, round);
        set(&world, weather);
    }
    sleep(30 * MOMENT).await;
    set(&world, Weather::Fair);
    world.finish(pipeline).await;
}

const ALL: [Weather; 6] = [
    Weather::Down,
    Weather::Hung,
    Weather::Slow(MOMENT),
    Weather::Slow(MOMENT.saturating_mul(6)),
    Weather::AnswerLost,
    Weather::Late(MOMENT.saturating_mul(3)),
];

#[tokio::test(start_paused = true)]
async fn a_journal_in_bad_weather_loses_nothing_and_doubles_nothing() {
    for weather in ALL {
        println!("{weather:?}");
        check(weather, |world, weather| world.journal.sky.set(weather)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_lake_in_bad_weather_loses_nothing_and_doubles_nothing() {
    for weather in ALL {
        println!("{weather:?}");
        check(weather, |world, weather| world.lake.sky.set(weather)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_queue_in_bad_weather_loses_nothing_and_doubles_nothing() {
    for weather in ALL {
        println!("{weather:?}");
        check(weather, |world, weather| world.queue.sky.set(weather)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn all_in_bad_weather_together_lose_nothing_and_double_nothing() {
    for weather in ALL {
        println!("{weather:?}");
        check(weather, |world, weather| {
            world.journal.sky.set(weather);
            world.lake.sky.set(weather);
            world.queue.sky.set(weather);
        })
        .await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_drain_outlasts_a_queue_that_cannot_be_reached_for_a_while() {
    let mut world = world();
    world.lake.sky.set(Weather::Slow(5 * MOMENT));
    let pipeline = world.start(Probe::none()).await;
    let outage = async {
        sleep(MOMENT).await;
        assert_eq!(world.lake.count(), 0, "the outage comes too late");
        world.queue.sky.set(Weather::Down);
        sleep(60 * MOMENT).await;
        world.queue.sky.set(Weather::Fair);
    };
    tokio::join!(outage, world.finish(pipeline));
}
