//! A journal object as bytes: written once, read by every replica for ever.
//!
//! ```text
//! magic "idtrail\0" | version u16 | header | accounting | records | SHA-256
//! ```
//!
//! The SHA-256 is over everything before it. It is the object's [`Digest`] as
//! well, which the next object's header names: so the trailing checksum guards
//! the object and the chain guards the journal. Magic and checksum stay where
//! they are in all versions, so that damage is never taken for a newer format. The
//! version is the object's [`Format`]; a kind of record is known from one on.
//! Decoding stops at whatever it does not know: a replica that skipped a record
//! would differ from the others. An object has one encoding: what decodes, encodes
//! to the same bytes.

use bytes::Bytes;

use super::{
    Batch, Digest, Format, Header, Object, Record,
    batch::Uncovered,
    wire::{Reader, Wire},
};
use crate::accounting::{Account, Accounting, Counts, Totals};

/// What a writer keeps an object below.
pub const OBJECT_BYTES_MAX: usize = 64 << 20;

/// What a reader accepts: the writer's limit, and one event of 16 MiB twice
/// over that came when the object was nearly full.
pub const DECODE_BYTES_MAX: usize = OBJECT_BYTES_MAX + (32 << 20);

/// More records than an object has use for: a plan and a `done` for each of
/// 10,000 tenants on several days.
pub const RECORDS_MAX: usize = 1 << 18;

/// What an object begins with, so that one kind is never taken for another.
#[derive(Clone, Copy)]
pub(super) struct Magic(pub(super) [u8; 8]);

const OBJECT: Magic = Magic(*b"idtrail\0");
const DIGEST_BYTES: usize = size_of::<Digest>();

/// An encoded object, ready for its slot.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Sealed {
    pub bytes: Bytes,
    pub digest: Digest,
}

#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum CodecError {
    #[error(
        "journal object of {bytes} bytes, above the limit of {DECODE_BYTES_MAX}: not idtrail's, find out who wrote it"
    )]
    TooLarge { bytes: usize },
    #[error("not a journal object: something other than idtrail wrote it, remove it from log/")]
    Foreign,
    #[error(
        "checksum mismatch in a journal object: restore it from the bucket's versions or from a copy"
    )]
    Checksum,
    #[error("journal object of format {0}, written by a newer idtrail: upgrade this replica")]
    UnknownVersion(u16),
    #[error("journal record of kind {0}, written by a newer idtrail: upgrade this replica")]
    UnknownRecord(u8),
    #[error("source with code {0}, written by a newer idtrail: upgrade this replica")]
    UnknownSource(u8),
    #[error("malformed journal object, at byte {at}: {what}; report this as a bug of its writer")]
    Malformed { what: &'static str, at: usize },
}

impl Object {
    pub fn encode(&self) -> Sealed {
        seal(OBJECT, self.header.format, self, self.bytes_about())
    }

    /// The object, whose byte strings are slices of `bytes` and keep all of
    /// them in memory, and its digest.
    pub fn decode(bytes: &Bytes) -> Result<(Object, Digest), CodecError> {
        let object = open(OBJECT, Format::NEWEST, bytes)?;
        let (_, digest) = bytes
            .split_last_chunk::<DIGEST_BYTES>()
            .ok_or(CodecError::Checksum)?;
        Ok((object, Digest(*digest)))
    }

    /// Nearly the encoded size, so that encoding allocates once.
    fn bytes_about(&self) -> usize {
        let records = self.records.iter().map(|record| match record {
            Record::Quarantine(entries) => entries.iter().map(|e| 512 + e.raw.len()).sum(),
            Record::Batch(batch) => batch.stored_bytes(),
            _ => 160,
        });
        256 + 128 * self.accounting.0.len() + records.sum::<usize>()
    }
}

/// `bytes_about`: nearly the encoded size, so that encoding allocates once.
pub(super) fn seal(magic: Magic, format: Format, body: &impl Wire, bytes_about: usize) -> Sealed {
    let mut to = Vec::with_capacity(bytes_about);
    magic.0.write(&mut to);
    (format as u16).write(&mut to);
    body.write(&mut to);
    let digest = Digest::of(&to);
    digest.write(&mut to);
    Sealed {
        bytes: to.into(),
        digest,
    }
}

/// All that was sealed, and nothing else. `newest`: the format of the latest layout.
pub(super) fn open<T: Wire>(magic: Magic, newest: Format, bytes: &Bytes) -> Result<T, CodecError> {
    if bytes.len() > DECODE_BYTES_MAX {
        return Err(CodecError::TooLarge { bytes: bytes.len() });
    }
    if !bytes.starts_with(&magic.0) {
        return Err(CodecError::Foreign);
    }
    let (body, checksum) = bytes
        .split_last_chunk::<DIGEST_BYTES>()
        .ok_or(CodecError::Checksum)?;
    if Digest::of(body).0 != *checksum {
        return Err(CodecError::Checksum);
    }
    let mut from = Reader::new(bytes, body.len());
    from.take(magic.0.len())?;
    let version = u16::read(&mut from)?;
    from.format = Format::numbered(u64::from(version))
        .filter(|format| *format <= newest)
        .ok_or(CodecError::UnknownVersion(version))?;
    let value = T::read(&mut from)?;
    match from.left() {
        0 => Ok(value),
        _ => Err(from.malformed("bytes are left over")),
    }
}

impl Wire for Object {
    fn write(&self, to: &mut Vec<u8>) {
        self.header.write(to);
        self.accounting.write(to);
        self.records.write(to);
    }

    fn read(from: &mut Reader<'_>) -> Result<Self, CodecError> {
        Ok(Object {
            header: Header::read(from)?,
            accounting: Accounting::read(from)?,
            records: read_records(from)?,
        })
    }
}

fn read_records(from: &mut Reader<'_>) -> Result<Vec<Record>, CodecError> {
    let count = from.count()?;
    if count > RECORDS_MAX {
        return Err(from.malformed("too many records"));
    }
    (0..count).map(|_| Record::read(from)).collect()
}

/// A byte for the kind, then the fields.
impl Wire for Record {
    fn write(&self, to: &mut Vec<u8>) {
        match self {
            Record::Fence(fence) => {
                1u8.write(to);
                fence.write(to);
            }
            Record::Done(done) => {
                2u8.write(to);
                done.write(to);
            }
            Record::Plan(plan) => {
                3u8.write(to);
                plan.write(to);
            }
            Record::Quarantine(entries) => {
                4u8.write(to);
                entries.write(to);
            }
            Record::Batch(batch) => {
                5u8.write(to);
                batch.write(to);
            }
            Record::Heartbeat => 6u8.write(to),
            Record::Release => 7u8.write(to),
            Record::Saved(saved) => {
                8u8.write(to);
                saved.write(to);
            }
            Record::Skip(skip) => {
                9u8.write(to);
                skip.write(to);
            }
        }
    }

    fn read(from: &mut Reader<'_>) -> Result<Self, CodecError> {
        Ok(match u8::read(from)? {
            1 => Record::Fence(Wire::read(from)?),
            2 => Record::Done(Wire::read(from)?),
            3 => Record::Plan(Wire::read(from)?),
            4 => Record::Quarantine(Wire::read(from)?),
            5 => Record::Batch(Wire::read(from)?),
            6 => Record::Heartbeat,
            7 => Record::Release,
            8 => Record::Saved(Wire::read(from)?),
            9 if from.format >= Format::Two => Record::Skip(Wire::read(from)?),
            kind => return Err(CodecError::UnknownRecord(kind)),
        })
    }
}

impl Wire for Batch {
    fn write(&self, to: &mut Vec<u8>) {
        self.slices.write(to);
        self.keys.write(to);
        self.columns.write(to);
        self.blocks.write(to);
    }

    fn read(from: &mut Reader<'_>) -> Result<Self, CodecError> {
        let batch = Batch {
            slices: Wire::read(from)?,
            keys: Wire::read(from)?,
            columns: Wire::read(from)?,
            blocks: Wire::read(from)?,
        };
        match batch.check() {
            Ok(()) => Ok(batch),
            Err(Uncovered(what)) => Err(from.malformed(what)),
        }
    }
}

impl Wire for Accounting {
    fn write(&self, to: &mut Vec<u8>) {
        (self.0.len() as u64).write(to);
        for (account, counts) in &self.0 {
            account.tenant.write(to);
            account.source.write(to);
            account.hour.write(to);
            counts.write(to);
        }
    }

    fn read(from: &mut Reader<'_>) -> Result<Self, CodecError> {
        let mut accounting = Accounting::default();
        for _ in 0..from.count()? {
            let account = Account {
                tenant: Wire::read(from)?,
                source: Wire::read(from)?,
                hour: Wire::read(from)?,
            };
            let last = accounting.0.last_key_value();
            if last.is_some_and(|(last, _)| *last >= account) {
                return Err(from.malformed("accounts are not in order"));
            }
            let counts = Counts::read(from)?;
            accounting.0.insert(account, counts);
        }
        Ok(accounting)
    }
}

impl Wire for Totals {
    fn write(&self, to: &mut Vec<u8>) {
        (self.0.len() as u64).write(to);
        for ((tenant, source), counts) in &self.0 {
            tenant.write(to);
            source.write(to);
            counts.write(to);
        }
    }

    fn read(from: &mut Reader<'_>) -> Result<Self, CodecError> {
        let mut totals = Totals::default();
        for _ in 0..from.count()? {
            let of = (Wire::read(from)?, Wire::read(from)?);
            let last = totals.0.last_key_value();
            if last.is_some_and(|(last, _)| *last >= of) {
                return Err(from.malformed("totals are not in order"));
            }
            totals.0.insert(of, Counts::read(from)?);
        }
        Ok(totals)
    }
}
