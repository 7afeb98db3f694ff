//! The formats there are: a replica reads them all, and writes an older one until
//! every replica reads the newer.

/// How an object of the journal is written.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Debug)]
#[repr(u16)]
pub enum Format {
    #[default]
    One = 1,
    /// With the record `skip`, and checkpoints that know of it.
    Two = 2,
}

impl Format {
    pub const NEWEST: Format = Format::Two;

    /// `None`: there is no format of this number, or not yet.
    pub fn numbered(number: u64) -> Option<Format> {
        match number {
            1 => Some(Format::One),
            2 => Some(Format::Two),
            _ => None,
        }
    }
}

impl std::fmt::Display for Format {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        (*self as u16).fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::journal::{
        Batch, Checkpoint, CodecError, Keys, Object, Record, Sealed,
        specimen::{batch_of, checkpoint, keys, object},
    };

    /// Written by the first release that had the format. Never to be changed.
    const GOLDEN: [(Format, &[u8], &[u8]); 2] = [
        (
            Format::One,
            include_bytes!("golden/v1.bin"),
            include_bytes!("golden/checkpoint-v1.bin"),
        ),
        (
            Format::Two,
            include_bytes!("golden/v2.bin"),
            include_bytes!("golden/checkpoint-v2.bin"),
        ),
    ];
    const GOLDEN_KEYS: &[u8] = include_bytes!("golden/keys-v1.bin");

    #[test]
    #[ignore = "writes the fixtures of a new format"]
    fn write_golden() {
        let write = |name: &str, sealed: Sealed| {
            std::fs::write(format!("journal/golden/{name}.bin"), sealed.bytes).expect("writable");
        };
        let newest = Format::NEWEST;
        write(&format!("v{newest}"), object(newest).encode());
        write(
            &format!("checkpoint-v{newest}"),
            checkpoint(newest).encode(),
        );
    }

    #[test]
    fn golden_objects_are_read_for_ever() {
        for (format, golden, _) in GOLDEN {
            let golden = Bytes::from_static(golden);
            let (read, digest) = Object::decode(&golden).expect("the golden object decodes");
            let sealed = Sealed {
                bytes: golden,
                digest,
            };
            assert_eq!(read.encode(), sealed);
            let mut expected = object(format);
            let (old, new) = (batch_of(&read), batch_of(&expected));
            assert_eq!(old.slices, new.slices);
            assert_eq!(
                old.columns().expect("columns"),
                new.columns().expect("columns")
            );
            let raw = |batch: &Batch| batch.raw(0..3).expect("raw");
            assert_eq!(raw(old), raw(new));
            // Arrow and zstd may one day write the same rows in other bytes.
            let ours = expected.records.iter_mut();
            for record in ours.filter(|record| matches!(record, Record::Batch(_))) {
                *record = Record::Batch(old.clone());
            }
            assert_eq!(read, expected);
        }
    }

    #[test]
    fn golden_checkpoints_are_read_for_ever() {
        for (format, _, golden) in GOLDEN {
            let golden = Bytes::from_static(golden);
            assert_eq!(Checkpoint::decode(&golden), Ok(checkpoint(format)));
            assert_eq!(checkpoint(format).encode().bytes, golden);
        }
        let golden = Bytes::from_static(GOLDEN_KEYS);
        assert_eq!(Keys::decode(&golden), Ok(keys()));
        assert_eq!(keys().encode().bytes, golden);
    }

    #[test]
    fn a_record_of_a_later_format_is_none_of_an_earlier_one() {
        let mut object = object(Format::Two);
        object.header.format = Format::One;
        let read = Object::decode(&object.encode().bytes);
        assert_eq!(read, Err(CodecError::UnknownRecord(9)));
    }

    #[test]
    fn there_are_as_many_formats_as_there_are() {
        for (number, expected) in [
            (0, None),
            (1, Some(Format::One)),
            (2, Some(Format::NEWEST)),
            (3, None),
        ] {
            assert_eq!(Format::numbered(number), expected);
        }
    }
}
