//! Rows that are durable and not yet in a file, by partition and object.

use std::{collections::BTreeMap, sync::Arc};

use audit::{
    journal::{Batch, Plan},
    journal_id::Seq,
    key::KeyXor,
    partition::{Day, Partition},
    quarantine::Entry,
};

use super::Slot;

/// Rows of one partition from one journal object.
#[derive(Clone, Debug)]
pub struct Piece {
    pub seq: Seq,
    pub rows: u64,
    pub raw_bytes: u64,
    pub key_xor: KeyXor,
    /// When its object was written, by the writer's wall clock.
    pub written_at_ms: i64,
    pub content: Content,
}

#[derive(Clone, Debug)]
pub enum Content {
    /// The rows of `batch.slices[slice]`.
    Rows {
        batch: Arc<Batch>,
        slice: usize,
    },
    Quarantine(Arc<[Entry]>),
}

impl Piece {
    /// The rows of a batch, by partition, and the memory they hold together.
    pub(super) fn of_batch(slot: Slot, batch: Batch) -> (Vec<(Partition, Piece)>, u64) {
        let batch = Arc::new(batch);
        let pieces = batch.slices.iter().enumerate().map(|(slice, row)| {
            let piece = Piece {
                seq: slot.seq,
                rows: u64::from(row.row_end - row.row_start),
                raw_bytes: row.raw_bytes,
                key_xor: row.key_xor,
                written_at_ms: slot.written_at_ms,
                content: Content::Rows {
                    batch: Arc::clone(&batch),
                    slice,
                },
            };
            (row.partition.clone(), piece)
        });
        (pieces.collect(), batch.retained_bytes() as u64)
    }

    pub(super) fn of_entries(slot: Slot, entries: Vec<Entry>) -> (Vec<(Partition, Piece)>, u64) {
        let bytes = entries.iter().map(|entry| entry.raw.len() as u64).sum();
        let mut days: BTreeMap<Day, Vec<Entry>> = BTreeMap::new();
        for entry in entries {
            let day = Day::of_ms(entry.sent_at_ms);
            days.entry(day).or_default().push(entry);
        }
        let pieces = days.into_iter().map(|(day, entries)| {
            let piece = Piece {
                seq: slot.seq,
                rows: entries.len() as u64,
                raw_bytes: entries.iter().map(|entry| entry.raw.len() as u64).sum(),
                key_xor: KeyXor::of(entries.iter().map(|entry| entry.key)),
                written_at_ms: slot.written_at_ms,
                content: Content::Quarantine(entries.into()),
            };
            (Partition::quarantine(day), piece)
        });
        (pieces.collect(), bytes)
    }
}

/// Whether a plan's pieces are what it says.
pub(super) fn covers(plan: &Plan, pieces: &[Piece]) -> Result<(), String> {
    let rows: u64 = pieces.iter().map(|piece| piece.rows).sum();
    let mut key_xor = KeyXor::default();
    pieces.iter().for_each(|piece| key_xor.0 ^= piece.key_xor.0);
    let before = pieces.first().is_some_and(|piece| piece.seq <= plan.from);
    if before || rows != plan.rows || key_xor != plan.key_xor {
        return Err(format!(
            "its plan for {} covers {} rows, but {rows} wait there in {}..={}",
            plan.partition, plan.rows, plan.from, plan.upto
        ));
    }
    Ok(())
}
