//! Several replicas on one queue and journal: one leads, the others follow, and
//! when it goes another takes over. Every event is stored once.

use std::{
    env,
    time::{Duration, Instant},
};

use audit::source::Source;
use rand::{RngExt, rngs::StdRng};
use serde_json::Value;

use super::{cloud::cloud, site::Site};
use crate::{
    crash::{Traffic, dice},
    events,
    program::{Running, pause},
};

const TRAFFIC: Traffic = Traffic {
    events_a_round: 500,
    files_a_round: 2,
};

/// A leader on a busy machine must not look dead.
const SILENCE_MS: u32 = 4_500;

/// Of each kind that is measured.
const MEASURED: usize = 5;

/// `IDTRAIL_HAND_OVERS` are others.
const HAND_OVERS: usize = 10;
const FREEZES: usize = 4;

/// Times that a replica fences another that lives.
const DUELS: usize = 3;
/// Longer than the silence at which one gives the other up.
const REST_MAX_MS: u64 = 5_000;
const FENCED: &str = "idtrail_journal_fenced_total";

/// A journal that changes hands soon, and what was sent so far.
pub(super) struct Scene {
    pub(super) site: Site,
    pub(super) dice: StdRng,
    rounds: usize,
    next: u64,
    all: Vec<u64>,
}

impl Scene {
    pub(super) fn new() -> Option<Scene> {
        let scene = Scene::as_shipped()?;
        scene.site.take_over_after(SILENCE_MS);
        Some(scene)
    }

    /// With the silence of the built-in topology.
    pub(super) fn as_shipped() -> Option<Scene> {
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

    pub(super) fn start(&self) -> Running {
        self.site.deployment.start(&["run"]).running()
    }

    /// A replica whose wall clock is so much ahead.
    fn start_ahead(&self, secs: i64) -> Running {
        let skew = [("CLOCK_SKEW_SECS", secs.to_string())];
        let skew = skew.each_ref().map(|(name, secs)| (*name, secs.as_str()));
        self.site.deployment.start_with(&skew, &["run"]).running()
    }

    /// Events that were sent, copies among them.
    pub(super) fn sent(&self) -> usize {
        self.all.len() * Source::ALL.len()
    }

    fn follower(&self) -> Running {
        let mut process = self.start();
        until_role("follower", &mut process);
        process
    }

    /// A replica that ends at one of these points.
    pub(super) fn start_to_end_at(&self, points: &str) -> Running {
        let deployment = &self.site.deployment;
        deployment.start_with(&[("FAIL_POINT", points)], &["run"])
    }

    /// Some new events, and some of those before.
    pub(super) fn send(&mut self) {
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
    pub(super) fn end(&self, mut last: Running) {
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
        status == 200 && said.contains(&expected) && said.contains(r#""journal_lag_ms":"#)
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
        assert_eq!(leader.count(FENCED), 1 + round / 2);
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
    let wanted = env::var("IDTRAIL_HAND_OVERS").map_or(HAND_OVERS, |wanted| {
        wanted.parse().expect("IDTRAIL_HAND_OVERS is a number")
    });
    let mut leader = scene.site.serve();
    for _ in 0..wanted {
        let mut follower = scene.follower();
        scene.send();
        assert_eq!(leader.terminate().code, Some(0));
        until_role("leader", &mut follower);
        assert_eq!(follower.count(FENCED), 0);
        leader = follower;
    }
    println!("{wanted} hand-overs, {} events", scene.sent());
    scene.end(leader);
}

/// An upgrade in turns, and back: what the newest wrote stays readable to all, and
/// the journal never goes back to the older format.
#[test]
fn replicas_that_write_other_formats_hand_the_journal_over() {
    let Some(mut scene) = Scene::new() else {
        return;
    };
    let mut leader = scene.site.serve();
    scene.send();
    let (older, newer) = ("write_format = 1", "write_format = 2");
    for (usual, other) in [(older, newer), (newer, older)] {
        scene.site.change_topology(usual, other);
        let mut follower = scene.follower();
        scene.send();
        assert_eq!(leader.terminate().code, Some(0));
        until_role("leader", &mut follower);
        scene.send();
        leader = follower;
    }
    scene.site.settle(&mut leader);
    let inspected = scene
        .site
        .deployment
        .idtrail(&["journal", "inspect", "--json"]);
    let object = |line: &str| serde_json::from_str::<Value>(line).expect("a line of JSON");
    let formats: Vec<u64> = inspected
        .stdout
        .lines()
        .filter_map(|line| object(line)["format"].as_u64())
        .collect();
    assert!(formats.is_sorted(), "{formats:?}");
    assert_eq!(formats.last(), Some(&2), "{inspected:?}");
    scene.end(leader);
}

/// Whoever leads is fenced for as long as it takes to write one object.
#[test]
fn a_file_is_given_up_beside_a_leader_that_goes_on() {
    let Some(mut scene) = Scene::new() else {
        return;
    };
    scene
        .site
        .change_topology("write_format = 1", "write_format = 2");
    scene.send();
    // Nobody got further than to decide on its files.
    let ended = scene.start_to_end_at("K10").wait();
    assert_eq!(ended.code, None, "{ended:?}");
    let deployment = &scene.site.deployment;
    let mut leader = deployment.start(&["run", "--safe-mode"]).running();
    until_role("leader", &mut leader);
    let plans = deployment.idtrail(&["journal", "plans", "--json"]);
    let (mut rows, mut files) = (0, 0);
    for plan in plans.stdout.lines() {
        let plan: Value = serde_json::from_str(plan).expect("a line of JSON");
        let file = plan["file"].as_str().expect("a name");
        files += 1;
        let events = format!("kept-{files}.ndjson");
        let skip = ["journal", "skip", file, "--reason", "it kills", "--events"];
        let skipped = deployment.json(&[&skip[..], &[events.as_str()]].concat());
        assert_eq!(
            (&skipped["rows"], &skipped["events"]),
            (&plan["rows"], &plan["rows"])
        );
        rows += plan["rows"].as_u64().expect("a number");
    }
    assert!(files > 0, "{plans:?}");
    leader.await_that("it was fenced", |leader| leader.count(FENCED) > 0);
    until_role("leader", &mut leader);
    scene.send();
    scene.site.settle(&mut leader);
    assert_eq!(leader.terminate().code, Some(0));
    let verified = scene.site.deployment.json(&["verify"]);
    assert_eq!(verified["ok"], true, "{verified}");
    assert_eq!(verified["rows_given_up"], rows);
}

/// Each takes what the others write for the future, or for the past.
#[test]
fn replicas_whose_clocks_are_hours_apart_hand_the_journal_over() {
    let Some(mut scene) = Scene::new() else {
        return;
    };
    let mut leader = scene.site.serve();
    for secs in [3_600, -3_600, 960, -960] {
        let mut follower = scene.start_ahead(secs);
        until_role("follower", &mut follower);
        scene.send();
        leader.kill();
        until_role("leader", &mut follower);
        scene.send();
        leader = follower;
    }
    scene.end(leader);
}

/// Replicas that take every rest for the other's death: each fences the other
/// again and again.
#[test]
fn replicas_that_fence_each_other_without_end_store_each_event_once() {
    let Some(mut scene) = Scene::new() else {
        return;
    };
    for (usual, other) in [
        ("heartbeat_ms = 500", "heartbeat_ms = 60_000"),
        ("attempt_timeout_ms = 1500", "attempt_timeout_ms = 500"),
        ("silence_ms = 4500", "silence_ms = 1500"),
    ] {
        scene.site.change_topology(usual, other);
    }
    let mut replicas = [scene.start(), scene.start()];
    while replicas
        .iter_mut()
        .map(|one| one.count(FENCED))
        .sum::<usize>()
        < DUELS
    {
        scene.send();
        pause(Duration::from_millis(
            scene.dice.random_range(0..REST_MAX_MS),
        ));
    }
    let [one, other] = replicas;
    assert_eq!(one.terminate().code, Some(0));
    scene.end(other);
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
