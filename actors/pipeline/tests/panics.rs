//! Panics anywhere: restart by policy, nothing lost, nothing doubled.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use audit::source::Source;
use tokio::time::timeout;

use super::{
    events::event,
    world::{MOMENT, World},
};
use crate::base::{Outcome, Probe, Topology};

/// Small batches, so that every actor has many messages.
const SMALL: [(&str, &str); 1] = [("rows = 50_000", "rows = 6")];

/// Two tenants, six days, all sources; every third message is sent twice.
fn world() -> World {
    let mut world = World::new(&SMALL);
    for number in 0..32 {
        let source = Source::ALL[number as usize % 4];
        let tenant = ["one", "two"][number as usize / 4 % 2];
        let events: Vec<String> = (0..3)
            .map(|n| event(source, number * 3 + n, number % 6))
            .collect();
        world.send(tenant, Some(source), &events);
        if number.is_multiple_of(3) {
            world.send(tenant, None, &events);
        }
        if number.is_multiple_of(4) {
            let events = [event(source, 500 + number, 1)];
            world.send_object(tenant, &format!("{number}.json"), &events);
        }
    }
    world
}

/// Panics in this actor at its `nth` message; tells whether it did.
fn once(actor: &str, nth: u64) -> (Probe, Arc<AtomicBool>) {
    let (actor, fired) = (actor.to_owned(), Arc::new(AtomicBool::new(false)));
    let tell = Arc::clone(&fired);
    let probe = Probe::new(move |name, number| {
        if name == actor && number == nth {
            tell.store(true, Ordering::Relaxed);
            panic!("as planned: {name} at {number}");
        }
    });
    (probe, fired)
}

async fn survives(name: &str, nth: u64) {
    println!("{name} panics at its message {nth}");
    let mut world = world();
    let (probe, fired) = once(name, nth);
    let pipeline = world.start(probe).await;
    world.finish(pipeline).await;
    assert!(fired.load(Ordering::Relaxed), "{name} had no message {nth}");
}

#[tokio::test(start_paused = true)]
async fn t32_a_panic_in_any_actor_loses_nothing_and_doubles_nothing() {
    let topology = Topology::builtin();
    for actor in topology.actors() {
        for nth in [1, 2, 5] {
            survives(&actor.name, nth).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn t32_a_panic_in_any_compute_job_loses_nothing_and_doubles_nothing() {
    for nth in [1, 2, 3, 4, 5, 8, 13, 21, 34] {
        survives("compute", nth).await;
    }
}

/// Up to the batch, a job has one message's events: only that one comes again.
#[tokio::test(start_paused = true)]
async fn a_panic_over_one_message_fails_no_other() {
    const MESSAGES: u64 = 20;
    // The first looks at the database; three take a message apart, one makes
    // its rows, one adds the places.
    const JOBS: u64 = 1 + MESSAGES * 5;
    for nth in 2..=JOBS {
        let mut world = World::new(&[]);
        for number in 0..MESSAGES {
            world.send("one", None, &[event(Source::Okta, number, 0)]);
        }
        let (probe, fired) = once("compute", nth);
        let pipeline = world.start(probe).await;
        world.finish(pipeline).await;
        assert!(fired.load(Ordering::Relaxed), "there was no job {nth}");
        assert_eq!(world.queue.tally().received, MESSAGES + 1, "job {nth}");
    }
}

/// The supervisor that gives up in the end is always the root.
#[tokio::test(start_paused = true)]
async fn an_actor_that_always_panics_ends_the_process_and_the_next_goes_on() {
    let topology = Topology::builtin();
    for actor in topology.actors() {
        let name = actor.name.clone();
        println!("{name} always panics");
        let mut world = world();
        let probe = {
            let name = name.clone();
            Probe::new(move |actor, _| assert_ne!(actor, name, "as planned"))
        };
        let mut pipeline = world.start(probe).await;
        let watch = pipeline.watch();
        let outcome = tokio::select! {
            outcome = timeout(3_600 * MOMENT, pipeline.finished()) => outcome,
            // Files are made without checkpoints.
            _ = watch.drain(|_| {}), if name != "checkpointer" => panic!("drained without {name}"),
        };
        let Ok(Outcome::GaveUp { supervisor, .. }) = outcome else {
            panic!("{name}: {outcome:?}");
        };
        assert_eq!(supervisor, "root", "{name}");
        drop((pipeline, watch));
        world.assert_is_quiet().await;
        let pipeline = world.start(Probe::none()).await;
        world.finish(pipeline).await;
    }
}

#[tokio::test(start_paused = true)]
async fn panics_again_and_again_all_over_the_pipeline_lose_nothing() {
    // Seldom enough for the supervisors' patience, at another actor each time.
    let last = Arc::new(std::sync::Mutex::new(None::<tokio::time::Instant>));
    let probe = Probe::new(move |actor, nth| {
        let mut last = last
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        let long_ago = last.is_none_or(|at| at.elapsed() > Duration::from_secs(20));
        if long_ago && (nth + actor.len() as u64).is_multiple_of(7) {
            *last = Some(tokio::time::Instant::now());
            panic!("as planned: {actor} at {nth}");
        }
    });
    let mut world = world();
    let pipeline = world.start(probe).await;
    for round in 1..=10 {
        tokio::time::sleep(15 * MOMENT).await;
        let events = [event(Source::Okta, 1_000 + round, 1)];
        world.send("one", None, &events);
    }
    world.finish(pipeline).await;
}
