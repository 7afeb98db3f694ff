//! What a file of the lake says of itself, in its footer's key-value metadata.
//!
//! Enough to tell whether it is the file of a plan: "already there" is success
//! only if plan, rows and XOR are equal. A footer is read from the end of the
//! file alone, and refused before anything is allocated for it if it is larger
//! than any of ours.

use bytes::Bytes;
use parquet::{
    errors::ParquetError,
    file::metadata::{FooterTail, KeyValue, ParquetMetaData, ParquetMetaDataReader},
};

use super::{FileMeta, LakeError};
use crate::{
    guard,
    journal_id::{Gen, JournalName, Seq},
    key::KeyXor,
};

/// A footer of ours takes some 30 KiB for each row group.
pub const FOOTER_BYTES_MAX: usize = 16 << 20;

/// 100,000,000 rows, in groups of the usual size.
pub const ROW_GROUPS_MAX: usize = 1000;

const JOURNAL: &str = "idtrail.journal";
const GENERATION: &str = "idtrail.generation";
const PLAN: &str = "idtrail.plan";
const FROM: &str = "idtrail.from";
const UPTO: &str = "idtrail.upto";
const ROWS: &str = "idtrail.rows";
const KEY_XOR: &str = "idtrail.key_xor";
/// Object keys, one a line.
const REPLACES: &str = "idtrail.replaces";

/// Magic number and length of the footer.
const TAIL_BYTES: usize = 8;

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Footer {
    pub meta: FileMeta,
    pub rows: u64,
    pub key_xor: KeyXor,
    /// `idtrail` and the version that wrote it.
    pub created_by: String,
}

pub(super) fn entries(meta: &FileMeta, rows: u64, key_xor: KeyXor) -> Vec<KeyValue> {
    [
        (JOURNAL, meta.journal.to_string()),
        (GENERATION, meta.generation.to_string()),
        (PLAN, meta.plan.to_string()),
        (FROM, meta.from.to_string()),
        (UPTO, meta.upto.to_string()),
        (ROWS, rows.to_string()),
        (KEY_XOR, format!("{:032x}", key_xor.0)),
        (REPLACES, meta.replaces.join("\n")),
    ]
    .map(|(key, value)| KeyValue::new(key.to_owned(), value))
    .to_vec()
}

impl Footer {
    /// Of a file, or of its last bytes if the footer is among them. A Parquet
    /// file of somebody else is [`LakeError::Foreign`].
    pub fn read(bytes: &Bytes) -> Result<Footer, LakeError> {
        let metadata = metadata(bytes)?;
        let entries = metadata.file_metadata().key_value_metadata();
        let value = |key: &'static str| {
            entries
                .and_then(|entries| entries.iter().find(|entry| entry.key == key))
                .and_then(|entry| entry.value.as_deref())
                .ok_or(LakeError::Foreign("its footer does not name a plan"))
        };
        let bad = |key: &str| LakeError::Corrupt(format!("bad value of {key} in the footer"));
        let number = |key| value(key)?.parse::<u64>().map_err(|_| bad(key));
        let journal = JournalName::parse(value(JOURNAL)?).map_err(|_| bad(JOURNAL))?;
        let generation =
            u64::from_str_radix(value(GENERATION)?, 16).map_err(|_| bad(GENERATION))?;
        let key_xor = u128::from_str_radix(value(KEY_XOR)?, 16).map_err(|_| bad(KEY_XOR))?;
        let footer = Footer {
            meta: FileMeta {
                journal,
                generation: Gen(generation),
                plan: Seq(number(PLAN)?),
                from: Seq(number(FROM)?),
                upto: Seq(number(UPTO)?),
                replaces: value(REPLACES)?.lines().map(str::to_owned).collect(),
            },
            rows: number(ROWS)?,
            key_xor: KeyXor(key_xor),
            created_by: metadata
                .file_metadata()
                .created_by()
                .unwrap_or_default()
                .to_owned(),
        };
        let held = metadata.row_groups().iter().try_fold(0u64, |sum, group| {
            sum.checked_add(u64::try_from(group.num_rows()).ok()?)
        });
        if held == Some(footer.rows) {
            Ok(footer)
        } else {
            Err(LakeError::Corrupt(
                "it holds other rows than its footer counts".to_owned(),
            ))
        }
    }
}

/// The Parquet metadata, within the limits.
pub(super) fn metadata(bytes: &Bytes) -> Result<ParquetMetaData, LakeError> {
    let tail = bytes
        .last_chunk::<TAIL_BYTES>()
        .ok_or(LakeError::Foreign("it is no Parquet file"))?;
    let length = FooterTail::try_new(tail)
        .map_err(|_| LakeError::Foreign("it is no Parquet file"))?
        .metadata_length();
    if length > FOOTER_BYTES_MAX {
        return Err(LakeError::TooLarge(
            "a footer of more bytes",
            FOOTER_BYTES_MAX,
        ));
    }
    let end = bytes.len() - TAIL_BYTES;
    let start = end
        .checked_sub(length)
        .ok_or_else(|| LakeError::Corrupt("its footer is cut off".to_owned()))?;
    let metadata = guarded(|| ParquetMetaDataReader::decode_metadata(&bytes[start..end]))?;
    if metadata.num_row_groups() > ROW_GROUPS_MAX {
        return Err(LakeError::TooLarge("more row groups", ROW_GROUPS_MAX));
    }
    Ok(metadata)
}

/// What the Parquet crate makes of bytes that may be hostile.
pub(super) fn guarded<T>(decode: impl FnOnce() -> Result<T, ParquetError>) -> Result<T, LakeError> {
    match guard::panics(decode) {
        Some(Ok(decoded)) => Ok(decoded),
        Some(Err(error)) => Err(LakeError::Corrupt(error.to_string())),
        None => Err(LakeError::Corrupt(
            "its Parquet structures contradict each other".to_owned(),
        )),
    }
}
