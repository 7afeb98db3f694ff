//! The boundary (invariant I8): a slot at or below it was collected, and what
//! stands there now is nobody's history.

use std::collections::BTreeMap;

use audit::{
    journal::Incarnation,
    journal_id::{Gen, Seq},
    key::Secret,
};
use bytes::Bytes;

use super::*;
use crate::journal::{effect::Outcome, replica::Birth};

#[derive(Debug)]
struct Nobody;

impl Rider for Nobody {
    fn split(&self) -> Nobody {
        Nobody
    }
}

/// A store that does as it is told, and a leader on it.
struct Scene {
    leader: Leader<Nobody>,
    log: BTreeMap<Seq, Bytes>,
    boundary: Seq,
    boot_ms: u64,
    creates: u64,
}

impl Scene {
    fn new() -> Scene {
        let birth = Birth {
            generation: Gen(1),
            secret: Secret([2; 4]),
        };
        let candidate = Candidate {
            incarnation: Incarnation(3),
            birth,
        };
        let limits = Limits {
            window: Window {
                reach_ms: i64::MAX,
                bytes_max: u64::MAX,
            },
            heartbeat: Duration::from_secs(5),
            seal: SealLimits {
                age_ms: 0,
                rows: 10,
                raw_bytes: 10,
                open_max: 1,
            },
            follow: None,
        };
        let log = BTreeMap::new();
        let leader = Leader::new(candidate, limits);
        Scene {
            leader,
            log,
            boundary: Seq::ZERO,
            boot_ms: 0,
            creates: 0,
        }
    }

    /// One question and its answer.
    fn step(&mut self) -> Result<Option<Turn<Nobody>>, Corrupt> {
        let now = Now {
            wall_ms: self.boot_ms as i64,
            boot_ms: self.boot_ms,
        };
        let Some(effect) = self.leader.next(now) else {
            return Ok(None);
        };
        let answer = match effect {
            Effect::Boundary => Answer::Boundary(self.boundary),
            Effect::Last { after } => {
                Answer::Last(self.log.keys().copied().filter(|seq| *seq > after).max())
            }
            Effect::Read(seq) => Answer::Object(self.log.get(&seq).cloned()),
            Effect::Create { seq, object } => {
                self.creates += 1;
                let free = !self.log.contains_key(&seq);
                self.log.entry(seq).or_insert(object);
                Answer::Created(if free { Outcome::Won } else { Outcome::Taken })
            }
        };
        self.leader.answer(answer, now)
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
    while scene.creates == 0 {
        assert!(scene.step().is_ok_and(|turn| turn.is_none()));
    }
    // The fence stands. Somebody collects its slot before the boundary is read again.
    scene.boundary = Seq(1);
    assert!(scene.step().is_ok_and(|turn| turn.is_none()));
    assert!(!scene.leader.is_serving());
    let refused = scene.step().expect_err("older objects were collected");
    assert!(refused.what.contains("collected"), "{refused}");
}

#[test]
fn a_leader_that_slept_half_a_day_looks_at_the_boundary_and_stands_back() {
    let mut scene = Scene::new();
    scene.until_serving();
    scene.boot_ms += GUARD_AFTER_MS;
    // Its slot is free again, because it was collected.
    scene.boundary = Seq(9);
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
    scene.boot_ms += GUARD_AFTER_MS - 1;
    scene.boundary = Seq(9);
    assert!(matches!(scene.step(), Ok(Some(Turn::Committed { .. }))));
}

#[test]
fn an_object_that_is_missing_though_nothing_was_collected_stops_the_takeover() {
    let mut scene = Scene::new();
    scene.until_serving();
    for _ in 0..3 {
        scene.boot_ms += 5_000;
        assert!(matches!(scene.step(), Ok(Some(Turn::Committed { .. }))));
    }
    let mut second = Scene {
        log: scene.log.clone(),
        ..Scene::new()
    };
    second.log.remove(&Seq(2));
    let stopped = (0..20)
        .find_map(|_| second.step().err())
        .expect("it must stop");
    assert_eq!(stopped.seq, Seq(2));
}
