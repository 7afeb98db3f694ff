//! Files of the lake: a plan's rows as one Parquet file that Athena reads.
//!
//! [`encode`] is a pure function of the slices and the plan: the same plan gives
//! the same rows in the same order, whoever executes it. The footer names the
//! plan and counts its rows, so that a file can be told from an impostor by
//! [`Footer::read`], and [`scan()`] gives the raw events back, from which their
//! keys can be computed again. Files may be hostile: reading ends in an error,
//! never in a panic.

mod file;
mod footer;
mod properties;
mod scan;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use arrow::error::ArrowError;
use bytes::Bytes;
use parquet::errors::ParquetError;

pub use self::{
    file::encode,
    footer::{FOOTER_BYTES_MAX, Footer, ROW_GROUPS_MAX},
    properties::Codec,
    scan::{Event, Events, scan},
};
use crate::{
    journal::{Batch, BatchError},
    journal_id::{Gen, JournalName, Seq},
    key::KeyXor,
};

/// One slice of a batch, by its index.
#[derive(Clone, Debug)]
pub struct SliceRef {
    pub batch: Arc<Batch>,
    pub slice: usize,
}

/// Where a file comes from. Stands in its footer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FileMeta {
    pub journal: JournalName,
    pub generation: Gen,
    /// The slot that holds the plan.
    pub plan: Seq,
    /// The rows are those of the slots `(from, upto]`.
    pub from: Seq,
    pub upto: Seq,
    /// Keys of the files whose place it takes; none if it was not compacted.
    pub replaces: Vec<String>,
}

/// A finished file. Its counts are of the rows that were written, not of those
/// that were planned: compare them.
#[derive(Clone, Debug)]
pub struct LakeFile {
    pub bytes: Bytes,
    pub rows: u64,
    pub key_xor: KeyXor,
    /// First and last `event_time`, milliseconds since 1970.
    pub time_min_ms: i64,
    pub time_max_ms: i64,
}

#[derive(Debug, thiserror::Error)]
pub enum LakeError {
    #[error("a file of no rows; report this as a bug of the planner")]
    Empty,
    #[error("a file of slices that {0}; report this as a bug of the planner")]
    Slices(&'static str),
    #[error(transparent)]
    Batch(#[from] BatchError),
    #[error("not a file of idtrail: {0}; move it out of data/ if it does not belong there")]
    Foreign(&'static str),
    #[error("lake file with {0}, above the limit of {1}; restore it from the bucket's versions")]
    TooLarge(&'static str, usize),
    #[error("corrupt lake file: {0}; restore it from the bucket's versions")]
    Corrupt(String),
    #[error("cannot write Parquet: {0}")]
    Parquet(#[from] ParquetError),
    #[error("cannot arrange rows: {0}")]
    Arrow(#[from] ArrowError),
}
