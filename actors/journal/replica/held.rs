//! What the objects' contents weigh, and the rows in them that no file has. The
//! pieces of one object share its memory, which goes with the last of them.

use std::collections::BTreeMap;

use audit::{
    journal::{Digest, Unfiled},
    journal_id::Seq,
};

use super::Slot;

#[derive(Debug, Default)]
pub(super) struct Held {
    objects: BTreeMap<Seq, Holding>,
    pub(super) bytes: u64,
    pub(super) rows: u64,
}

#[derive(Debug)]
struct Holding {
    digest: Digest,
    pieces: usize,
    bytes: u64,
}

impl Held {
    pub(super) fn keep(&mut self, slot: Slot, pieces: usize, bytes: u64) {
        if pieces == 0 {
            return;
        }
        let holding = self.objects.entry(slot.seq).or_insert(Holding {
            digest: slot.digest,
            pieces: 0,
            bytes: 0,
        });
        holding.pieces += pieces;
        holding.bytes += bytes;
        self.bytes += bytes;
    }

    pub(super) fn release(&mut self, seq: Seq) {
        if let Some(holding) = self.objects.get_mut(&seq) {
            holding.pieces -= 1;
            if holding.pieces == 0 {
                self.bytes -= holding.bytes;
                self.objects.remove(&seq);
            }
        }
    }

    pub(super) fn unfiled(&self) -> Vec<Unfiled> {
        let objects = self.objects.iter();
        let unfiled = objects.map(|(seq, holding)| Unfiled {
            seq: *seq,
            digest: holding.digest,
        });
        unfiled.collect()
    }
}
