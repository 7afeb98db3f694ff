//! Events that cannot become a row: kept whole, with the reason.
//!
//! An entry is written to the journal with the batch of its neighbours and
//! later, with others of its day, to `data/_quarantine/<day>/` as NDJSON in
//! zstd: one line an entry, the shape that `idtrail quarantine ls` prints.
//! Text stays text in it, so that the file can be searched; bytes that are no
//! text are base64. The key is not written: it follows from the rest.

use std::{
    borrow::Cow,
    io::{BufRead, BufReader, Read, Write as _},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::{
    key::{Key, Secret},
    source::Source,
};

/// Longest line that is read: an event of 16 MiB, every byte of it escaped.
const LINE_BYTES_MAX: u64 = 128 << 20;

/// zstd's default: files are few and stay for long.
const LEVEL: i32 = 3;

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
    /// The object it was in, as `s3://bucket/key`, if not in the message itself.
    pub object: Option<String>,
    /// Where it began in the decoded message or object, in bytes.
    pub offset: u64,
    /// When the message was sent to the queue, milliseconds since 1970.
    pub sent_at_ms: i64,
    /// The event as it came.
    pub raw: Bytes,
    /// [`Secret::quarantine_key`](crate::key::Secret::quarantine_key) of tenant,
    /// source and raw: a redelivered entry is not kept twice.
    pub key: Key,
}

/// A file, or a line of it, that was not written by idtrail, or was damaged.
#[derive(Debug, thiserror::Error)]
pub enum Damaged {
    #[error("the quarantine file cannot be read: {0}")]
    File(#[from] std::io::Error),
    #[error("line {line} of the quarantine file cannot be read: {reason}")]
    Line { line: u64, reason: String },
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line<'a> {
    #[serde(borrow)]
    tenant: Cow<'a, str>,
    source: Option<Cow<'a, str>>,
    reason: Cow<'a, str>,
    message_id: Cow<'a, str>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    object: Option<Cow<'a, str>>,
    offset: u64,
    /// Milliseconds since 1970. In files only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sent_at: Option<i64>,
    raw: Cow<'a, str>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    raw_encoding: Option<Cow<'a, str>>,
}

impl Entry {
    /// One line of a file: JSON, without its line break.
    pub fn to_line(&self) -> String {
        self.line(Some(self.sent_at_ms))
    }

    /// The same for people and scripts: what they may rely on.
    pub fn to_listing(&self) -> String {
        self.line(None)
    }

    fn line(&self, sent_at: Option<i64>) -> String {
        let (raw, raw_encoding) = match std::str::from_utf8(&self.raw) {
            Ok(text) => (text.into(), None),
            Err(_) => (STANDARD.encode(&self.raw).into(), Some("base64".into())),
        };
        let line = Line {
            tenant: self.tenant.as_str().into(),
            source: self.source.map(|source| source.name().into()),
            reason: self.reason.as_str().into(),
            message_id: self.message_id.as_str().into(),
            object: self.object.as_deref().map(Cow::from),
            offset: self.offset,
            sent_at,
            raw,
            raw_encoding,
        };
        serde_json::to_string(&line).expect("strings and numbers are always JSON")
    }

    /// The inverse of [`Entry::to_line`]; the error says what is wrong.
    pub fn of_line(line: &[u8], secret: &Secret) -> Result<Entry, String> {
        let line: Line<'_> = serde_json::from_slice(line).map_err(|error| error.to_string())?;
        let raw = match line.raw_encoding.as_deref() {
            None => line.raw.into_owned().into_bytes(),
            Some("base64") => STANDARD
                .decode(line.raw.as_bytes())
                .map_err(|error| error.to_string())?,
            Some(other) => return Err(format!("unknown raw_encoding {other:?}")),
        };
        let source = line
            .source
            .map(|name| name.parse::<Source>().map_err(|error| error.to_string()))
            .transpose()?;
        Ok(Entry {
            key: secret.quarantine_key(&line.tenant, source, &raw),
            tenant: line.tenant.into_owned(),
            source,
            reason: line.reason.into_owned(),
            message_id: line.message_id.into_owned(),
            object: line.object.map(Cow::into_owned),
            offset: line.offset,
            sent_at_ms: line.sent_at.ok_or("sent_at is missing")?,
            raw: raw.into(),
        })
    }
}

/// The file of these entries.
pub fn encode<'a>(entries: impl IntoIterator<Item = &'a Entry>) -> Vec<u8> {
    const IN_MEMORY: &str = "compressing into memory cannot fail";
    let mut file = zstd::stream::write::Encoder::new(Vec::new(), LEVEL).expect(IN_MEMORY);
    for entry in entries {
        file.write_all(entry.to_line().as_bytes()).expect(IN_MEMORY);
        file.write_all(b"\n").expect(IN_MEMORY);
    }
    file.finish().expect(IN_MEMORY)
}

/// The entries of a file, one at a time. Ends after the first error.
pub fn decode<'a>(
    file: impl Read + 'a,
    secret: &'a Secret,
) -> Result<impl Iterator<Item = Result<Entry, Damaged>> + 'a, Damaged> {
    let mut text = BufReader::new(zstd::stream::read::Decoder::new(file)?);
    let (mut number, mut failed) = (0, false);
    Ok(std::iter::from_fn(move || {
        if failed {
            return None;
        }
        number += 1;
        let entry = next_line(&mut text, number).transpose()?.and_then(|line| {
            Entry::of_line(&line, secret).map_err(|reason| Damaged::Line {
                line: number,
                reason,
            })
        });
        failed = entry.is_err();
        Some(entry)
    }))
}

fn next_line(text: &mut impl BufRead, number: u64) -> Result<Option<Vec<u8>>, Damaged> {
    let mut line = Vec::new();
    text.take(LINE_BYTES_MAX).read_until(b'\n', &mut line)?;
    if line.len() as u64 == LINE_BYTES_MAX {
        return Err(Damaged::Line {
            line: number,
            reason: format!("longer than {LINE_BYTES_MAX} bytes"),
        });
    }
    Ok((!line.is_empty()).then_some(line))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECRET: Secret = Secret([1, 2, 3, 4]);

    fn entry() -> impl Strategy<Value = Entry> {
        let source = proptest::option::of(proptest::sample::select(Source::ALL.to_vec()));
        let raw = prop_oneof![
            proptest::collection::vec(any::<u8>(), 0..40),
            any::<String>().prop_map(String::into_bytes),
        ];
        let texts = any::<(String, String, String, Option<String>)>();
        (texts, source, any::<u64>(), any::<i64>(), raw).prop_map(
            |((tenant, reason, message_id, object), source, offset, sent_at_ms, raw)| Entry {
                key: SECRET.quarantine_key(&tenant, source, &raw),
                tenant,
                source,
                reason,
                message_id,
                object,
                offset,
                sent_at_ms,
                raw: raw.into(),
            },
        )
    }

    fn decoded(file: &[u8]) -> Result<Vec<Entry>, Damaged> {
        decode(file, &SECRET)?.collect()
    }

    proptest! {
        #[test]
        fn entries_survive_their_file(entries in proptest::collection::vec(entry(), 0..6)) {
            prop_assert_eq!(decoded(&encode(&entries)).expect("reads"), entries);
        }

        #[test]
        fn any_file_is_read_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..99)) {
            // Any outcome will do.
            drop(decoded(&bytes));
            drop(decoded(&zstd::encode_all(&bytes[..], 1).expect("memory")));
            drop(Entry::of_line(&bytes, &SECRET));
        }
    }

    #[test]
    fn text_stays_text_in_a_line() {
        let mut entry = Entry {
            tenant: "../x".into(),
            source: Some(Source::Okta),
            reason: "invalid tenant".into(),
            message_id: "m-1".into(),
            object: None,
            offset: 7,
            sent_at_ms: 1_700_000_000_000,
            raw: Bytes::from_static(b"{\"a\":\n1}"),
            key: Key(0),
        };
        assert_eq!(
            entry.to_line(),
            r#"{"tenant":"../x","source":"okta","reason":"invalid tenant","message_id":"m-1","#
                .to_owned()
                + r#""offset":7,"sent_at":1700000000000,"raw":"{\"a\":\n1}"}"#
        );
        (entry.raw, entry.source) = (Bytes::from_static(b"\xff"), None);
        entry.object = Some("s3://logs/a.json.gz".into());
        assert_eq!(
            entry.to_listing(),
            r#"{"tenant":"../x","source":null,"reason":"invalid tenant","message_id":"m-1","#
                .to_owned()
                + r#""object":"s3://logs/a.json.gz","offset":7,"raw":"/w==","raw_encoding":"base64"}"#
        );
    }

    #[test]
    fn a_damaged_line_is_named() {
        let mut text = b"{\"tenant\":\"a\",\"source\":\"oops\",".to_vec();
        text.extend(br#""reason":"","message_id":"","offset":0,"sent_at":0,"raw":""}"#);
        for (text, expected) in [
            (
                &text[..],
                "line 1 of the quarantine file cannot be read: unknown source",
            ),
            (
                b"{}\n",
                "line 1 of the quarantine file cannot be read: missing field",
            ),
        ] {
            let error = decoded(&zstd::encode_all(text, 1).expect("memory")).expect_err("damaged");
            assert!(error.to_string().starts_with(expected), "{error}");
        }
        assert!(matches!(decoded(b"no zstd"), Err(Damaged::File(_))));
    }
}
