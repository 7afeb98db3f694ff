//! A tenant that sends much more than the others delays itself, not them.

use std::{collections::BTreeSet, time::Duration};

use audit::source::Source;
use tokio::time::sleep;

use super::{
    events::event,
    weather::Weather,
    world::{MOMENT, World, leads},
};
use crate::base::Probe;

/// A batch has as many parcels as usual, each of some seven events, and a message
/// of the loud tenant many.
const LIMITS: [(&str, &str); 2] = [
    ("rows = 50_000", "rows = 500"),
    ("bytes = \"1 MiB\"", "bytes = \"2 KiB\""),
];
const EVENTS_OF_A_MESSAGE: u64 = 50;

/// What a call of the store takes: a batch, of two calls, gets through in 600 ms.
const WRITE: Duration = Duration::from_millis(300);

/// One event of the quiet tenant in each.
const STEP: Duration = Duration::from_millis(50);
const STEPS: u64 = 400;

/// The 99th percentile of the time from sent to durable, of the quiet tenant's
/// messages. Beside each of its events the loud one sends so many.
async fn p99(loud: u64) -> Duration {
    let mut world = World::new(&LIMITS);
    world.queue.set(|manners| manners.is_fair = true);
    let pipeline = world.start(Probe::none()).await;
    leads(&pipeline.watch()).await;
    world.journal.sky.set(Weather::Slow(WRITE));
    let mut quiet = BTreeSet::new();
    let mut numbers = 0..;
    for _ in 0..STEPS {
        let messages = loud / EVENTS_OF_A_MESSAGE;
        let mut of = |tenant: &str, events: u64, world: &mut World| {
            let events: Vec<String> = numbers
                .by_ref()
                .take(events as usize)
                .map(|number| event(Source::Okta, number, 0))
                .collect();
            world.send(tenant, Some(Source::Okta), &events)
        };
        for _ in 0..messages {
            of("loud", EVENTS_OF_A_MESSAGE, &mut world);
        }
        quiet.insert(of("quiet", 1, &mut world));
        sleep(STEP).await;
    }
    sleep(2 * MOMENT).await;
    let waited = world.queue.tally().waited;
    let mut waited: Vec<Duration> = waited
        .into_iter()
        .filter(|(number, _)| quiet.contains(number))
        .map(|(_, waited)| waited)
        .collect();
    assert_eq!(waited.len(), quiet.len(), "beside {loud}: some still wait");
    world.journal.sky.set(Weather::Fair);
    world.finish(pipeline).await;
    waited.sort();
    waited[waited.len() * 99 / 100]
}

#[tokio::test(start_paused = true)]
async fn t25_beside_a_hundred_times_the_load_a_tenant_waits_less_than_twice_as_long() {
    let alone = p99(0).await;
    let beside = p99(100).await;
    println!("99th percentile: {alone:?} alone, {beside:?} beside a hundred times the load");
    assert!(beside < 2 * alone, "{alone:?} alone, {beside:?} beside");
}
