//! A queued message as a file.
//!
//! ```text
//! 1732330000000-9f86d081884c7d65-0000000012.2      sent at (ms), writer, number . receives
//!
//! {"version":1,"body_bytes":17,"attributes":{"source":"okta"}}
//! {"eventType":…}
//! ```
//!
//! A header line, then the body as it is. The receive count stands in the name:
//! renaming is atomic, costs no write, and outlives a killed process. So does
//! the group, whose messages take turns with those of others: the lower half of
//! the writer's 16 digits.

use std::{collections::BTreeMap, ffi::OsStr, fmt, sync::Arc};

use actors::ports::Outgoing;
use audit::journal::Digest;
use bytes::Bytes;
use serde::{Deserialize, Serialize};

/// The limit of SQS, so that embedded and AWS refuse the same.
pub(super) const BODY_BYTES_MAX: usize = 1 << 20;

/// Attributes are ten short texts at most, the limit of SQS.
const HEADER_BYTES_MAX: usize = 64 << 10;

/// No message file is larger: such a file is not even read.
pub(super) const FILE_BYTES_MAX: u64 = (BODY_BYTES_MAX + HEADER_BYTES_MAX) as u64;

const VERSION: u32 = 1;

#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Name {
    pub(super) id: Arc<str>,
    pub(super) receives: u32,
}

#[derive(Serialize, Deserialize)]
struct Header {
    version: u32,
    /// Tells a truncated file from a whole one.
    body_bytes: usize,
    attributes: BTreeMap<String, String>,
}

#[derive(PartialEq, Eq, Debug)]
pub(super) struct Letter {
    pub(super) attributes: BTreeMap<String, String>,
    pub(super) body: Bytes,
}

impl Name {
    /// `unique` as [`super::durable::Names`] makes it. Ids sort by age.
    pub(super) fn new(sent_at_ms: i64, unique: &str) -> Name {
        Name {
            id: format!("{:013}-{unique}", sent_at_ms.max(0)).into(),
            receives: 0,
        }
    }

    /// `None` for a file that idtrail has not written.
    pub(super) fn parse(file: &OsStr) -> Option<Name> {
        let (id, receives) = file.to_str()?.rsplit_once('.')?;
        let mut parts = id.split('-');
        let digits = |part: &str, len: usize, radix| {
            part.len() == len && part.chars().all(|c| c.is_digit(radix))
        };
        let known = digits(parts.next()?, 13, 10)
            && digits(parts.next()?, 16, 16)
            && digits(parts.next()?, 10, 10)
            && parts.next().is_none()
            && receives.len() <= 9
            && receives.bytes().all(|b| b.is_ascii_digit());
        known.then_some(Name {
            id: id.into(),
            receives: receives.parse().ok()?,
        })
    }

    pub(super) fn sent_at_ms(&self) -> i64 {
        self.id
            .split('-')
            .next()
            .and_then(|ms| ms.parse().ok())
            .unwrap_or(0)
    }

    /// The same message, received `receives` times.
    pub(super) fn received(&self, receives: u32) -> Name {
        Name {
            id: Arc::clone(&self.id),
            receives,
        }
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.id, self.receives)
    }
}

/// The group of a message: that of its tenant, where it names one.
pub(super) fn group(message: &Outgoing) -> u32 {
    let tenant = message.attributes.get("tenant_id");
    let digest = tenant.map(|tenant| Digest::of(tenant.as_bytes()).0);
    digest.map_or(0, |[a, b, c, d, ..]| u32::from_be_bytes([a, b, c, d]))
}

/// The group in a message's id. In one written before there were groups, part of
/// its writer's random value stands there: they are a group.
pub(super) fn group_in(id: &str) -> u32 {
    let writer = id.split('-').nth(1);
    let lower = writer.and_then(|digits| digits.get(8..));
    lower
        .and_then(|digits| u32::from_str_radix(digits, 16).ok())
        .unwrap_or(0)
}

/// The header line of a message's file; the body follows.
pub(super) fn header(message: &Outgoing) -> Result<String, String> {
    let header = Header {
        version: VERSION,
        body_bytes: message.body.len(),
        attributes: message.attributes.clone(),
    };
    let line = serde_json::to_string(&header).map_err(|error| error.to_string())? + "\n";
    if message.body.len() > BODY_BYTES_MAX {
        Err(format!(
            "a message of {} bytes is over 1 MiB",
            message.body.len()
        ))
    } else if line.len() > HEADER_BYTES_MAX {
        Err("a message's attributes are over 64 KiB".to_owned())
    } else {
        Ok(line)
    }
}

/// The message in a file, or why there is none.
pub(super) fn decode(file: &Bytes) -> Result<Letter, String> {
    let end = file
        .iter()
        .take(HEADER_BYTES_MAX)
        .position(|byte| *byte == b'\n');
    let end = end.ok_or("the file has no header line")?;
    let header: Header = serde_json::from_slice(&file[..end])
        .map_err(|error| format!("the file's header line cannot be read: {error}"))?;
    if header.version != VERSION {
        return Err(format!(
            "the file has format version {}, known is {VERSION}",
            header.version
        ));
    }
    let body = file.slice(end + 1..);
    if body.len() != header.body_bytes {
        return Err(format!(
            "the file holds {} bytes of a body of {}",
            body.len(),
            header.body_bytes
        ));
    }
    Ok(Letter {
        attributes: header.attributes,
        body,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn only_our_own_names_are_messages() {
        let name = Name::new(1_732_330_000_000, "9f86d081884c7d65-0000000012");
        assert_eq!(
            name.to_string(),
            "1732330000000-9f86d081884c7d65-0000000012.0"
        );
        assert_eq!(
            Name::parse(OsStr::new(&name.to_string())),
            Some(name.clone())
        );
        assert_eq!(name.sent_at_ms(), 1_732_330_000_000);
        assert_eq!(group_in(&name.id), 0x884c_7d65);
        for foreign in [
            "events.json",
            "1732330000000-9f86d081884c7d65-0000000012",
            "1732330000000-9f86d081884c7d65-0000000012.x",
            "1732330000000-9f86d081884c7d65-0000000012.+1",
            "1732330000000-9f86d081884c7d65-0000000012.0.0",
            "1732330000000-9f86d081884c7d65.0",
            "x732330000000-9f86d081884c7d65-0000000012.0",
            ".0",
        ] {
            assert_eq!(Name::parse(OsStr::new(foreign)), None, "{foreign}");
        }
    }

    #[test]
    fn a_truncated_or_foreign_file_says_what_it_lacks() {
        for (file, what) in [
            ("", "no header line"),
            ("{\"version\":1", "no header line"),
            ("[]\n", "cannot be read"),
            (
                "{\"version\":2,\"body_bytes\":0,\"attributes\":{}}\n",
                "version 2",
            ),
            (
                "{\"version\":1,\"body_bytes\":9,\"attributes\":{}}\nhalf",
                "4 bytes of a body of 9",
            ),
        ] {
            let why = decode(&Bytes::from_static(file.as_bytes())).expect_err(file);
            assert!(why.contains(what), "{file:?} gave {why:?}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(body in ".{0,99}", attributes in prop::collection::btree_map(".{0,9}", ".{0,9}", 0..4)) {
            let message = Outgoing { body: body.clone(), attributes: attributes.clone() };
            let file = header(&message).expect("small") + &body;
            let letter = Letter { attributes, body: body.into() };
            prop_assert_eq!(decode(&file.into()), Ok(letter));
        }

        #[test]
        fn no_bytes_panic(file in prop::collection::vec(any::<u8>(), 0..200)) {
            decode(&file.into()).ok();
        }
    }
}
