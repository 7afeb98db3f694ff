//! The journal's objects in memory, and what they weigh.

use std::collections::BTreeMap;

use actors::journal::effect::{Answer, Effect, Name, Outcome, Removal};
use audit::journal_id::Seq;
use bytes::Bytes;

#[derive(Default)]
pub(crate) struct Store {
    log: BTreeMap<Seq, Stored>,
    boundaries: BTreeMap<Seq, Stored>,
    checkpoints: BTreeMap<Seq, Stored>,
    keys: BTreeMap<(Seq, Seq), Stored>,
    /// The log's objects are not kept, only their sizes: nobody reads them again.
    of_sizes: bool,
    pub(crate) boot_ms: u64,
    pub(crate) reads: u64,
    pub(crate) read_bytes: u64,
    pub(crate) written: u64,
    pub(crate) checkpoints_written: u64,
    pub(crate) removals: u64,
}

struct Stored {
    bytes: Bytes,
    size: u64,
    at_ms: u64,
}

pub(crate) struct Sizes {
    pub(crate) log_objects: usize,
    pub(crate) log_bytes: u64,
    pub(crate) keys_bytes: u64,
    pub(crate) checkpoints: usize,
    pub(crate) checkpoint_bytes: u64,
}

impl Store {
    pub(crate) fn of_sizes() -> Store {
        Store {
            of_sizes: true,
            ..Store::default()
        }
    }

    pub(crate) fn sizes(&self) -> Sizes {
        fn sum<K>(folder: &BTreeMap<K, Stored>) -> u64 {
            folder.values().map(|stored| stored.size).sum()
        }
        Sizes {
            log_objects: self.log.len(),
            log_bytes: sum(&self.log),
            keys_bytes: sum(&self.keys),
            checkpoints: self.checkpoints.len(),
            checkpoint_bytes: sum(&self.checkpoints),
        }
    }

    pub(crate) fn ask(&mut self, effect: Effect) -> Answer {
        match effect {
            Effect::Boundary => Answer::Boundary(last(&self.boundaries).unwrap_or_default()),
            Effect::Last { after } => Answer::Last(last(&self.log).filter(|seq| *seq > after)),
            Effect::Checkpoints => Answer::Checkpoints(self.checkpoints.keys().copied().collect()),
            Effect::Read(name) => {
                let found = match name {
                    Name::Log(seq) => self.log.get(&seq),
                    Name::Boundary(seq) => self.boundaries.get(&seq),
                    Name::Checkpoint(seq) => self.checkpoints.get(&seq),
                    Name::Keys(range) => self.keys.get(&(range.from, range.upto)),
                };
                let bytes = found.map(|stored| stored.bytes.clone());
                self.reads += u64::from(bytes.is_some());
                self.read_bytes += bytes.as_ref().map_or(0, |bytes| bytes.len() as u64);
                Answer::Object(bytes)
            }
            Effect::Create { name, object } => {
                self.create(name, object);
                Answer::Created(Outcome::Won)
            }
            Effect::Remove(removal) => {
                self.removals += 1;
                self.remove(removal);
                Answer::Removed { more: false }
            }
        }
    }

    fn create(&mut self, name: Name, object: Bytes) {
        let size = object.len() as u64;
        self.written += size;
        let stored = Stored {
            bytes: object,
            size,
            at_ms: self.boot_ms,
        };
        match name {
            Name::Log(seq) => {
                let bytes = if self.of_sizes {
                    Bytes::new()
                } else {
                    stored.bytes
                };
                self.log.insert(seq, Stored { bytes, ..stored });
            }
            Name::Boundary(seq) => {
                self.boundaries.insert(seq, stored);
            }
            Name::Checkpoint(seq) => {
                self.checkpoints_written += size;
                self.checkpoints.insert(seq, stored);
            }
            Name::Keys(range) => {
                self.keys.insert((range.from, range.upto), stored);
            }
        }
    }

    fn remove(&mut self, removal: Removal) {
        match removal {
            Removal::Log { boundary, age } => {
                let age_ms = u64::try_from(age.as_millis()).unwrap_or(u64::MAX);
                let newest = self.boot_ms.checked_sub(age_ms);
                while let Some(first) = self.log.first_entry()
                    && *first.key() <= boundary
                    && Some(first.get().at_ms) <= newest
                {
                    first.remove();
                }
            }
            Removal::Boundaries => {
                while self.boundaries.len() > 2 {
                    self.boundaries.pop_first();
                }
            }
            Removal::Checkpoints { below } => self.checkpoints = self.checkpoints.split_off(&below),
            Removal::Keys { below } => self.keys = self.keys.split_off(&(below, Seq::ZERO)),
        }
    }
}

fn last(folder: &BTreeMap<Seq, Stored>) -> Option<Seq> {
    folder.keys().next_back().copied()
}
