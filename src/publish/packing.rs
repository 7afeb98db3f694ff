//! Events on their way to messages: packed many to one, or alone, or as a
//! payload that a message points to. Pure.

use audit::message::{Full, Packer};
use bytes::Bytes;

/// The 1 MiB that SQS allows a message, less room for the attributes.
const BODY_BYTES_MAX: usize = (1 << 20) - (4 << 10);

/// What the publisher sends as one message.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Ready {
    /// So many events.
    Packed { body: String, events: u64 },
    /// One event, or something that is none, as it is.
    Plain(String),
    /// The same, too large for a message or not allowed in one.
    Payload(Bytes),
}

#[derive(Debug)]
pub struct Packing {
    packer: Packer,
    /// Events in the message that is being packed.
    events: u64,
    ready: Vec<Ready>,
}

impl Default for Packing {
    fn default() -> Packing {
        Packing {
            packer: Packer::new(BODY_BYTES_MAX),
            events: 0,
            ready: Vec::new(),
        }
    }
}

impl Packing {
    /// Adds an event; its message may have room for more.
    pub fn event(&mut self, raw: Bytes) {
        match self.packer.push(&raw) {
            Full::No => self.events += 1,
            Full::Message(body) => {
                let events = std::mem::replace(&mut self.events, 1);
                self.ready.push(Ready::Packed { body, events });
            }
            Full::TooLarge => self.ready.push(Ready::Payload(raw)),
        }
    }

    /// By itself, so that it cannot make its neighbours unreadable.
    pub fn alone(&mut self, raw: Bytes) {
        let ready = match std::str::from_utf8(&raw) {
            Ok(body) if body.len() <= BODY_BYTES_MAX && is_sendable(body) => {
                Ready::Plain(body.to_owned())
            }
            _ => Ready::Payload(raw),
        };
        self.ready.push(ready);
    }

    /// Closes the message that is being packed.
    pub fn finish(&mut self) {
        if let Some(body) = self.packer.finish() {
            let events = std::mem::take(&mut self.events);
            self.ready.push(Ready::Packed { body, events });
        }
    }

    /// What has become ready.
    pub fn take(&mut self) -> Vec<Ready> {
        std::mem::take(&mut self.ready)
    }
}

/// Whether SQS takes the text: it allows the characters of XML 1.0 only. Packed
/// bodies are base64, and pointers are ASCII.
pub(super) fn is_sendable(text: &str) -> bool {
    text.chars().all(|c| {
        matches!(c, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_message_may_not_hold_becomes_a_payload() {
        for (raw, plain) in [
            (&b"not an event"[..], true),
            ("\u{fffd} \u{10ffff}\t\r\n\u{7f}".as_bytes(), true),
            (b"\x00", false),
            (b"a\x1b[2J", false),
            ("\u{fffe}".as_bytes(), false),
            (b"\xff", false),
            (&[b'a'; BODY_BYTES_MAX + 1], false),
        ] {
            let mut packing = Packing::default();
            packing.alone(Bytes::copy_from_slice(raw));
            let is_plain = matches!(packing.take()[..], [Ready::Plain(_)]);
            assert_eq!(is_plain, plain, "{:?}", raw.escape_ascii().to_string());
        }
    }

    #[test]
    fn each_event_is_counted_with_the_message_it_went_into() {
        let mut packing = Packing::default();
        let mut state = 1_u64;
        for _ in 0..5_000 {
            let mut text = "{\"a\":\"".to_owned();
            for _ in 0..32 {
                state = state
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1);
                text += &format!("{state:016x}");
            }
            packing.event((text + "\"}").into());
        }
        packing.finish();
        let ready = packing.take();
        assert!(ready.len() > 1, "{}", ready.len());
        let events: u64 = ready
            .iter()
            .map(|ready| match ready {
                Ready::Packed { body, events } => {
                    assert!(body.len() <= BODY_BYTES_MAX);
                    *events
                }
                other => panic!("{other:?}"),
            })
            .sum();
        assert_eq!(events, 5_000);
        packing.finish();
        assert_eq!(packing.take(), []);
    }
}
