//! Beginning with a checkpoint instead of the journal's first object.
//!
//! The newest one that can be read is taken, then the keys and the objects that
//! it names, these by their digests: what was collected meanwhile, or put in a
//! collected slot, is not taken for what it was. If something is gone, a newer
//! checkpoint made it needless; if there is no newer one, an older one serves.

use audit::{
    journal::{Checkpoint, Keys, Object},
    journal_id::Seq,
};
use bytes::Bytes;

use super::{
    effect::{Answer, Effect, Name},
    known::Window,
    log::{Log, Unreachable},
    replica::{Corrupt, Replica, Restoring},
};

#[derive(Debug)]
pub(crate) struct Restore {
    /// A checkpoint of before it cannot be gone on from.
    boundary: Seq,
    window: Window,
    step: Step,
    /// Checkpoints that could not be begun with, and why the last one.
    bad: Vec<Seq>,
    why: Option<String>,
}

#[derive(Debug)]
enum Step {
    Find,
    Read(Seq),
    Parts(Box<Parts>),
}

#[derive(Debug)]
struct Parts {
    checkpoint: Checkpoint,
    replica: Restoring,
    keys: usize,
    objects: usize,
}

#[derive(Debug)]
pub(crate) enum Restored {
    Open(Restore),
    Done(Box<Replica>),
    /// There is no checkpoint; the log is whole.
    Nothing,
}

impl Restored {
    /// What is still to be done, if it is not done.
    pub(crate) fn into_replica(self, replica: &mut Replica) -> Option<Restore> {
        match self {
            Restored::Open(restore) => return Some(restore),
            Restored::Done(restored) => *replica = *restored,
            Restored::Nothing => {}
        }
        None
    }
}

impl Restore {
    /// If the replica cannot go on from what it has, or has nothing.
    pub(crate) fn needed(boundary: Seq, replica: &Replica) -> Option<Restore> {
        let head = replica.head().seq;
        (head < boundary || head == Seq::ZERO).then(|| Restore {
            boundary,
            window: replica.window(),
            step: Step::Find,
            bad: Vec::new(),
            why: None,
        })
    }

    pub(crate) fn effect(&self) -> Effect {
        match &self.step {
            Step::Find => Effect::Checkpoints,
            Step::Read(seq) => Effect::Read(Name::Checkpoint(*seq)),
            Step::Parts(parts) => parts.next().map_or(Effect::Checkpoints, Effect::Read),
        }
    }

    pub(crate) fn answer(mut self, answer: Answer) -> Result<Restored, Corrupt> {
        let step = std::mem::replace(&mut self.step, Step::Find);
        match (step, answer) {
            (Step::Find, Answer::Checkpoints(all)) => match self.choose(&all) {
                Some(seq) => self.step = Step::Read(seq),
                None => return self.nothing(),
            },
            (Step::Read(seq), Answer::Object(bytes)) => {
                match bytes.as_ref().map(Checkpoint::decode) {
                    Some(Ok(checkpoint)) if checkpoint.seq == seq => {
                        let parts = Parts::new(checkpoint, self.window);
                        return Ok(self.with(parts));
                    }
                    Some(Ok(_)) => self.give_up(seq, "it is of another slot"),
                    Some(Err(error)) => self.give_up(seq, &error.to_string()),
                    None => self.give_up(seq, "it is gone"),
                }
            }
            (Step::Parts(mut parts), Answer::Object(bytes)) => match parts.take(bytes.as_ref()) {
                Ok(()) => return Ok(self.with(*parts)),
                Err(what) => self.give_up(parts.checkpoint.seq, &what),
            },
            // An answer to a question of an earlier life: ask again.
            (step, _) => self.step = step,
        }
        Ok(Restored::Open(self))
    }

    fn choose(&self, all: &[Seq]) -> Option<Seq> {
        let good = |seq: &&Seq| **seq >= self.boundary && !self.bad.contains(seq);
        all.iter().rev().find(good).copied()
    }

    fn give_up(&mut self, seq: Seq, what: &str) {
        self.bad.push(seq);
        self.why = Some(format!("checkpoint {seq} cannot be begun with: {what}"));
    }

    fn nothing(self) -> Result<Restored, Corrupt> {
        if self.boundary == Seq::ZERO {
            return Ok(Restored::Nothing);
        }
        let why = self.why.unwrap_or_else(|| "there is no checkpoint".into());
        Err(Corrupt {
            seq: self.boundary,
            what: format!("older objects were collected, and {why}: restore it from a copy"),
        })
    }

    fn with(mut self, parts: Parts) -> Restored {
        if parts.next().is_some() {
            self.step = Step::Parts(Box::new(parts));
            return Restored::Open(self);
        }
        let seq = parts.checkpoint.seq;
        match parts.replica.finish(parts.checkpoint) {
            Ok(replica) => Restored::Done(Box::new(replica)),
            Err(what) => {
                self.give_up(seq, &what);
                Restored::Open(self)
            }
        }
    }
}

/// Where whoever only reads begins: with a checkpoint if the log's beginning was
/// collected, else with nothing.
pub async fn begin(log: &mut Log, window: Window) -> Result<Result<Replica, Corrupt>, Unreachable> {
    let mut replica = Replica::new(window);
    let Answer::Boundary(boundary @ Seq(1..)) = log.ask(&Effect::Boundary).await? else {
        return Ok(Ok(replica));
    };
    let mut restore = Restore::needed(boundary, &replica);
    while let Some(open) = restore.take() {
        let answer = log.ask(&open.effect()).await?;
        match open.answer(answer) {
            Ok(restored) => restore = restored.into_replica(&mut replica),
            Err(corrupt) => return Ok(Err(corrupt)),
        }
    }
    Ok(Ok(replica))
}

impl Parts {
    fn new(checkpoint: Checkpoint, window: Window) -> Parts {
        Parts {
            replica: Restoring::new(&checkpoint, window),
            checkpoint,
            keys: 0,
            objects: 0,
        }
    }

    /// What is to be read next; the keys first, as they are the older.
    fn next(&self) -> Option<Name> {
        let keys = self.checkpoint.keys.get(self.keys);
        let object = self.checkpoint.unfiled.get(self.objects);
        keys.map(|range| Name::Keys(*range))
            .or_else(|| object.map(|object| Name::Log(object.seq)))
    }

    fn take(&mut self, bytes: Option<&Bytes>) -> Result<(), String> {
        let name = self.next();
        let bytes = bytes.ok_or_else(|| format!("{name:?} is gone"))?;
        if let Some(range) = self.checkpoint.keys.get(self.keys) {
            let keys = Keys::decode(bytes).map_err(|error| format!("{name:?}: {error}"))?;
            if keys.range != *range || keys.generation != self.checkpoint.generation {
                return Err(format!("{name:?} holds other keys"));
            }
            self.replica.keys(keys);
            self.keys += 1;
        } else if let Some(unfiled) = self.checkpoint.unfiled.get(self.objects) {
            let (object, digest) =
                Object::decode(bytes).map_err(|error| format!("{name:?}: {error}"))?;
            if digest != unfiled.digest {
                return Err(format!("{name:?} is another object"));
            }
            self.replica.object(object, digest);
            self.objects += 1;
        }
        Ok(())
    }
}
