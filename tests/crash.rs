//! `kill -9` at any moment: every distinct event is in the lake exactly once.
//!
//! `IDTRAIL_SEED` repeats a run's events and the moments of its kills, as far as
//! the machine's timing allows.

use std::{env, time::Duration};

use audit::source::Source;
use rand::{RngExt, SeedableRng, rngs::StdRng};

use super::{
    events,
    program::{Deployment, pause},
    readers,
};

/// `IDTRAIL_KILLS` are others; of many, each has fewer events.
const KILLS: usize = 20;

/// A journal that is checkpointed and collected all the time.
pub(crate) const COLLECT_SOON: [(&str, &str); 3] = [
    ("checkpoint_ms = 60_000", "checkpoint_ms = 500"),
    ("checkpoint_objects = 1_000", "checkpoint_objects = 20"),
    ("keep_secs = 86_400", "keep_secs = 2"),
];
/// Of ten events one is a copy of an earlier one.
const ONE_COPY_IN: u32 = 10;

#[test]
fn twenty_kills_lose_nothing_and_double_nothing() {
    let mut dice = dice();
    let deployment = Deployment::new();
    deployment.write("idtrail.yaml", "topology: topology.toml\n");
    deployment.change_topology(&COLLECT_SOON);
    let (mut next, mut all, mut kills, mut round) = (0, Vec::new(), 0, 0);
    let wanted = env::var("IDTRAIL_KILLS").map_or(KILLS, |kills| {
        kills.parse().expect("IDTRAIL_KILLS is a number")
    });
    // Of each source: 200,000 events in all for twenty kills, a million for a thousand.
    let traffic = Traffic {
        events_a_round: (50_000 / wanted).max(290),
        files_a_round: 4,
    };
    // Once all is published, a drain is killed until there were enough kills.
    while kills < wanted {
        if round < wanted {
            traffic.publish(&deployment, &mut dice, round, &mut next, &mut all);
        }
        round += 1;
        assert!(
            round < 10 * wanted,
            "the program ends before it can be killed"
        );
        kills += usize::from(killed_on_the_way(&deployment, &mut dice));
    }
    for round in round..wanted {
        traffic.publish(&deployment, &mut dice, round, &mut next, &mut all);
    }
    deployment.drain();
    let log = deployment.files("large_files/_idtrail/main/log");
    assert!(
        !log.is_empty()
            && log
                .iter()
                .all(|object| !object.ends_with(format!("{:020}", 1))),
        "the journal was collected"
    );
    assert_eq!(
        deployment.files("queue/dead"),
        [] as [std::path::PathBuf; 0]
    );
    println!(
        "{kills} kills, {} events of {next} numbers",
        all.len() * Source::ALL.len()
    );

    let folder = deployment.path("all");
    events::write(&folder, &(0..next).collect::<Vec<_>>());
    readers::rows_of(&deployment, &folder);
    let verified = deployment.idtrail(&["verify"]);
    assert_eq!(verified.code, Some(0), "{verified:?}");
}

pub(crate) fn dice() -> StdRng {
    let seed = match env::var("IDTRAIL_SEED") {
        Ok(seed) => seed.parse().expect("IDTRAIL_SEED is a number"),
        #[expect(
            clippy::disallowed_methods,
            reason = "printed, and taken again by IDTRAIL_SEED"
        )]
        Err(_) => rand::random(),
    };
    println!("IDTRAIL_SEED={seed}");
    StdRng::seed_from_u64(seed)
}

/// What is published between kills.
pub(crate) struct Traffic {
    /// Of each source.
    pub events_a_round: usize,
    /// Files that a round's events of one source come in; each is a message.
    pub files_a_round: usize,
}

impl Traffic {
    /// Sends the next events of each source, with copies of earlier ones among them.
    pub(crate) fn publish(
        &self,
        deployment: &Deployment,
        dice: &mut StdRng,
        round: usize,
        next: &mut u64,
        all: &mut Vec<u64>,
    ) {
        for part in 0..self.files_a_round {
            let before = all.len();
            for _ in 0..self.events_a_round / self.files_a_round {
                if *next > 0 && dice.random_ratio(1, ONE_COPY_IN) {
                    all.push(dice.random_range(0..*next));
                } else {
                    all.push(*next);
                    *next += 1;
                }
            }
            let folder = deployment.path(&format!("round-{round}-{part}"));
            for (source, file) in events::write(&folder, &all[before..]) {
                deployment.publish(source, &file);
            }
        }
    }
}

/// Drains and kills the drain after a random number of things it did: messages
/// deleted, journal objects and files written. `false` if it ended before.
fn killed_on_the_way(deployment: &Deployment, dice: &mut StdRng) -> bool {
    let waiting = deployment.messages();
    let (objects, files) = written(deployment);
    let moment = dice.random_range(0..waiting + 12);
    let later = Duration::from_micros(dice.random_range(0..20_000));

    let mut drain = deployment.start(&["run", "--drain"]);
    let reached = drain.until(|_| {
        let (objects_now, files_now) = written(deployment);
        let deleted = waiting.saturating_sub(deployment.messages());
        // The journal is collected as well.
        deleted + objects_now.saturating_sub(objects) + (files_now - files) >= moment
    });
    if reached {
        pause(later);
    }
    if let Some(ended) = drain.try_wait() {
        assert_eq!(ended.code, Some(0), "{ended:?}");
        return false;
    }
    drain.kill();
    let (objects_now, files_now) = written(deployment);
    println!(
        "killed with {} of {waiting} messages left, {} journal objects and {} files written",
        deployment.messages(),
        objects_now.saturating_sub(objects),
        files_now - files
    );
    true
}

/// Journal objects and files of the lake.
fn written(deployment: &Deployment) -> (usize, usize) {
    (
        deployment.files("large_files").len(),
        deployment.files("lake").len(),
    )
}
