//! Two processes on one journal: who follows, who leads, and when.

use std::time::Duration;

use audit::journal_id::Seq;

use super::*;
use crate::journal::{
    leader::{Leader, Turn},
    specimen::{self, Nobody, Store},
};

const SILENCE_MS: u64 = 15_000;
const TRUSTED_MS: u64 = 3_600_000;

fn process(incarnation: u64, warm: bool) -> Leader<Nobody> {
    let silence = Duration::from_millis(SILENCE_MS);
    specimen::process(
        incarnation,
        Some(Follow {
            silence,
            warm,
            trusted: Duration::from_millis(TRUSTED_MS),
        }),
    )
}

impl Store {
    /// Lets the process ask all it wants to ask now; tells what came of it.
    fn turns(&mut self, process: &mut Leader<Nobody>) -> Vec<Turn<Nobody>> {
        let mut turns = Vec::new();
        for _ in 0..100 {
            match self.step(process) {
                Some(turn) => turns.extend(turn.expect("a sound journal")),
                None => return turns,
            }
        }
        panic!("it never stops asking");
    }

    /// Both act every 100 ms for so long.
    fn pass(&mut self, ms: u64, processes: &mut [&mut Leader<Nobody>]) {
        for _ in 0..ms / 100 {
            self.boot_ms += 100;
            for process in &mut *processes {
                self.turns(process);
            }
        }
    }
}

#[test]
fn a_process_on_an_empty_journal_leads_at_once() {
    for warm in [true, false] {
        let (mut store, mut only) = (Store::default(), process(1, warm));
        assert!(matches!(store.turns(&mut only)[..], [Turn::Serving]));
    }
}

#[test]
fn followers_leave_a_leader_that_lives_alone() {
    let (mut store, mut leader) = (Store::default(), process(1, true));
    store.turns(&mut leader);
    let (mut warm, mut cold) = (process(2, true), process(3, false));
    assert!(matches!(store.turns(&mut warm)[..], [Turn::Following]));
    assert!(matches!(store.turns(&mut cold)[..], [Turn::Following]));
    store.pass(119_000, &mut [&mut leader, &mut warm, &mut cold]);
    for _ in 0..10 {
        store.boot_ms += 100;
        let turns = [&mut warm, &mut cold].map(|follower| store.turns(follower).len());
        assert_eq!(turns, [0, 0], "what is known is not said again");
        store.turns(&mut leader);
    }
    assert!(leader.is_serving() && warm.is_following() && cold.is_following());
    assert!(leader.replica().head().seq >= Seq(20), "heartbeats");
    let behind = leader.replica().head().seq.0 - warm.replica().head().seq.0;
    assert!(behind <= 1, "{behind}");
    assert_eq!(cold.replica().head().seq, Seq::ZERO, "it holds nothing");
}

#[test]
fn a_follower_leads_when_the_journal_stood_still_for_the_silence() {
    for warm in [true, false] {
        let (mut store, mut dead) = (Store::default(), process(1, warm));
        store.turns(&mut dead);
        let mut follower = process(2, warm);
        store.turns(&mut follower);
        store.pass(SILENCE_MS - 1_000, &mut [&mut follower]);
        assert!(follower.is_following(), "warm {warm}");
        store.pass(3_000, &mut [&mut follower]);
        assert!(follower.is_serving(), "warm {warm}");
        // The dead one was only asleep: its next write finds the slot taken.
        let turns = store.turns(&mut dead);
        assert!(
            matches!(turns[..], [Turn::Fenced, Turn::Following]),
            "{turns:?}"
        );
        store.pass(60_000, &mut [&mut dead, &mut follower]);
        assert!(dead.is_following() && follower.is_serving());
        let holds_nothing = dead.replica().head().seq == Seq::ZERO;
        assert_eq!(holds_nothing, !warm);
    }
}

#[test]
fn a_time_without_looks_is_no_silence() {
    let (mut store, mut dead) = (Store::default(), process(1, true));
    store.turns(&mut dead);
    let mut follower = process(2, true);
    store.pass(10_000, &mut [&mut follower]);
    // Asleep, or cut off from the store like the leader, perhaps.
    store.boot_ms += 10 * SILENCE_MS;
    store.pass(SILENCE_MS - 2_000, &mut [&mut follower]);
    assert!(follower.is_following());
    store.pass(4_000, &mut [&mut follower]);
    assert!(follower.is_serving());
}

#[test]
fn a_released_journal_is_led_at_the_next_look() {
    for warm in [true, false] {
        let (mut store, mut leader) = (Store::default(), process(1, true));
        store.turns(&mut leader);
        let mut follower = process(2, warm);
        store.pass(10_000, &mut [&mut leader, &mut follower]);
        leader.release();
        store.turns(&mut leader);
        assert!(leader.is_released());
        store.pass(1_200, &mut [&mut follower]);
        assert!(follower.is_serving(), "warm {warm}");
    }
}

#[test]
fn a_warm_follower_takes_over_without_reading_again() {
    let (mut store, mut leader) = (Store::default(), process(1, true));
    store.turns(&mut leader);
    let mut follower = process(2, true);
    store.pass(60_000, &mut [&mut leader, &mut follower]);
    leader.release();
    store.turns(&mut leader);
    store.asked.clear();
    store.pass(1_200, &mut [&mut follower]);
    assert!(follower.is_serving());
    let fence = store.asked.iter().position(|what| *what == "create");
    let from = fence.expect("a fence") - 2;
    let expected = ["boundary", "last", "create", "boundary"];
    assert_eq!(store.asked[from..from + 4], expected, "{:?}", store.asked);
}

#[test]
fn of_two_followers_that_find_the_journal_released_one_leads_and_stays() {
    for warm in [true, false] {
        let (mut store, mut leader) = (Store::default(), process(1, true));
        store.turns(&mut leader);
        let (mut one, mut other) = (process(2, warm), process(3, warm));
        store.pass(10_000, &mut [&mut leader, &mut one, &mut other]);
        leader.release();
        store.turns(&mut leader);
        // Both find out; one is slower from there on.
        store.boot_ms += 2_000;
        while other.is_following() {
            let step = store.step(&mut other).expect("it looks");
            step.expect("a sound journal");
        }
        store.turns(&mut one);
        assert!(one.is_serving());
        let turns = store.turns(&mut other);
        assert!(other.is_following(), "warm {warm}: {turns:?}");
        store.pass(30_000, &mut [&mut one, &mut other]);
        assert!(one.is_serving() && other.is_following());
    }
}

#[test]
fn a_follower_that_ends_writes_nothing() {
    let (mut store, mut leader) = (Store::default(), process(1, true));
    store.turns(&mut leader);
    let mut follower = process(2, true);
    store.turns(&mut follower);
    let before = store.log.len();
    follower.release();
    store.pass(2 * SILENCE_MS, &mut [&mut follower]);
    assert!(follower.is_released());
    assert_eq!(store.log.len(), before);
}

#[test]
fn what_came_after_an_hour_without_a_look_is_history_only_if_the_boundary_says_so() {
    let (mut store, mut leader) = (Store::default(), process(1, true));
    store.turns(&mut leader);
    let mut follower = process(2, true);
    store.pass(10_000, &mut [&mut leader, &mut follower]);
    store.boot_ms += TRUSTED_MS + 1;
    store.turns(&mut leader);
    store.asked.clear();
    store.turns(&mut follower);
    assert_eq!(store.asked[0], "boundary");
    // Its slot was collected: it cannot know what stands there now.
    let mut lost = process(3, true);
    store.turns(&mut lost);
    store.boot_ms += TRUSTED_MS + 1;
    store.boundary = Seq(1_000);
    let step = store.step(&mut lost).expect("a look");
    assert!(
        step.is_ok_and(|turn| turn.is_none()),
        "it looks for a checkpoint"
    );
    let step = store.step(&mut lost).expect("a look");
    let refused = step.expect_err("it must not go on");
    assert!(refused.what.contains("collected"), "{refused}");
}
