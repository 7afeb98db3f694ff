//! The keys of a stretch of the journal as a filter, a tenth of their memory.
//!
//! A binary fuse filter (Graf, Lemire: "Binary Fuse Filters: Fast and Smaller
//! Than Xor Filters", 2022) of 32 bits a key never misses a key and takes one
//! of four thousand million others for one. So a hit says nothing: what it is
//! is read from the keys objects that the filter was made of.

use audit::{
    journal::{KeyRange, KeySpan},
    journal_id::Seq,
    key::Key,
};
use xorf::{BinaryFuse32, Filter as _};

#[derive(Debug)]
pub(super) struct Folded {
    /// The keys objects that hold what the filter is of.
    pub(super) ranges: Vec<KeyRange>,
    pub(super) oldest_ms: i64,
    pub(super) newest_ms: i64,
    pub(super) count: usize,
    mask: u64,
    filter: BinaryFuse32,
}

impl Folded {
    /// `None` if there is nothing, or if no filter of it is found.
    pub(super) fn of(spans: &[KeySpan], ranges: Vec<KeyRange>, mask: u64) -> Option<Folded> {
        let keys = spans.iter().flat_map(|span| &span.keys);
        let mut halves: Vec<u64> = keys.map(|key| half(key) & mask).collect();
        let count = halves.len();
        halves.sort_unstable();
        halves.dedup();
        Some(Folded {
            ranges,
            oldest_ms: spans.first()?.written_at_ms,
            newest_ms: spans.last()?.written_at_ms,
            count,
            mask,
            filter: BinaryFuse32::try_from(&halves).ok()?,
        })
    }

    /// Names it: no two end in the same slot.
    pub(super) fn upto(&self) -> Seq {
        self.ranges.last().map_or(Seq::ZERO, |last| last.upto)
    }

    pub(super) fn may_hold(&self, key: &Key) -> bool {
        self.filter.contains(&(half(key) & self.mask))
    }

    pub(super) fn bytes(&self) -> u64 {
        size_of_val(&*self.filter.fingerprints) as u64
    }
}

/// A key is the output of a keyed hash: half of it is as good as another hash.
fn half(key: &Key) -> u64 {
    key.0 as u64
}
