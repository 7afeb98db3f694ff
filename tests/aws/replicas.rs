//! Several replicas on one queue and journal: one leads, the others follow, and
//! when it goes another takes over. Every event is stored once.

use std::time::Instant;

use rand::rngs::StdRng;

use super::{cloud::cloud, site::Site};
use crate::{
    crash::{Traffic, dice},
    events,
    program::Running,
};

const TRAFFIC: Traffic = Traffic {
    events_a_round: 500,
    files_a_round: 2,
};

/// A leader on a busy machine must not look dead.
const SILENCE_MS: u32 = 4_500;

/// Of each kind that is measured.
const MEASURED: usize = 5;

const HAND_OVERS: usize = 10;
const FREEZES: usize = 4;

/// A journal that changes hands soon, and what was sent so far.
struct Scene {
    site: Site,
    dice: StdRng,
    rounds: usize,
    next: u64,
    all: Vec<u64>,
}

impl Scene {
    fn new() -> Option<Scene> {
        let scene = Scene::as_shipped()?;
        scene.site.take_over_after(SILENCE_MS);
        Some(scene)
    }

    /// With the silence of the built-in topology.
    fn as_shipped() -> Option<Scene> {
        let site = Site::new(cloud()?, "visibility_timeout_secs: 3\n");
        site.receive_without_end();
        site.collect_soon();
        Some(Scene {
            site,
            dice: dice(),
            rounds: 0,
            next: 0,
            all: Vec::new(),
        })
    }

    fn start(&self) -> Running {
        self.site.deployment.start(&["run"]).running()
    }

    fn follower(&self) -> Running {
        let mut process = self.start();
        until_role("follower", &mut process);
        process
    }

    /// Some new events, and some of those before.
    fn send(&mut self) {
        let (deployment, round) = (&self.site.deployment, self.rounds);
        TRAFFIC.publish(
            deployment,
            &mut self.dice,
            round,
            &mut self.next,
            &mut self.all,
        );
        self.rounds += 1;
    }

    /// The last one stores what is left; then every event is there, once.
    fn end(&self, mut last: Running) {
        self.site.settle(&mut last);
        assert_eq!(last.terminate().code, Some(0));
        assert_eq!(self.site.dead_letters(), 0);
        self.site.check_collected();
        let folder = self.site.deployment.path("all");
        events::write(&folder, &(0..self.next).collect::<Vec<_>>());
        self.site.check_rows(&folder);
    }
}

/// Until the process is that to the journal, and says that it is ready.
fn until_role(role: &str, process: &mut Running) {
    let expected = format!(r#""role":"{role}""#);
    process.await_that(role, |process| {
        let (status, said) = process.get("/readyz");
        status == 200 && said.contains(&expected)
    });
}

/// The one that leads, and the one that follows.
fn whoever_leads(mut one: Running, mut other: Running) -> [Running; 2] {
    let mut first = true;
    one.await_that("one of them leads", |one| {
        let leads = |process: &mut Running| {
            let (_, said) = process.get("/readyz");
            said.contains(r#""role":"leader""#)
        };
        first = leads(one);
        first || leads(&mut other)
    });
    match first {
        true => [one, other],
        false => [other, one],
    }
}

/// Four replicas, of which one is released, one ends as a follower, and one is
/// killed.
fn hand_over(warm: &str) {
    let Some(mut scene) = Scene::new() else {
        return;
    };
    scene.site.change_topology("warm = true", warm);
    let first = scene.site.serve();
    let (second, third) = (scene.follower(), scene.follower());
    scene.send();
    assert_eq!(first.terminate().code, Some(0));
    let [leader, mut follower] = whoever_leads(second, third);
    scene.send();
    // A follower ends without a word to the journal.
    assert_eq!(scene.follower().terminate().code, Some(0));
    until_role("follower", &mut follower);
    leader.kill();
    until_role("leader", &mut follower);
    scene.send();
    assert!(follower.count("idtrail_journal_epoch") > 1);
    scene.end(follower);
}

#[test]
fn warm_replicas_hand_the_journal_over() {
    hand_over("warm = true");
}

#[test]
fn cold_replicas_hand_the_journal_over() {
    hand_over("warm = false");
}

/// A leader that was stopped is a leader to itself until it writes.
#[test]
fn a_leader_that_was_frozen_is_replaced_and_follows() {
    let Some(mut scene) = Scene::new() else {
        return;
    };
    let mut leader = scene.site.serve();
    let mut follower = scene.follower();
    for round in 0..FREEZES {
        scene.send();
        // Somewhere between a receive and a delete.
        leader.await_that("it works", |leader| {
            leader.count("idtrail_messages_in_hand") > 0 || scene.site.is_settled(leader)
        });
        leader.freeze();
        until_role("leader", &mut follower);
        leader.thaw();
        until_role("follower", &mut leader);
        assert_eq!(leader.count("idtrail_journal_fenced_total"), 1 + round / 2);
        (leader, follower) = (follower, leader);
    }
    assert_eq!(follower.terminate().code, Some(0));
    scene.end(leader);
}

/// One after the other takes over from a leader that is told to stop while it
/// works.
#[test]
fn ten_hand_overs_under_load_lose_nothing_and_double_nothing() {
    let Some(mut scene) = Scene::new() else {
        return;
    };
    let mut leader = scene.site.serve();
    for _ in 0..HAND_OVERS {
        let mut follower = scene.follower();
        scene.send();
        assert_eq!(leader.terminate().code, Some(0));
        until_role("leader", &mut follower);
        assert_eq!(follower.count("idtrail_journal_fenced_total"), 0);
        leader = follower;
    }
    scene.end(leader);
}

/// Part of `make soak`: tells how long it takes, which is nothing to assert.
#[test]
#[ignore = "takes minutes, and tells times"]
#[expect(clippy::disallowed_methods, reason = "a time is what it tells")]
fn how_long_a_take_over_takes() {
    let Some(mut scene) = Scene::as_shipped() else {
        return;
    };
    let mut leader = scene.site.serve();
    for kind in ["told to stop", "killed"] {
        for _ in 0..MEASURED {
            let mut follower = scene.follower();
            scene.send();
            let began = Instant::now();
            match kind {
                "killed" => leader.kill(),
                _ => assert_eq!(leader.terminate().code, Some(0)),
            }
            until_role("leader", &mut follower);
            println!("leader {kind}: {:.1} s", began.elapsed().as_secs_f64());
            leader = follower;
        }
    }
    scene.end(leader);
}
