//! Records that wait for the next object.

use std::collections::{BTreeMap, BTreeSet};

use audit::{
    journal::{Done, Record, Saved, Skip},
    partition::Partition,
};

use super::RECORDS_A_KIND_MAX;
use crate::journal::replica::PlanId;

#[derive(Debug, Default)]
pub(super) struct Outbox {
    done: BTreeMap<PlanId, Done>,
    pub(super) skip: Vec<Skip>,
    pub(super) saved: Option<Saved>,
    pub(super) seal: BTreeSet<Partition>,
    pub(super) release: bool,
}

impl Outbox {
    pub(super) fn add(&mut self, id: PlanId, done: Done) {
        self.done.insert(id, done);
    }

    /// Those that stand as they are, in the order of an object.
    pub(super) fn take(&mut self) -> Vec<Record> {
        let mut records = Vec::new();
        while records.len() < RECORDS_A_KIND_MAX
            && let Some((_, done)) = self.done.pop_first()
        {
            records.push(Record::Done(done));
        }
        records.extend(self.skip.drain(..).map(Record::Skip));
        records.extend(self.saved.take().map(Record::Saved));
        records
    }

    /// Another leads: what was to be written is not this process's to write.
    pub(super) fn drop_all_but_release(&mut self) {
        *self = Outbox {
            release: self.release,
            ..Outbox::default()
        };
    }

    pub(super) fn is_empty(&self) -> bool {
        self.done.is_empty()
            && self.skip.is_empty()
            && self.seal.is_empty()
            && self.saved.is_none()
            && !self.release
    }
}
