//! What the journal says, decoded by the world as it lands, and checked.

use std::collections::{BTreeMap, HashMap, HashSet};

use audit::{
    journal::{Digest, Format, Object, Plan, Record},
    journal_id::Seq,
    key::Key,
    partition::Partition,
};
use bytes::Bytes;

use super::world::{Checked, Violation};
use crate::journal::replica::PlanId;

/// What the log says, decoded as it lands.
#[derive(Debug, Default)]
pub(super) struct Truth {
    /// The newest object with the key, and when it was written.
    pub(super) durable: HashMap<Key, (Seq, i64)>,
    pub(super) rows: BTreeMap<Partition, Vec<(Seq, Key)>>,
    pub(super) plans: BTreeMap<PlanId, Plan>,
    pub(super) filed: HashSet<(Seq, Key)>,
    /// Of files that a person gave up.
    pub(super) given_up: HashSet<(Seq, Key)>,
    /// When each object was written.
    pub(super) written_at: BTreeMap<Seq, i64>,
    /// Objects of the newer format, and rows of copies that came after the window.
    pub(super) newer: u64,
    pub(super) second: u64,
    /// Of every object that is, or was, in the log; not of one in a slot that was
    /// collected before.
    pub(super) digests: BTreeMap<Seq, Digest>,
    pub(super) boundary: Seq,
}

impl Truth {
    /// The rows of a plan.
    pub(super) fn planned(&self, id: &PlanId) -> Vec<(Seq, Key)> {
        let Some(plan) = self.plans.get(id) else {
            return Vec::new();
        };
        let rows = self.rows.get(&id.partition).into_iter().flatten();
        let covered = rows.filter(|(seq, _)| *seq > plan.from && *seq <= plan.upto);
        covered.copied().collect()
    }

    /// An object is in the log: I2, I3 and I4 for it.
    pub(super) fn learn(&mut self, seq: Seq, bytes: &Bytes, reach_ms: i64) -> Checked {
        let (object, digest) = Object::decode(bytes)
            .map_err(|error| Violation(format!("I3: object {seq} cannot be read: {error}")))?;
        if object.header.seq != seq {
            return Err(Violation(format!(
                "I3: slot {seq} holds {}",
                object.header.seq
            )));
        }
        self.newer += u64::from(object.header.format > Format::One);
        for record in object.records {
            match record {
                Record::Batch(batch) => {
                    self.admit(seq, &batch.keys, object.header.written_at_ms, reach_ms)?;
                    for slice in &batch.slices {
                        let rows = slice.row_start as usize..slice.row_end as usize;
                        let keys = &batch.keys[rows];
                        let rows = self.rows.entry(slice.partition.clone()).or_default();
                        rows.extend(keys.iter().map(|key| (seq, *key)));
                    }
                }
                Record::Skip(skip) => {
                    let id = PlanId::skipped(&skip);
                    let rows = self.planned(&id);
                    if rows.len() as u64 != skip.rows {
                        let what = format!("I4: {id:?} is given up with {} rows", skip.rows);
                        return Err(Violation(what));
                    }
                    self.given_up.extend(rows);
                }
                Record::Plan(plan) => {
                    let id = PlanId {
                        seq,
                        partition: plan.partition.clone(),
                    };
                    self.plans.insert(id, plan);
                }
                _ => {}
            }
        }
        let written_at_ms = object.header.written_at_ms;
        self.written_at.insert(seq, written_at_ms);
        self.digests.insert(seq, digest);
        Ok(())
    }

    /// I2: inside the window, counted back from the object before, no key comes
    /// twice.
    fn admit(&mut self, seq: Seq, keys: &[Key], written_at_ms: i64, reach_ms: i64) -> Checked {
        let newest_ms = self.written_at.values().next_back();
        let newest_ms = newest_ms.copied().unwrap_or_default();
        for key in keys {
            let Some((_, before)) = self.durable.insert(*key, (seq, written_at_ms)) else {
                continue;
            };
            if newest_ms.saturating_sub(before) <= reach_ms {
                return Err(Violation(format!("I2: {key:?} is twice in the window")));
            }
            self.second += 1;
        }
        Ok(())
    }
}
