//! `kill -9` at each named point of the protocol: whatever a process was at, the
//! next one goes on, and every event is in the lake exactly once.
//!
//! `IDTRAIL_POINT_ROUNDS` goes through all points so often.

use std::{env, time::Duration};

use rand::{RngExt, rngs::StdRng};

use super::{
    crash::{COLLECT_SOON, Traffic, dice},
    events,
    program::{Deployment, Ended, Running, pause},
    readers,
};

/// K8 and K20 to K22 are the detector's.
pub(crate) const POINTS: [&str; 18] = [
    "K1", "K2", "K3", "K4", "K5", "K6", "K7", "K9", "K10", "K11", "K12", "K13", "K14", "K15",
    "K16", "K17", "K18", "K19",
];

/// Points that a process passes once: at its start, or after a rest.
const RARE: [&str; 4] = ["K6", "K17", "K18", "K19"];

const TRAFFIC: Traffic = Traffic {
    events_a_round: 40,
    files_a_round: 1,
};

/// Rounds of traffic after which a point is not believed in any more.
const ROUNDS_MAX: usize = 40;

/// Between rounds: checkpoints and collection go on meanwhile, and after a while
/// there is nothing more to write. Then the boundary is looked at after the next.
const REST: Duration = Duration::from_millis(1_000);
const LONG_REST: Duration = Duration::from_millis(3_500);

pub(crate) fn rounds() -> usize {
    env::var("IDTRAIL_POINT_ROUNDS").map_or(1, |rounds| {
        rounds.parse().expect("IDTRAIL_POINT_ROUNDS is a number")
    })
}

/// All points, so often as is asked for.
pub(crate) fn armed(dice: &mut StdRng) -> Vec<String> {
    (0..rounds()).flat_map(|_| round(dice)).collect()
}

/// All points, each with how often it is passed before. A file of another process's
/// plan is only there where one ended at K10.
fn round(dice: &mut StdRng) -> Vec<String> {
    let mut armed = Vec::new();
    for point in POINTS {
        if point == "K19" {
            armed.push("K10".to_owned());
        }
        let times = match RARE.contains(&point) {
            true => 1,
            false => dice.random_range(1..=3),
        };
        armed.push(format!("{point}:{times}"));
    }
    armed
}

/// The point at which it ended: one of those that were armed.
pub(crate) fn reached(ended: &Ended, armed: &str) -> &'static str {
    let is_armed = |point: &str| {
        let mut armed = armed.split(',').map(|armed| armed.split(':').next());
        armed.any(|armed| armed == Some(point))
    };
    let said = |point: &&&str| {
        let line = format!("fail point {point} is reached");
        ended.stderr.lines().any(|said| said == line)
    };
    let point = POINTS.iter().find(said).filter(|point| is_armed(point));
    match (ended.code, point) {
        (None, Some(point)) => point,
        _ => panic!("{armed}: {ended:?}"),
    }
}

struct Scene {
    deployment: Deployment,
    dice: StdRng,
    rounds: usize,
    next: u64,
    all: Vec<u64>,
}

impl Scene {
    fn send(&mut self) {
        let (deployment, round) = (&self.deployment, self.rounds);
        TRAFFIC.publish(
            deployment,
            &mut self.dice,
            round,
            &mut self.next,
            &mut self.all,
        );
        self.rounds += 1;
    }

    /// Gives the process work until it ends.
    fn drive(&mut self, process: &mut Running, armed: &str) {
        for round in 0..ROUNDS_MAX {
            self.send();
            // Some of it one after the other, some after a rest.
            if round % 2 == 1 {
                pause(if armed.starts_with("K6") {
                    LONG_REST
                } else {
                    REST
                });
            }
            if let Some(ended) = process.try_wait() {
                reached(&ended, armed);
                return;
            }
        }
        panic!("{armed} is never reached: {}", process.said());
    }
}

#[test]
fn a_process_that_ends_at_any_point_loses_nothing_and_doubles_nothing() {
    let deployment = Deployment::new();
    deployment.write("idtrail.yaml", "topology: topology.toml\n");
    deployment.change_topology(&COLLECT_SOON);
    deployment.change_topology(&[("age_secs = 300", "age_secs = 1")]);
    let mut scene = Scene {
        deployment,
        dice: dice(),
        rounds: 0,
        next: 0,
        all: Vec::new(),
    };
    let mut deaths = 0;
    for _ in 0..rounds() {
        for armed in round(&mut scene.dice) {
            scene.send();
            let fail_point = [("FAIL_POINT", armed.as_str())];
            let mut process = scene.deployment.start_with(&fail_point, &["run"]);
            scene.drive(&mut process, &armed);
            deaths += 1;
        }
        // Nothing waits through more deaths than a message may have.
        scene.deployment.drain();
    }
    let Scene {
        deployment,
        next,
        all,
        ..
    } = scene;
    assert_eq!(
        deployment.files("queue/dead"),
        [] as [std::path::PathBuf; 0]
    );
    println!("{deaths} deaths, {} events", all.len() * 4);
    let folder = deployment.path("all");
    events::write(&folder, &(0..next).collect::<Vec<_>>());
    readers::rows_of(&deployment, &folder);
    let verified = deployment.idtrail(&["verify"]);
    assert_eq!(verified.code, Some(0), "{verified:?}");
}
