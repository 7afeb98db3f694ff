//! Several replicas on one queue and journal: one leads, the others follow, and
//! when it goes another takes over. Every event is stored once.

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

const HAND_OVERS: usize = 10;
const FREEZES: usize = 4;

/// Until the process is that to the journal, and says that it is ready.
fn become_(role: &str, process: &mut Running) {
    let expected = format!(r#""role":"{role}""#);
    process.await_that(role, |process| {
        let (status, said) = process.get("/readyz");
        status == 200 && said.contains(&expected)
    });
}

/// Five replicas one after the other, two or three at a time: released, killed,
/// released.
fn hand_over(settings_of_topology: (&str, &str)) {
    let Some(cloud) = cloud() else {
        return;
    };
    let mut dice = dice();
    let site = Site::new(cloud, "visibility_timeout_secs: 3\n");
    site.take_over_soon();
    site.receive_without_end();
    site.change_topology(settings_of_topology.0, settings_of_topology.1);
    let (mut next, mut all) = (0, Vec::new());
    let mut send = |round: usize| {
        TRAFFIC.publish(&site.deployment, &mut dice, round, &mut next, &mut all);
        next
    };
    let mut first = site.serve();
    let [mut second, mut third] = [(); 2].map(|()| site.deployment.start(&["run"]).running());
    become_("follower", &mut second);
    become_("follower", &mut third);
    send(0);
    become_("leader", &mut first);
    assert_eq!(first.terminate().code, Some(0));
    let [mut leader, mut follower] = whoever_leads(second, third);
    send(1);
    // A follower ends without a word to the journal.
    let mut another = site.deployment.start(&["run"]).running();
    become_("follower", &mut another);
    become_("follower", &mut follower);
    assert_eq!(another.terminate().code, Some(0));
    become_("leader", &mut leader);
    leader.kill();
    become_("leader", &mut follower);
    let sent = send(2);
    site.settle(&mut follower);
    assert!(follower.count("idtrail_journal_epoch") > 1);
    assert_eq!(follower.terminate().code, Some(0));
    assert_eq!(site.dead_letters(), 0);
    let folder = site.deployment.path("all");
    events::write(&folder, &(0..sent).collect::<Vec<_>>());
    site.check_rows(&folder);
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

/// A leader that was stopped is a leader to itself until it writes.
#[test]
fn a_leader_that_was_frozen_is_replaced_and_follows() {
    let Some(cloud) = cloud() else {
        return;
    };
    let mut dice = dice();
    let site = Site::new(cloud, "visibility_timeout_secs: 3\n");
    site.take_over_soon();
    site.receive_without_end();
    let (mut next, mut all) = (0, Vec::new());
    let mut leader = site.serve();
    let mut follower = site.deployment.start(&["run"]).running();
    become_("follower", &mut follower);
    for round in 0..FREEZES {
        TRAFFIC.publish(&site.deployment, &mut dice, round, &mut next, &mut all);
        // Somewhere between a receive and a delete.
        leader.await_that("it works", |leader| {
            leader.count("idtrail_messages_in_hand") > 0 || site.is_settled(leader)
        });
        leader.freeze();
        become_("leader", &mut follower);
        leader.thaw();
        become_("follower", &mut leader);
        assert_eq!(leader.count("idtrail_journal_fenced_total"), 1 + round / 2);
        (leader, follower) = (follower, leader);
    }
    site.settle(&mut leader);
    assert_eq!(follower.terminate().code, Some(0));
    assert_eq!(leader.terminate().code, Some(0));
    let folder = site.deployment.path("all");
    events::write(&folder, &(0..next).collect::<Vec<_>>());
    site.check_rows(&folder);
}

/// One after the other takes over from a leader that is told to stop while it
/// works.
#[test]
fn ten_hand_overs_under_load_lose_nothing_and_double_nothing() {
    let Some(cloud) = cloud() else {
        return;
    };
    let mut dice = dice();
    let site = Site::new(cloud, "visibility_timeout_secs: 3\n");
    site.take_over_soon();
    site.receive_without_end();
    let (mut next, mut all) = (0, Vec::new());
    let mut leader = site.serve();
    for round in 0..HAND_OVERS {
        let mut follower = site.deployment.start(&["run"]).running();
        become_("follower", &mut follower);
        TRAFFIC.publish(&site.deployment, &mut dice, round, &mut next, &mut all);
        assert_eq!(leader.terminate().code, Some(0));
        become_("leader", &mut follower);
        assert_eq!(follower.count("idtrail_journal_fenced_total"), 0);
        leader = follower;
    }
    site.settle(&mut leader);
    assert_eq!(leader.terminate().code, Some(0));
    assert_eq!(site.dead_letters(), 0);
    let folder = site.deployment.path("all");
    events::write(&folder, &(0..next).collect::<Vec<_>>());
    site.check_rows(&folder);
}

#[test]
fn warm_replicas_hand_the_journal_over() {
    hand_over(("warm = true", "warm = true"));
}

#[test]
fn cold_replicas_hand_the_journal_over() {
    hand_over(("warm = true", "warm = false"));
}
