//! The journal's objects: how a batch of events of all tenants becomes durable.
//!
//! An [`Object`] fills one slot: a header that chains it to the one before, the
//! accounting delta of its events, and records. Replicas that apply the same
//! objects in the same order are equal. An object's file is named
//! `log/<seq:020>` and never changes. This module is the format and its limits
//! ([`codec`]), how rows become a batch ([`Batch::gather`]) and what a replica is
//! after some object ([`Checkpoint`]); which object to write when is the journal actors' part.

mod batch;
mod blocks;
mod checkpoint;
mod codec;
mod columns;
mod format;
mod raw;
#[cfg(test)]
pub(crate) mod specimen;
#[cfg(test)]
mod tests;
mod wire;

use bytes::Bytes;
use sha2::{Digest as _, Sha256};

pub(crate) use self::raw::{Opener, RawRows};
pub use self::{
    batch::{BatchError, Part, ROWS_MAX},
    blocks::{BLOCK_BYTES_MAX, EVENT_BYTES_MAX},
    checkpoint::{Checkpoint, KeyRange, KeySpan, Keys, OpenPlan, Unfiled, Waiting},
    codec::{CodecError, DECODE_BYTES_MAX, OBJECT_BYTES_MAX, RECORDS_MAX, Sealed},
    columns::Columns,
    format::Format,
};

use crate::{
    accounting::Accounting,
    journal_id::{Gen, Seq},
    key::{Key, KeyXor, Secret},
    partition::Partition,
    quarantine::Entry,
};

/// An object's trailing checksum, the SHA-256 of all its bytes before: what the
/// next object's header names. Zero in the header of the first of all.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default, Debug)]
pub struct Digest(pub [u8; 32]);

impl Digest {
    pub fn of(bytes: &[u8]) -> Digest {
        Digest(Sha256::digest(bytes).into())
    }
}

/// One life of one process, drawn at its start.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Incarnation(pub u64);

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Header {
    pub format: Format,
    pub writer: Incarnation,
    pub generation: Gen,
    pub seq: Seq,
    pub previous: Digest,
    /// The writer's wall clock, milliseconds since 1970. Informs people and the
    /// dedup window; nothing that must be right.
    pub written_at_ms: i64,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Object {
    pub header: Header,
    pub accounting: Accounting,
    /// In this order: fence, done, skip, saved, plan, quarantine, batch, heartbeat,
    /// release.
    pub records: Vec<Record>,
}

impl Object {
    pub fn new(header: Header, records: Vec<Record>) -> Object {
        Object {
            header,
            accounting: Accounting::default(),
            records,
        }
    }

    /// Its writer ended with it.
    pub fn is_release(&self) -> bool {
        matches!(self.records.last(), Some(Record::Release))
    }
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Record {
    /// A writer took over. Only after a fence may the writer differ from the
    /// object before.
    Fence(Fence),
    Done(Done),
    Skip(Skip),
    Saved(Saved),
    Plan(Plan),
    Quarantine(Vec<Entry>),
    Batch(Batch),
    Heartbeat,
    /// The writer ended in order: nobody need wait for it.
    Release,
}

/// The checkpoint of slot `seq` is in the store and was read back.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Saved {
    pub seq: Seq,
    /// The first slot that is needed to begin from it.
    pub low: Seq,
    /// Keys objects that begin before this slot are needed neither by it nor by a
    /// later one.
    pub keys_low: Seq,
    /// The keys objects that it names and none before did.
    pub keys: Vec<KeyRange>,
}

impl Record {
    /// Rows, or files, came of it, or will not come.
    pub fn is_news(&self) -> bool {
        match self {
            Record::Done(_)
            | Record::Skip(_)
            | Record::Plan(_)
            | Record::Quarantine(_)
            | Record::Batch(_) => true,
            Record::Fence(_) | Record::Saved(_) | Record::Heartbeat | Record::Release => false,
        }
    }
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Fence {
    /// The dedup secret of the generation, in its first fence.
    pub secret: Option<Secret>,
}

/// The rows of a partition in the slots `(from, upto]` become one file, named
/// by this plan's slot. At most one for each partition in an object, and it
/// covers earlier objects only.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Plan {
    pub partition: Partition,
    pub from: Seq,
    pub upto: Seq,
    pub rows: u64,
    pub key_xor: KeyXor,
}

/// The file of the plan in slot `plan` for `partition` is in the lake.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Done {
    pub plan: Seq,
    pub partition: Partition,
    pub rows: u64,
    pub key_xor: KeyXor,
    /// Size and SHA-256 of the file.
    pub bytes: u64,
    pub sha256: Digest,
    /// First and last `event_time` in it, milliseconds since 1970.
    pub time_min_ms: i64,
    pub time_max_ms: i64,
}

/// A person gave the file of the plan in slot `plan` for `partition` up: it could
/// not be made, and is tried no more. Since format 2.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Skip {
    pub plan: Seq,
    pub partition: Partition,
    pub rows: u64,
    /// What the person said.
    pub reason: String,
}

/// New rows of all tenants, grouped by partition.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Batch {
    /// The directory: which rows belong to which partition; the ranges follow
    /// each other and cover all rows.
    pub slices: Vec<Slice>,
    /// One for each row.
    pub keys: Vec<Key>,
    /// All columns but `event_data`. May be empty where nobody asks for them.
    pub columns: Columns,
    /// `event_data`, compressed; the blocks' rows follow each other and cover
    /// all rows. May be missing where nobody asks for them.
    pub blocks: Vec<Block>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Slice {
    pub partition: Partition,
    pub row_start: u32,
    pub row_end: u32,
    pub key_xor: KeyXor,
    /// Raw bytes of its events, uncompressed.
    pub raw_bytes: u64,
}

/// Raw events of consecutive rows as one zstd frame: the rows' lengths, then
/// their bytes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Block {
    pub row_start: u32,
    pub row_end: u32,
    /// Size when decompressed: a decoder allocates no more.
    pub raw_bytes: u32,
    pub frame: Bytes,
}
