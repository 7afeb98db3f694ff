//! Three replicas, of which each ends at a named point of the protocol: whoever
//! is left goes on, and every event is stored once.

use std::{collections::BTreeSet, time::Duration};

use rand::RngExt;

use super::replicas::Scene;
use crate::{
    points::{POINTS, armed, reached, rounds},
    program::{Running, pause},
};

const REPLICAS: usize = 3;

/// Rounds of traffic after which something is stuck, for each time that all points
/// are gone through.
const ROUNDS_MAX: usize = 400;

/// Rounds without a death after which one is killed: a leader may never get to its
/// point, for instance one that read nothing because there was nothing.
const IDLE_ROUNDS_MAX: usize = 40;

/// Rounds come at once or after a while, which is as long as the journal takes
/// to come to rest.
const PAUSE_MAX_MS: u64 = 1_500;
const REST: Duration = Duration::from_millis(3_500);

/// Two that may take over from each other: one ends when it has planned a file,
/// the next when it writes that.
const REDONE: &str = "K10,K19";

#[test]
fn replicas_that_end_at_any_point_lose_nothing_and_double_nothing() {
    let Some(mut scene) = Scene::new() else {
        return;
    };
    // A leader that rested for a second looks at the boundary.
    scene
        .site
        .change_topology("heartbeat_ms = 500", "heartbeat_ms = 1_300");
    let mut waiting = armed(&mut scene.dice);
    // Whoever leads plans files itself: K19 is for those that are left.
    waiting.retain(|points| !points.starts_with("K19"));
    let (mut replicas, mut seen, mut deaths) = (Vec::new(), BTreeSet::new(), 0);
    let mut idle = 0;
    for round in 0.. {
        if seen.len() == POINTS.len() && waiting.is_empty() {
            break;
        }
        assert!(
            round < ROUNDS_MAX * rounds(),
            "only {seen:?} were reached, {waiting:?} were not"
        );
        while replicas.len() < REPLICAS {
            let points = waiting.pop().unwrap_or_else(|| REDONE.to_owned());
            replicas.push((scene.start_to_end_at(&points), points));
        }
        scene.send();
        let rests = replicas.iter().any(|(_, points)| points.starts_with("K6"));
        pause(match rests {
            true => REST,
            false => Duration::from_millis(scene.dice.random_range(0..PAUSE_MAX_MS)),
        });
        idle += 1;
        replicas.retain_mut(|(replica, points): &mut (Running, String)| {
            let Some(ended) = replica.try_wait() else {
                return true;
            };
            seen.insert(reached(&ended, points));
            deaths += 1;
            idle = 0;
            false
        });
        if idle == IDLE_ROUNDS_MAX {
            // Its points are for another, after all others.
            let one = scene.dice.random_range(0..replicas.len());
            let (replica, points) = replicas.swap_remove(one);
            replica.kill();
            waiting.insert(0, points);
            idle = 0;
        }
    }
    println!("{deaths} deaths of replicas, at {seen:?}");
    replicas.into_iter().for_each(|(replica, _)| replica.kill());
    let last = scene.site.serve();
    scene.end(last);
}
