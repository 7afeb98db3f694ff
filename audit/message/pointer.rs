//! A message that stands for a payload too large for the queue.
//!
//! `{"idtrail_payload":{"key":"payloads/…","bytes":…,"sha256":"…"}}`: whoever
//! publishes stores the payload first and then sends this. The key comes from
//! outside and names an object to be read, so that nothing but safe names below
//! `payloads/` is accepted, and what is fetched must be what was named.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::Unreadable;

/// Where payloads lie, in the large files' place.
const PREFIX: &str = "payloads/";
/// Longest key: what S3 allows at most, less its prefix in the bucket.
const KEY_BYTES_MAX: usize = 512;

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pointer {
    key: String,
    bytes: u64,
    sha256: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Form<P> {
    idtrail_payload: P,
}

impl Pointer {
    /// To this payload, stored under `payloads/<name>`.
    pub fn new(name: &str, payload: &[u8]) -> Result<Pointer, Unreadable> {
        Pointer {
            key: format!("{PREFIX}{name}"),
            bytes: payload.len() as u64,
            sha256: digest(payload),
        }
        .checked()
    }

    /// To this payload, named by its SHA-256: the same content, the same key.
    pub fn of_content(payload: &[u8]) -> Result<Pointer, Unreadable> {
        Pointer::new(&digest(payload), payload)
    }

    pub fn key(&self) -> &str {
        &self.key
    }

    /// Size of the payload.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The message's body.
    pub fn encode(&self) -> String {
        serde_json::to_string(&Form {
            idtrail_payload: self,
        })
        .expect("two strings and a number are always JSON")
    }

    /// Whether a body is a pointer: `None` if it is something else.
    pub fn of_body(body: &[u8]) -> Option<Result<Pointer, Unreadable>> {
        let inner = body.trim_ascii_start().strip_prefix(b"{")?;
        inner
            .trim_ascii_start()
            .starts_with(br#""idtrail_payload""#)
            .then(|| {
                let form: Form<Pointer> = serde_json::from_slice(body)
                    .map_err(|error| Unreadable::Pointer(error.to_string()))?;
                form.idtrail_payload.checked()
            })
    }

    /// Whether `payload` is the one that was meant.
    pub fn verify(&self, payload: &[u8]) -> Result<(), Unreadable> {
        if payload.len() as u64 != self.bytes {
            return Err(Unreadable::Payload(format!(
                "{} has {} bytes, not {}",
                self.key,
                payload.len(),
                self.bytes
            )));
        }
        if digest(payload) != self.sha256 {
            return Err(Unreadable::Payload(format!(
                "{} has another SHA-256",
                self.key
            )));
        }
        Ok(())
    }

    fn checked(self) -> Result<Pointer, Unreadable> {
        let safe = |segment: &str| {
            segment.starts_with(|c: char| c.is_ascii_alphanumeric())
                && segment
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'))
        };
        let name = self.key.strip_prefix(PREFIX);
        let valid =
            self.key.len() <= KEY_BYTES_MAX && name.is_some_and(|name| name.split('/').all(safe));
        if !valid {
            let shown: String = self.key.chars().take(64).collect();
            return Err(Unreadable::Pointer(format!(
                "key {shown:?} must be {PREFIX} and names of A-Z a-z 0-9 . _ -"
            )));
        }
        Ok(self)
    }
}

fn digest(payload: &[u8]) -> String {
    let mut hex = String::with_capacity(64);
    for byte in Sha256::digest(payload) {
        write!(hex, "{byte:02x}").expect("writing to a string cannot fail");
    }
    hex
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pointer_survives_its_encoding_and_knows_its_payload() {
        let pointer = Pointer::new("2026/a-1.json.zst", b"abc").expect("valid");
        let body = pointer.encode();
        assert_eq!(
            body,
            r#"{"idtrail_payload":{"key":"payloads/2026/a-1.json.zst","bytes":3,"#.to_owned()
                + r#""sha256":"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"}}"#
        );
        assert_eq!(Pointer::of_body(body.as_bytes()), Some(Ok(pointer.clone())));
        assert_eq!(pointer.verify(b"abc"), Ok(()));
        assert!(pointer.verify(b"abd").is_err());
        assert!(pointer.verify(b"abcd").is_err());
    }

    #[test]
    fn only_safe_keys_below_payloads_are_accepted() {
        let long = format!("payloads/{}", "a".repeat(KEY_BYTES_MAX));
        for key in [
            "data/acme/x",
            "payloads/",
            "payloads",
            "payloads//x",
            "payloads/../data/x",
            "payloads/./x",
            "payloads/a/..",
            "payloads/%2e%2e/x",
            "payloads/a b",
            "payloads/\u{0}",
            "payloads/\u{ff0e}x",
            "/payloads/x",
            "s3://bucket/payloads/x",
            &long,
        ] {
            let body = serde_json::json!({
                "idtrail_payload": {"key": key, "bytes": 1, "sha256": "00"}
            });
            let found = Pointer::of_body(body.to_string().as_bytes());
            assert!(
                matches!(found, Some(Err(Unreadable::Pointer(_)))),
                "{key:?}"
            );
        }
    }

    #[test]
    fn other_bodies_are_no_pointers_and_damaged_ones_are_refused() {
        assert_eq!(Pointer::of_body(br#"{"idtrail":1}"#), None);
        assert_eq!(Pointer::of_body(b"[]"), None);
        for body in [
            r#"{"idtrail_payload":"#,
            r#"{"idtrail_payload":{}}"#,
            r#"{"idtrail_payload":{"key":"payloads/x","bytes":-1,"sha256":""}}"#,
            r#"{"idtrail_payload":{"key":"payloads/x","bytes":1,"sha256":""},"more":1}"#,
        ] {
            let found = Pointer::of_body(body.as_bytes());
            assert!(matches!(found, Some(Err(Unreadable::Pointer(_)))), "{body}");
        }
    }
}
