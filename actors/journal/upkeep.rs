//! Keeping the journal short: steps 8 and 9 of the protocol, without I/O.
//!
//! A leader writes down what its replica is, reads that back, and says so in the
//! log, so that every replica knows from where one can begin. Two checkpoints are
//! kept. What neither of them needs is collected: first a boundary says that the
//! log up to there may be gone, then it goes, as far as it is old enough.
//! Every step may be done twice, or half, or by a leader that was fenced and does
//! not know it: checkpoints and keys are a function of the log, a boundary that
//! is too low says nothing new, and what is removed was not needed when a newer
//! checkpoint was read back. Nothing here may stop the journal from being
//! written; what fails is done with the next checkpoint.

use std::{collections::VecDeque, time::Duration};

use audit::{
    journal::{Checkpoint, Keys, Saved},
    journal_id::Seq,
};
use bytes::Bytes;

use super::{
    claims::Rider,
    effect::{Answer, Effect, Name, Now, Outcome, Removal},
    leader::Leader,
    replica::{KeysLimits, Replica, Snapshot},
};

#[derive(Clone, Copy, Debug)]
pub struct UpkeepLimits {
    /// A checkpoint is due so long after the one before, if there is news, or
    /// after so many objects, or as many keys as one object holds.
    pub every: Duration,
    pub objects: u64,
    /// Objects are removed when they are older.
    pub keep: Duration,
    pub keys: KeysLimits,
}

#[derive(Debug)]
pub struct Upkeep {
    limits: UpkeepLimits,
    /// The leadership in which the steps are done.
    epoch: Seq,
    step: Step,
    ended_ms: Option<u64>,
}

#[derive(Debug)]
enum Step {
    Idle,
    Writing(Writing),
    /// Read back; to be told to the leader.
    Read(Saved),
    /// Until the log says so.
    Told(Seq),
    Collecting(VecDeque<Effect>),
}

/// The parts of a checkpoint that are not yet read back, the manifest last.
#[derive(Debug)]
struct Writing {
    parts: VecDeque<Part>,
    /// The first one, encoded.
    bytes: Option<Bytes>,
    written: bool,
}

#[derive(Debug)]
enum Part {
    Keys(Keys),
    Checkpoint(Box<Checkpoint>),
}

impl Upkeep {
    pub fn new(limits: UpkeepLimits) -> Upkeep {
        Upkeep {
            limits,
            epoch: Seq::ZERO,
            step: Step::Idle,
            ended_ms: None,
        }
    }

    /// Goes on where that depends on the leader. To be called before
    /// [`Upkeep::effect`].
    pub fn look<R: Rider>(&mut self, leader: &mut Leader<R>, now: Now) {
        let epoch = leader.replica().epoch();
        if !leader.is_serving() || epoch != self.epoch {
            self.epoch = epoch;
            self.step = Step::Idle;
            self.ended_ms = None;
        }
        if !leader.is_serving() {
            return;
        }
        match &self.step {
            Step::Idle if self.is_due(leader.replica(), now) => {
                if let Some(snapshot) = leader.replica().snapshot(self.limits.keys) {
                    self.step = Step::Writing(Writing::of(snapshot));
                }
            }
            Step::Read(saved) => {
                let seq = saved.seq;
                leader.saved(saved.clone());
                self.step = Step::Told(seq);
            }
            Step::Told(seq) => {
                let saved = leader.replica().saved();
                if saved.last().is_some_and(|last| last.seq >= *seq) {
                    let effects = self.collection(leader.replica());
                    self.step = Step::Collecting(effects);
                }
            }
            _ => {}
        }
        if matches!(&self.step, Step::Collecting(effects) if effects.is_empty()) {
            self.end(now);
        }
    }

    /// What the store should be asked; the same until it is answered.
    pub fn effect(&mut self) -> Option<Effect> {
        match &mut self.step {
            Step::Writing(writing) => writing.effect(),
            Step::Collecting(effects) => effects.front().cloned(),
            Step::Idle | Step::Read(_) | Step::Told(_) => None,
        }
    }

    /// Why a checkpoint was given up, if it was; the next one is another.
    pub fn answer(&mut self, answer: Answer, now: Now) -> Result<(), String> {
        match std::mem::replace(&mut self.step, Step::Idle) {
            Step::Writing(mut writing) => match writing.answer(answer) {
                Ok(None) => self.step = Step::Writing(writing),
                Ok(Some(saved)) => self.step = Step::Read(saved),
                Err(what) => {
                    self.end(now);
                    return Err(what);
                }
            },
            Step::Collecting(mut effects) => {
                let again = matches!(
                    answer,
                    Answer::Created(Outcome::Unknown) | Answer::Removed { more: true }
                );
                if !again {
                    effects.pop_front();
                }
                self.step = Step::Collecting(effects);
            }
            step => self.step = step,
        }
        Ok(())
    }

    fn end(&mut self, now: Now) {
        self.step = Step::Idle;
        self.ended_ms = Some(now.boot_ms);
    }

    fn is_due(&self, replica: &Replica, now: Now) -> bool {
        let head = replica.head().seq;
        let newest = replica.saved().last().map_or(Seq::ZERO, |last| last.seq);
        // Keys wait at ten times the memory until they are covered.
        let many = head.0.saturating_sub(newest.0) >= self.limits.objects
            || replica.uncovered_count() >= self.limits.keys.object_max;
        let paused = |pause: Duration| {
            self.ended_ms
                .is_none_or(|at| u128::from(now.boot_ms - at) >= pause.as_millis())
        };
        match many {
            true => paused(self.limits.every / 60),
            false => replica.has_news() && paused(self.limits.every),
        }
    }

    /// All that two checkpoints can do without.
    fn collection(&self, replica: &Replica) -> VecDeque<Effect> {
        let boundary = replica.needless();
        let [older, newer] = replica.saved() else {
            return VecDeque::new();
        };
        let mut removals = vec![
            Removal::Checkpoints { below: older.seq },
            // The newer may be of a process with a larger window.
            Removal::Keys {
                below: older.keys_low.min(newer.keys_low),
            },
        ];
        let mut effects = VecDeque::new();
        if boundary > Seq::ZERO {
            effects.push_back(Effect::Create {
                name: Name::Boundary(boundary),
                object: Bytes::new(),
            });
            let age = self.limits.keep;
            removals.push(Removal::Log { boundary, age });
            removals.push(Removal::Boundaries);
        }
        effects.extend(removals.into_iter().map(Effect::Remove));
        effects
    }
}

impl Writing {
    fn of(snapshot: Snapshot) -> Writing {
        let mut parts: VecDeque<Part> = snapshot.keys.into_iter().map(Part::Keys).collect();
        parts.push_back(Part::Checkpoint(Box::new(snapshot.checkpoint)));
        Writing {
            parts,
            bytes: None,
            written: false,
        }
    }

    fn effect(&mut self) -> Option<Effect> {
        let part = self.parts.front()?;
        let name = part.name();
        if self.written {
            return Some(Effect::Read(name));
        }
        let bytes = self.bytes.get_or_insert_with(|| part.encode());
        Some(Effect::Create {
            name,
            object: bytes.clone(),
        })
    }

    /// What the log is to be told, once all is read back.
    fn answer(&mut self, answer: Answer) -> Result<Option<Saved>, String> {
        match answer {
            // Somebody who applied the same wrote something as good.
            Answer::Created(Outcome::Won | Outcome::Taken) => self.written = true,
            Answer::Object(bytes) if self.written => {
                self.written = false;
                self.bytes = None;
                if let Some(part) = self.parts.pop_front() {
                    let name = part.name();
                    let bytes = bytes.ok_or_else(|| format!("{name:?} is gone"))?;
                    let read = part.read_back(&bytes);
                    return read.map_err(|what| format!("{name:?}, read back: {what}"));
                }
            }
            _ => {}
        }
        Ok(None)
    }
}

impl Part {
    fn name(&self) -> Name {
        match self {
            Part::Keys(keys) => Name::Keys(keys.range),
            Part::Checkpoint(checkpoint) => Name::Checkpoint(checkpoint.seq),
        }
    }

    fn encode(&self) -> Bytes {
        match self {
            Part::Keys(keys) => keys.encode().bytes,
            Part::Checkpoint(checkpoint) => checkpoint.encode().bytes,
        }
    }

    /// Whether that is a checkpoint, or keys, of the same part of the log. It need
    /// not be equal: what counts is what is there.
    fn read_back(&self, bytes: &Bytes) -> Result<Option<Saved>, String> {
        let other = || "it is of another log".to_owned();
        match self {
            Part::Keys(keys) => {
                let there = Keys::decode(bytes).map_err(|error| error.to_string())?;
                let same = (there.generation, there.range) == (keys.generation, keys.range);
                same.then_some(None).ok_or_else(other)
            }
            Part::Checkpoint(ours) => {
                let there = Checkpoint::decode(bytes).map_err(|error| error.to_string())?;
                let same = (there.seq, there.digest) == (ours.seq, ours.digest);
                same.then(|| Some(there.saved())).ok_or_else(other)
            }
        }
    }
}

#[cfg(test)]
mod tests;
