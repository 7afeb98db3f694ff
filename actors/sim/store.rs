//! The journal's objects in the store, and when each was written.

use std::collections::BTreeMap;

use audit::journal_id::Seq;
use bytes::Bytes;

use crate::journal::effect::{Answer, Effect, Name, Removal};

#[derive(Clone, Debug)]
struct Stored {
    bytes: Bytes,
    step: u64,
}

/// By the number that their names begin with, then the whole name.
type Folder = BTreeMap<(Seq, Seq), Stored>;

#[derive(Debug, Default)]
pub(crate) struct Journal {
    log: Folder,
    boundaries: Folder,
    checkpoints: Folder,
    keys: Folder,
}

impl Journal {
    fn place(&self, name: Name) -> (&Folder, (Seq, Seq)) {
        match name {
            Name::Log(seq) => (&self.log, (seq, seq)),
            Name::Boundary(seq) => (&self.boundaries, (seq, seq)),
            Name::Checkpoint(seq) => (&self.checkpoints, (seq, seq)),
            Name::Keys(range) => (&self.keys, (range.from, range.upto)),
        }
    }

    /// True if this call made the object.
    pub(crate) fn create(&mut self, name: Name, bytes: &Bytes, step: u64) -> bool {
        let (_, at) = self.place(name);
        let folder = match name {
            Name::Log(_) => &mut self.log,
            Name::Boundary(_) => &mut self.boundaries,
            Name::Checkpoint(_) => &mut self.checkpoints,
            Name::Keys(_) => &mut self.keys,
        };
        let free = !folder.contains_key(&at);
        if free {
            let bytes = bytes.clone();
            folder.insert(at, Stored { bytes, step });
        }
        free
    }

    pub(crate) fn read(&self, name: Name) -> Option<Bytes> {
        let (folder, at) = self.place(name);
        folder.get(&at).map(|stored| stored.bytes.clone())
    }

    /// As a failing disk would.
    pub(crate) fn spoil_checkpoint(&mut self, seq: Seq) {
        if let Some(stored) = self.checkpoints.get_mut(&(seq, seq)) {
            stored.bytes = stored.bytes.slice(..stored.bytes.len() / 2);
        }
    }

    pub(crate) fn boundary(&self) -> Seq {
        last(&self.boundaries).unwrap_or_default()
    }

    /// What a call answers that writes nothing.
    pub(crate) fn look(&self, effect: &Effect) -> Answer {
        match effect {
            Effect::Boundary => Answer::Boundary(self.boundary()),
            Effect::Last { after } => Answer::Last(last(&self.log).filter(|last| last > after)),
            Effect::Checkpoints => {
                Answer::Checkpoints(self.checkpoints.keys().map(|(seq, _)| *seq).collect())
            }
            Effect::Read(name) => Answer::Object(self.read(*name)),
            Effect::Create { .. } | Effect::Remove(_) => unreachable!("it only looks"),
        }
    }

    /// How many objects went; all that may go, or only the first of them.
    pub(crate) fn remove(&mut self, removal: Removal, one: bool, step_ms: u64) -> (usize, bool) {
        let (folder, below, newest) = match removal {
            Removal::Log { boundary, age } => {
                let written = self.boundaries.get(&(boundary, boundary));
                let age = u64::try_from(age.as_millis()).unwrap_or(u64::MAX) / step_ms;
                let Some(newest) = written.and_then(|it| it.step.checked_sub(age)) else {
                    return (0, false);
                };
                (&mut self.log, boundary.next(), newest)
            }
            Removal::Boundaries => {
                let second = self.boundaries.keys().rev().nth(1);
                let below = second.map_or(Seq::ZERO, |(seq, _)| *seq);
                (&mut self.boundaries, below, u64::MAX)
            }
            Removal::Checkpoints { below } => (&mut self.checkpoints, below, u64::MAX),
            Removal::Keys { below } => (&mut self.keys, below, u64::MAX),
        };
        let due = folder
            .iter()
            .filter(|((seq, _), stored)| *seq < below && stored.step <= newest);
        let due: Vec<(Seq, Seq)> = due.map(|(at, _)| *at).collect();
        let count = if one { due.len().min(1) } else { due.len() };
        for at in &due[..count] {
            folder.remove(at);
        }
        (count, count < due.len())
    }
}

fn last(folder: &Folder) -> Option<Seq> {
    folder.keys().next_back().map(|(seq, _)| *seq)
}
