//! The boundary (invariant I8): a slot at or below it was collected, and what
//! stands there now is nobody's history.

use audit::journal_id::Seq;

use super::*;
use crate::journal::specimen::{self, Nobody, Store};

/// Half of the age at which objects are removed.
const GUARD_MS: u64 = 12 * 3_600_000;

/// A leader that follows nobody, and its store.
struct Scene {
    leader: Leader<Nobody>,
    store: Store,
}

impl Scene {
    fn new() -> Scene {
        Scene {
            leader: specimen::process(3, None),
            store: Store::default(),
        }
    }

    /// One question and its answer.
    fn step(&mut self) -> Result<Option<Turn<Nobody>>, Corrupt> {
        self.store.step(&mut self.leader).unwrap_or(Ok(None))
    }

    fn until_serving(&mut self) {
        for _ in 0..20 {
            if matches!(self.step(), Ok(Some(Turn::Serving))) {
                return;
            }
        }
        panic!("it never served");
    }
}

#[test]
fn a_boundary_that_moves_while_the_log_is_read_begins_the_takeover_anew() {
    let mut scene = Scene::new();
    while !scene.store.asked.contains(&"create") {
        assert!(scene.step().is_ok_and(|turn| turn.is_none()));
    }
    // The fence stands. Somebody collects its slot before the boundary is read again.
    scene.store.boundary = Seq(1);
    assert!(scene.step().is_ok_and(|turn| turn.is_none()));
    assert!(!scene.leader.is_serving());
    assert!(scene.step().is_ok_and(|turn| turn.is_none()));
    let refused = scene.step().expect_err("older objects were collected");
    assert!(refused.what.contains("collected"), "{refused}");
}

#[test]
fn a_leader_that_slept_half_a_day_looks_at_the_boundary_and_stands_back() {
    let mut scene = Scene::new();
    scene.until_serving();
    scene.store.boot_ms += GUARD_MS;
    // Its slot is free again, because it was collected.
    scene.store.boundary = Seq(9);
    assert!(
        scene.step().is_ok_and(|turn| turn.is_none()),
        "the write is won, but unproven"
    );
    assert!(matches!(scene.step(), Ok(Some(Turn::Fenced))));
    assert!(!scene.leader.is_serving());
}

#[test]
fn a_leader_that_was_acknowledged_lately_does_not_look() {
    let mut scene = Scene::new();
    scene.until_serving();
    scene.store.boot_ms += GUARD_MS - 1;
    scene.store.boundary = Seq(9);
    assert!(matches!(scene.step(), Ok(Some(Turn::Committed { .. }))));
}

#[test]
fn an_object_that_is_missing_though_nothing_was_collected_stops_the_takeover() {
    let mut scene = Scene::new();
    scene.until_serving();
    for _ in 0..3 {
        scene.store.boot_ms += 5_000;
        assert!(matches!(scene.step(), Ok(Some(Turn::Committed { .. }))));
    }
    let mut second = Scene::new();
    second.store.log = scene.store.log;
    second.store.log.remove(&Seq(2));
    let stopped = (0..20)
        .find_map(|_| second.step().err())
        .expect("it must stop");
    assert_eq!(stopped.seq, Seq(2));
}
