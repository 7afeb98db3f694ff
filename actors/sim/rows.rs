//! Rows of a world: keys and partitions, nothing else.

use std::collections::BTreeMap;

use audit::{
    journal::{Batch, Slice},
    key::{Key, KeyXor},
    partition::Partition,
};

use super::world::{EventId, World};
use crate::journal::replica::Content;

pub(super) fn keys_of(content: &Content) -> Vec<Key> {
    match content {
        Content::Rows { batch, slice } => {
            let slice = &batch.slices[*slice];
            batch.keys[slice.row_start as usize..slice.row_end as usize].to_vec()
        }
        Content::Quarantine(_) => Vec::new(),
    }
}

/// A batch without columns: the protocol looks at keys and partitions only.
pub(super) fn gather(world: &World, events: &[EventId]) -> Option<Batch> {
    let mut groups: BTreeMap<&Partition, Vec<Key>> = BTreeMap::new();
    for event in events {
        groups
            .entry(world.partition(*event))
            .or_default()
            .push(world.key(*event));
    }
    let mut batch = Batch::default();
    for (partition, keys) in groups {
        let row_start = batch.keys.len() as u32;
        let slice = Slice {
            partition: partition.clone(),
            row_start,
            row_end: row_start + keys.len() as u32,
            key_xor: KeyXor::of(keys.iter().copied()),
            raw_bytes: keys.len() as u64,
        };
        batch.slices.push(slice);
        batch.keys.extend(keys);
    }
    (!batch.keys.is_empty()).then_some(batch)
}
