//! How plain values are written into a journal object, and read back.
//!
//! Little-endian, fixed widths, no padding; lengths and counts are 64 bits, so that writing cannot fail. Reading trusts
//! nothing: a length is compared with the bytes that are left before anything
//! is allocated for it, and byte strings are slices of the object, not copies.

use bytes::Bytes;

use super::{
    Block, Checkpoint, Columns, Digest, Done, Fence, Format, Header, Incarnation, KeyRange,
    KeySpan, Keys, OpenPlan, Plan, Saved, Skip, Slice, Unfiled, Waiting, codec::CodecError,
};
use crate::{
    accounting::Counts,
    journal_id::{Gen, Seq},
    key::{Key, KeyXor, Secret},
    partition::{Area, Day, Partition},
    quarantine::Entry,
    source::Source,
    tenant::Tenant,
};

/// A value with a form in the journal.
pub(super) trait Wire: Sized {
    fn write(&self, to: &mut Vec<u8>);
    fn read(from: &mut Reader<'_>) -> Result<Self, CodecError>;
}

/// What is left of an object.
pub(super) struct Reader<'a> {
    object: &'a Bytes,
    at: usize,
    end: usize,
    /// What the frame said.
    pub(super) format: Format,
}

impl<'a> Reader<'a> {
    /// Of the first `end` bytes; there must be as many.
    pub(super) fn new(object: &'a Bytes, end: usize) -> Reader<'a> {
        debug_assert!(end <= object.len(), "the end lies in the object");
        Reader {
            object,
            at: 0,
            end,
            format: Format::default(),
        }
    }

    pub(super) fn left(&self) -> usize {
        self.end - self.at
    }

    pub(super) fn malformed(&self, what: &'static str) -> CodecError {
        CodecError::Malformed { what, at: self.at }
    }

    pub(super) fn take(&mut self, length: usize) -> Result<&'a [u8], CodecError> {
        if length > self.left() {
            return Err(self.malformed("ends too early"));
        }
        let taken = &self.object[self.at..self.at + length];
        self.at += length;
        Ok(taken)
    }

    /// How many of something follow; each takes a byte at least.
    pub(super) fn count(&mut self) -> Result<usize, CodecError> {
        let count = u64::read(self)?;
        match usize::try_from(count) {
            Ok(count) if count <= self.left() => Ok(count),
            _ => Err(self.malformed("a length exceeds the object")),
        }
    }

    fn bytes(&mut self, length: usize) -> Result<Bytes, CodecError> {
        let start = self.at;
        self.take(length)?;
        Ok(self.object.slice(start..self.at))
    }
}

macro_rules! numbers {
    ($($number:ty),*) => {$(
        impl Wire for $number {
            fn write(&self, to: &mut Vec<u8>) {
                to.extend_from_slice(&self.to_le_bytes());
            }

            fn read(from: &mut Reader<'_>) -> Result<Self, CodecError> {
                <[u8; size_of::<$number>()]>::read(from).map(<$number>::from_le_bytes)
            }
        }
    )*};
}

numbers!(u8, u16, u32, u64, u128, i32, i64);

macro_rules! newtypes {
    ($($name:ident),*) => {$(
        impl Wire for $name {
            fn write(&self, to: &mut Vec<u8>) {
                self.0.write(to);
            }

            fn read(from: &mut Reader<'_>) -> Result<Self, CodecError> {
                Wire::read(from).map($name)
            }
        }
    )*};
}

newtypes!(Digest, Gen, Incarnation, Key, KeyXor, Seq);

/// The fields one after the other, in this order.
macro_rules! structs {
    ($($name:ident { $($field:ident),* })*) => {$(
        impl Wire for $name {
            fn write(&self, to: &mut Vec<u8>) {
                $(self.$field.write(to);)*
            }

            fn read(from: &mut Reader<'_>) -> Result<Self, CodecError> {
                Ok($name { $($field: Wire::read(from)?),* })
            }
        }
    )*};
}

structs! {
    Counts { received, stored, duplicate, quarantined, skipped }
    Fence { secret }
    Plan { partition, from, upto, rows, key_xor }
    Done { plan, partition, rows, key_xor, bytes, sha256, time_min_ms, time_max_ms }
    Skip { plan, partition, rows, reason }
    Entry { tenant, source, reason, message_id, object, offset, sent_at_ms, raw, key }
    Slice { partition, row_start, row_end, key_xor, raw_bytes }
    Block { row_start, row_end, raw_bytes, frame }
    Partition { area, day }
    Saved { seq, low, keys_low, keys }
    Unfiled { seq, digest }
    Waiting { partition, first }
    OpenPlan { seq, plan }
    KeyRange { from, upto }
    KeySpan { seq, written_at_ms, keys }
    Keys { generation, range, spans }
}

/// The same of what has the frame's format. A format's own fields, after those of
/// the first, are empty in an older one.
macro_rules! framed {
    ($($name:ident { $($field:ident),* } $(+ $format:ident { $($own:ident),* })?)*) => {$(
        impl Wire for $name {
            fn write(&self, to: &mut Vec<u8>) {
                $(self.$field.write(to);)*
                $(if self.format >= Format::$format {
                    $(self.$own.write(to);)*
                })?
            }

            fn read(from: &mut Reader<'_>) -> Result<Self, CodecError> {
                Ok($name {
                    format: from.format,
                    $($field: Wire::read(from)?,)*
                    $($($own: match from.format >= Format::$format {
                        true => Wire::read(from)?,
                        false => Default::default(),
                    },)*)?
                })
            }
        }
    )*};
}

framed! {
    Header { writer, generation, seq, previous, written_at_ms }
    Checkpoint {
        generation, secret, seq, digest, written_at_ms, writer, epoch, saved, totals, unfiled,
        waiting, plans, keys, covered, recent
    } + Two { skipped }
}

impl<const N: usize> Wire for [u8; N] {
    fn write(&self, to: &mut Vec<u8>) {
        to.extend_from_slice(self);
    }

    fn read(from: &mut Reader<'_>) -> Result<Self, CodecError> {
        let mut array = [0; N];
        array.copy_from_slice(from.take(N)?);
        Ok(array)
    }
}

impl<T: Wire> Wire for Vec<T> {
    fn write(&self, to: &mut Vec<u8>) {
        (self.len() as u64).write(to);
        self.iter().for_each(|item| item.write(to));
    }

    /// Grows as items are read: what it allocates is paid for by bytes.
    fn read(from: &mut Reader<'_>) -> Result<Self, CodecError> {
        let count = from.count()?;
        (0..count).map(|_| T::read(from)).collect()
    }
}

impl<T: Wire> Wire for Box<[T]> {
    fn write(&self, to: &mut Vec<u8>) {
        (self.len() as u64).write(to);
        self.iter().for_each(|item| item.write(to));
    }

    fn read(from: &mut Reader<'_>) -> Result<Self, CodecError> {
        Vec::read(from).map(Vec::into)
    }
}

impl Wire for Bytes {
    fn write(&self, to: &mut Vec<u8>) {
        (self.len() as u64).write(to);
        to.extend_from_slice(self);
    }

    fn read(from: &mut Reader<'_>) -> Result<Self, CodecError> {
        let length = from.count()?;
        from.bytes(length)
    }
}

impl Wire for Columns {
    fn write(&self, to: &mut Vec<u8>) {
        self.raw_bytes.write(to);
        self.frame.write(to);
    }

    fn read(from: &mut Reader<'_>) -> Result<Self, CodecError> {
        let raw_bytes = Wire::read(from)?;
        Ok(Columns::of_frame(raw_bytes, Wire::read(from)?))
    }
}

impl Wire for String {
    fn write(&self, to: &mut Vec<u8>) {
        (self.len() as u64).write(to);
        to.extend_from_slice(self.as_bytes());
    }

    fn read(from: &mut Reader<'_>) -> Result<Self, CodecError> {
        let length = from.count()?;
        match str::from_utf8(from.take(length)?) {
            Ok(text) => Ok(text.to_owned()),
            Err(_) => Err(from.malformed("text is not UTF-8")),
        }
    }
}

impl Wire for Secret {
    fn write(&self, to: &mut Vec<u8>) {
        self.0.iter().for_each(|word| word.write(to));
    }

    fn read(from: &mut Reader<'_>) -> Result<Self, CodecError> {
        let mut words = [0; 4];
        for word in &mut words {
            *word = Wire::read(from)?;
        }
        Ok(Secret(words))
    }
}

/// Its code, or 0.
impl Wire for Option<Source> {
    fn write(&self, to: &mut Vec<u8>) {
        self.map_or(0, |source| source as u8).write(to);
    }

    fn read(from: &mut Reader<'_>) -> Result<Self, CodecError> {
        match u8::read(from)? {
            0 => Ok(None),
            code => match Source::from_code(code) {
                Some(source) => Ok(Some(source)),
                None => Err(CodecError::UnknownSource(code)),
            },
        }
    }
}

/// One byte of length, 0 for none, then the id.
impl Wire for Option<Tenant> {
    fn write(&self, to: &mut Vec<u8>) {
        let id = self.as_ref().map_or("", Tenant::as_str);
        let length = u8::try_from(id.len()).expect("a tenant id has at most 63 bytes");
        length.write(to);
        to.extend_from_slice(id.as_bytes());
    }

    fn read(from: &mut Reader<'_>) -> Result<Self, CodecError> {
        let length = u8::read(from)?;
        if length == 0 {
            return Ok(None);
        }
        let id = from.take(usize::from(length))?;
        match str::from_utf8(id).map(Tenant::parse) {
            Ok(Ok(tenant)) => Ok(Some(tenant)),
            _ => Err(from.malformed("invalid tenant id")),
        }
    }
}

/// As an optional tenant: none is the quarantine.
impl Wire for Area {
    fn write(&self, to: &mut Vec<u8>) {
        match self {
            Area::Tenant(tenant) => Some(tenant.clone()).write(to),
            Area::Quarantine => None::<Tenant>.write(to),
        }
    }

    fn read(from: &mut Reader<'_>) -> Result<Self, CodecError> {
        Ok(Option::read(from)?.map_or(Area::Quarantine, Area::Tenant))
    }
}

impl Wire for Day {
    fn write(&self, to: &mut Vec<u8>) {
        self.days().write(to);
    }

    fn read(from: &mut Reader<'_>) -> Result<Self, CodecError> {
        let days = i32::read(from)?;
        Day::from_days(days).ok_or_else(|| from.malformed("a day outside of the years 1 to 9999"))
    }
}

/// A byte, 0 or 1, and what there is.
macro_rules! optional {
    ($($value:ty),*) => {$(
        impl Wire for Option<$value> {
            fn write(&self, to: &mut Vec<u8>) {
                u8::from(self.is_some()).write(to);
                if let Some(value) = self {
                    value.write(to);
                }
            }

            fn read(from: &mut Reader<'_>) -> Result<Self, CodecError> {
                match u8::read(from)? {
                    0 => Ok(None),
                    1 => <$value>::read(from).map(Some),
                    _ => Err(from.malformed("a value that is neither there nor absent")),
                }
            }
        }
    )*};
}

optional!(Secret, String);
