//! Takes a queue message, an object or a file apart into raw events.
//!
//! A message is one event, a JSON array, NDJSON, CloudTrail's
//! `{"Records":[…]}`, an EventBridge or SNS envelope, a notification that names
//! objects, or gzip or zstd of these: what it is, is told by its content.
//! [`Content::of`] opens it; a [`Decoder`] is then pulled parcel by parcel, so
//! that the caller can take memory for each before it is made. Memory stays
//! within a parcel, the chunk that was fed and the largest event, whatever
//! comes, and an event's bytes come out as they went in.
//! [`Source::of_event`](crate::source::Source::of_event) tells an event's
//! source, [`Packer`] makes messages.

mod decoder;
mod envelope;
mod input;
mod junk;
mod masks;
mod members;
mod notification;
mod object;
mod pack;
mod pointer;
mod scan;
mod sniff;
mod splitter;
mod unpack;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use bytes::Bytes;

pub use self::{
    decoder::{Content, Decoder, Pull},
    pack::{ENCODING, Full, Packer},
    pointer::Pointer,
};

/// Bytes kept of what could not be read.
pub const BAD_BYTES_MAX: usize = 1 << 20;

/// How much is read at most. The defaults are the project's promise; tests and
/// settings may lower them.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Limits {
    /// A larger event is put aside.
    pub event_bytes: usize,
    /// Levels of brackets in an event.
    pub depth: u32,
    /// Keys in an event, of all its objects.
    pub keys: u32,
    /// Of a compressed message or file.
    pub compressed_bytes: u64,
    /// After decompression.
    pub unpacked_bytes: u64,
    /// Unpacked to compressed bytes, past the first MiB unpacked: deflate
    /// reaches 1029, audit logs 10 to 30.
    pub ratio: u64,
    /// Memory that a zstd frame may ask for, as a power of two: 8 MiB is what
    /// its specification wants every decoder to support.
    pub zstd_window_log: u32,
    /// Decoded bytes of a parcel, unless one event alone has more.
    pub parcel_bytes: usize,
    /// Events of a parcel: tiny ones weigh more as rows than as text.
    pub parcel_events: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            event_bytes: 16 << 20,
            depth: 64,
            keys: 10_000,
            compressed_bytes: 256 << 20,
            unpacked_bytes: 2 << 30,
            ratio: 200,
            zstd_window_log: 23,
            parcel_bytes: 1 << 20,
            parcel_events: 4_096,
        }
    }
}

/// One event: from its `{` to its `}`, byte for byte.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Event {
    pub raw: Bytes,
    /// Where it began in the decoded content, in bytes. Events of an SNS message
    /// have the envelope's.
    pub offset: u64,
    /// Whose event it is, where only its envelope says so: the Okta organisation
    /// of a log stream through EventBridge.
    pub owner: Option<Arc<str>>,
}

impl Event {
    /// That came alone, as it is.
    pub fn of(raw: Bytes) -> Event {
        Event {
            raw,
            offset: 0,
            owner: None,
        }
    }
}

/// An object in a bucket that holds events, as a notification names it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Object {
    pub bucket: String,
    /// Decoded.
    pub key: String,
    pub version: Option<String>,
    /// What the notification says of its size.
    pub bytes: Option<u64>,
    /// A notification of this object alone, and where the one that came began in
    /// the decoded content.
    pub raw: Bytes,
    pub offset: u64,
}

/// Something that is no event.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Bad {
    /// Its first [`BAD_BYTES_MAX`] bytes.
    pub raw: Bytes,
    pub offset: u64,
    pub reason: String,
}

/// Some of the events, in the order in which they came.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Parcel {
    pub events: Vec<Event>,
    pub bad: Vec<Bad>,
    /// What is to be read instead of, or beside, the events.
    pub objects: Vec<Object>,
    /// Decoded bytes that the events hold in memory together.
    pub bytes: usize,
    /// Notices of nothing to be read: S3's test event, a deleted object,
    /// CloudTrail's digests.
    pub skipped: u64,
}

/// Why nothing, or nothing more, can be read.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Unreadable {
    #[error("empty: send events as JSON, NDJSON, or gzip or zstd of these")]
    Empty,
    #[error("unknown encoding {0:?}: set the attribute to zstd or gzip, or leave it out")]
    Encoding(String),
    #[error("UTF-16: send JSON text in UTF-8")]
    Utf16,
    #[error("not base64: a message with the attribute `encoding` has base64 as its body")]
    Base64,
    #[error("compressed data is damaged: {0}")]
    Damaged(String),
    #[error("more than {0} bytes compressed: split it")]
    Compressed(u64),
    #[error("more than {0} bytes decompressed: split it")]
    Unpacked(u64),
    #[error("decompresses to more than {0} times its size: no audit log does")]
    Ratio(u64),
    #[error("invalid pointer to a payload: {0}")]
    Pointer(String),
    #[error("the payload is not the one that the pointer names: {0}")]
    Payload(String),
    #[error("reading failed: {0}")]
    Input(String),
}
