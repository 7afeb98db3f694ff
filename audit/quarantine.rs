//! Events that cannot become a row: kept whole, with the reason.
//!
//! An entry is written to the journal with the batch of its neighbours and
//! later, with others of its day, to `data/_quarantine/<day>/` as NDJSON in
//! zstd: one line an entry, the shape that `idtrail quarantine ls` prints.

use bytes::Bytes;

use crate::{key::Key, source::Source};

/// One event that was put aside.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Entry {
    /// As it was claimed; it need not be a valid tenant id.
    pub tenant: String,
    pub source: Option<Source>,
    /// Why, and what to do: one line.
    pub reason: String,
    /// The queue's id of the message it came in.
    pub message_id: String,
    /// Where it began in the decoded message, in bytes.
    pub offset: u64,
    /// When the message was sent to the queue, milliseconds since 1970.
    pub sent_at_ms: i64,
    /// The event as it came.
    pub raw: Bytes,
    /// Fingerprint of all the above: a redelivered entry is not kept twice.
    pub key: Key,
}
