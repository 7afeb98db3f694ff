//! A store that does as it is told, and processes on it, for tests.

use std::{collections::BTreeMap, time::Duration};

use audit::{
    journal::{Format, Incarnation},
    journal_id::{Gen, Seq},
    key::Secret,
};
use bytes::Bytes;

use super::{
    Candidate, Folding, Follow, Window,
    claims::Rider,
    effect::{Answer, Effect, Name, Now, Outcome},
    leader::{Leader, Limits, Turn},
    replica::{Birth, Corrupt},
    seal::SealLimits,
};

#[derive(Debug)]
pub(crate) struct Nobody;

impl Rider for Nobody {
    fn split(&self) -> Nobody {
        Nobody
    }
}

pub(crate) fn process(incarnation: u64, follow: Option<Follow>) -> Leader<Nobody> {
    let birth = Birth {
        generation: Gen(1),
        secret: Secret([2; 4]),
    };
    let candidate = Candidate {
        incarnation: Incarnation(incarnation),
        format: Format::default(),
        birth,
    };
    let limits = Limits {
        window: Window {
            reach_ms: i64::MAX,
            bytes_max: u64::MAX,
            folding: Folding::USUAL,
        },
        heartbeat: Duration::from_secs(5),
        keep: Duration::from_secs(86_400),
        seal: SealLimits {
            age_ms: 0,
            rows: 10,
            raw_bytes: 10,
            open_max: 1,
        },
        follow,
    };
    Leader::new(candidate, limits)
}

#[derive(Default)]
pub(crate) struct Store {
    pub(crate) log: BTreeMap<Seq, Bytes>,
    pub(crate) boundary: Seq,
    pub(crate) boot_ms: u64,
    /// What was asked, in that order.
    pub(crate) asked: Vec<&'static str>,
}

impl Store {
    pub(crate) fn now(&self) -> Now {
        Now {
            wall_ms: self.boot_ms as i64,
            boot_ms: self.boot_ms,
        }
    }

    /// One question of the process and its answer; `None` if it asks nothing.
    pub(crate) fn step(
        &mut self,
        process: &mut Leader<Nobody>,
    ) -> Option<Result<Option<Turn<Nobody>>, Corrupt>> {
        let now = self.now();
        let effect = process.next(now)?;
        Some(process.answer(self.answer(effect), now))
    }

    fn answer(&mut self, effect: Effect) -> Answer {
        let (what, answer) = match effect {
            Effect::Boundary => ("boundary", Answer::Boundary(self.boundary)),
            Effect::Last { after } => {
                let last = self.log.keys().next_back().copied();
                ("last", Answer::Last(last.filter(|last| *last > after)))
            }
            Effect::Checkpoints => ("checkpoints", Answer::Checkpoints(Vec::new())),
            Effect::Read(Name::Log(seq)) => ("read", Answer::Object(self.log.get(&seq).cloned())),
            Effect::Create {
                name: Name::Log(seq),
                object,
            } => {
                let free = !self.log.contains_key(&seq);
                self.log.entry(seq).or_insert(object);
                let outcome = if free { Outcome::Won } else { Outcome::Taken };
                ("create", Answer::Created(outcome))
            }
            effect => unreachable!("{effect:?}: nobody sees to the journal's upkeep here"),
        };
        self.asked.push(what);
        answer
    }
}
