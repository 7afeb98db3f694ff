//! The publisher: takes files apart and sends their events.
//!
//! Knows queue and store by their ports only. Memory stays within a parcel and
//! the message being packed, whatever the file.

use std::{collections::BTreeMap, fmt::Write as _, io::Read, sync::Arc};

use actors::ports::{Outgoing, Queue, Store};
use audit::{
    message::{Decoder, ENCODING, Full, Limits, Packer, Pointer, Pull, Unreadable},
    source::Source,
};
use bytes::Bytes;
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use tokio::runtime::{self, Runtime};

use super::{Exit, Failure};

/// The 1 MiB that SQS allows a message, less room for the attributes.
const BODY_BYTES_MAX: usize = (1 << 20) - (4 << 10);

/// How many pieces of a file that are no events are told of one by one.
const BAD_TOLD_MAX: u64 = 10;

/// What was sent.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug, Serialize)]
pub(super) struct Sent {
    /// All that the other side will count as received, bad ones included.
    pub(super) events: u64,
    pub(super) messages: u64,
    /// Of the events, those sent as a payload and a pointer.
    pub(super) offloaded: u64,
}

pub(super) struct Publisher {
    runtime: Runtime,
    queue: Arc<dyn Queue>,
    payloads: Arc<dyn Store>,
    attributes: BTreeMap<String, String>,
    packer: Packer,
    sent: Sent,
}

impl Publisher {
    pub(super) fn new(
        queue: Arc<dyn Queue>,
        payloads: Arc<dyn Store>,
        source: Option<Source>,
        tenant: Option<&str>,
    ) -> Result<Publisher, Failure> {
        let source = source.map(|source| ("source".to_owned(), source.name().to_owned()));
        let tenant = tenant.map(|tenant| ("tenant_id".to_owned(), tenant.to_owned()));
        let attributes = source.into_iter().chain(tenant).collect();
        Ok(Publisher {
            runtime: runtime::Builder::new_current_thread()
                .enable_all()
                .build()?,
            queue,
            payloads,
            attributes,
            packer: Packer::new(BODY_BYTES_MAX),
            sent: Sent::default(),
        })
    }

    /// Sends what is in one file; its last events may wait for the next file's.
    pub(super) fn publish(
        &mut self,
        name: &str,
        reader: impl Read + Send + 'static,
    ) -> Result<(), Failure> {
        let mut bad = 0;
        let mut decoder = Decoder::of_reader(reader, &limits());
        loop {
            let parcel = match decoder.next_parcel() {
                Ok(Pull::Parcel(parcel)) => parcel,
                // Only a decoder that is fed is ever hungry.
                Ok(Pull::End | Pull::Hungry) | Err(Unreadable::Empty) => break,
                Err(why) => {
                    // What came before is sent: the error names the rest.
                    self.flush()?;
                    return Err(unreadable(name, &why));
                }
            };
            for event in parcel.events {
                self.event(event.raw)?;
            }
            for object in parcel.objects {
                self.alone(object.raw)?;
            }
            for piece in parcel.bad {
                bad += 1;
                if bad <= BAD_TOLD_MAX {
                    let (offset, reason) = (piece.offset, &*piece.reason);
                    tracing::warn!(
                        file = name,
                        offset,
                        reason,
                        "not an event, sent for quarantine"
                    );
                }
                self.alone(piece.raw)?;
            }
            if parcel.skipped > 0 {
                tracing::info!(
                    file = name,
                    notices = parcel.skipped,
                    "notices without events left out"
                );
            }
        }
        if bad > BAD_TOLD_MAX {
            tracing::warn!(file = name, pieces = bad, "not events, sent for quarantine");
        }
        Ok(())
    }

    /// Sends what is still being packed and says what was sent in all.
    pub(super) fn finish(mut self) -> Result<Sent, Failure> {
        self.flush()?;
        Ok(self.sent)
    }

    fn event(&mut self, raw: Bytes) -> Result<(), Failure> {
        match self.packer.push(&raw) {
            Full::No => self.sent.events += 1,
            Full::Message(body) => {
                self.send(body, Some(ENCODING))?;
                self.sent.events += 1;
            }
            Full::TooLarge => self.offload(raw)?,
        }
        Ok(())
    }

    /// By itself, so that it cannot make its neighbours unreadable.
    pub(super) fn alone(&mut self, raw: Bytes) -> Result<(), Failure> {
        match String::from_utf8(raw.to_vec()) {
            Ok(body) if body.len() <= BODY_BYTES_MAX => {
                self.send(body, None)?;
                self.sent.events += 1;
                Ok(())
            }
            _ => self.offload(raw),
        }
    }

    /// The payload first, so that no pointer ever points to nothing.
    fn offload(&mut self, raw: Bytes) -> Result<(), Failure> {
        let mut name = String::with_capacity(64);
        for byte in Sha256::digest(&raw) {
            write!(name, "{byte:02x}").expect("a String takes everything");
        }
        let pointer = Pointer::new(&name, &raw).map_err(Failure::outside)?;
        // Named by its content: if it is there, it is this one.
        self.runtime
            .block_on(self.payloads.create(pointer.key(), raw))?;
        self.send(pointer.encode(), None)?;
        self.sent.events += 1;
        self.sent.offloaded += 1;
        Ok(())
    }

    fn flush(&mut self) -> Result<(), Failure> {
        match self.packer.finish() {
            Some(body) => self.send(body, Some(ENCODING)),
            None => Ok(()),
        }
    }

    fn send(&mut self, body: String, encoding: Option<&str>) -> Result<(), Failure> {
        let mut attributes = self.attributes.clone();
        attributes.extend(encoding.map(|name| ("encoding".to_owned(), name.to_owned())));
        let message = Outgoing { body, attributes };
        self.runtime
            .block_on(self.queue.send(vec![message]))
            .map_err(|error| {
                let hint = "publish all of it again, what arrived is recognised";
                Failure::outside(format!("{error}; {hint}"))
            })?;
        self.sent.messages += 1;
        Ok(())
    }
}

/// The user's own file may be of any size; a single event may not.
fn limits() -> Limits {
    Limits {
        compressed_bytes: u64::MAX,
        unpacked_bytes: u64::MAX,
        ratio: u64::MAX,
        ..Limits::default()
    }
}

fn unreadable(name: &str, why: &Unreadable) -> Failure {
    Failure::new(Exit::Usage, format!("{name}: {why}"))
}

#[cfg(test)]
mod tests;
