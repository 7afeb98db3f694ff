//! Sends events to the queue: what `publish`, `quarantine replay` and push
//! ingest have in common.
//!
//! [`Packing`] makes messages of events and is pure, so that it may run where
//! compressing holds up nobody; the [`Publisher`] sends what it made, and knows
//! queue and store by their ports only; [`Files`] does both for whole files.
//! Memory stays within a parcel and the message being packed.

mod feed;
mod files;
mod packing;

use std::{collections::BTreeMap, fmt, sync::Arc};

use actors::{
    pipeline::Ports,
    ports::{Outgoing, Queue, QueueError, Store, StoreError},
};
use audit::{
    credential::{self, Grant},
    message::{ENCODING, Pointer, Unreadable},
    source::Source,
};
use serde::Serialize;

pub use self::{
    feed::{Feed, Sharing},
    files::{FileError, Files},
    packing::{Packing, Ready},
};

/// A tenant id that no message can carry is replaced by this one, which is as
/// invalid, so that its events reach the quarantine.
const TENANT_UNSENDABLE: &str = "_unsendable";

/// What was sent.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug, Serialize)]
pub struct Sent {
    /// All that the other side will count as received, bad ones included.
    pub events: u64,
    pub messages: u64,
    /// Of the events, those sent as a payload and a pointer.
    pub offloaded: u64,
}

/// Where messages go, and what no message can hold.
#[derive(Clone)]
pub struct Outlet {
    pub queue: Arc<dyn Queue>,
    pub payloads: Arc<dyn Store>,
}

impl Outlet {
    pub fn of(ports: &Ports) -> Outlet {
        Outlet {
            queue: Arc::clone(&ports.queue),
            payloads: Arc::clone(&ports.transient),
        }
    }
}

/// Nothing is known of the message that was being sent.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    #[error("{0}; publish all of it again, what arrived is recognised")]
    Queue(#[from] QueueError),
    #[error("{0}; publish all of it again, what arrived is recognised")]
    Store(#[from] StoreError),
    #[error(transparent)]
    Pointer(#[from] Unreadable),
}

#[derive(Debug)]
pub struct Publisher {
    outlet: Outlet,
    attributes: BTreeMap<String, String>,
    grant: Option<Grant>,
    sent: Sent,
}

impl Publisher {
    /// Of events whose source and tenant are as said, or are told by whoever
    /// reads the messages.
    pub fn new(outlet: Outlet, source: Option<Source>, tenant: Option<&str>) -> Publisher {
        let source = source.map(|source| ("source".to_owned(), source.name().to_owned()));
        let tenant = tenant.map(|tenant| {
            let fits = !tenant.is_empty() && packing::is_sendable(tenant);
            let tenant = if fits { tenant } else { TENANT_UNSENDABLE };
            ("tenant_id".to_owned(), tenant.to_owned())
        });
        Publisher {
            outlet,
            attributes: source.into_iter().chain(tenant).collect(),
            grant: None,
            sent: Sent::default(),
        }
    }

    /// Of events that were pushed with this grant: each message is signed.
    pub fn granted(outlet: Outlet, source: Source, grant: Grant) -> Publisher {
        let publisher = Publisher::new(outlet, Some(source), Some(grant.tenant().as_str()));
        Publisher {
            grant: Some(grant),
            ..publisher
        }
    }

    /// Sends it; safe in the queue when this returns.
    pub async fn send(&mut self, ready: Ready) -> Result<(), PublishError> {
        match ready {
            Ready::Packed { body, events } => {
                self.message(body, Some(ENCODING)).await?;
                self.sent.events += events;
            }
            Ready::Plain(body) => {
                self.message(body, None).await?;
                self.sent.events += 1;
            }
            Ready::Payload(raw) => {
                let pointer = Pointer::of_content(&raw)?;
                // First, so that no pointer ever points to nothing. Named by
                // its content: if it is there, it is this one.
                self.outlet.payloads.create(pointer.key(), raw).await?;
                self.message(pointer.encode(), None).await?;
                self.sent.events += 1;
                self.sent.offloaded += 1;
            }
        }
        Ok(())
    }

    /// Sends all that is ready.
    pub async fn send_all(&mut self, packing: &mut Packing) -> Result<(), PublishError> {
        for ready in packing.take() {
            self.send(ready).await?;
        }
        Ok(())
    }

    pub fn sent(&self) -> Sent {
        self.sent
    }

    async fn message(&mut self, body: String, encoding: Option<&str>) -> Result<(), PublishError> {
        let mut attributes = self.attributes.clone();
        attributes.extend(encoding.map(|name| ("encoding".to_owned(), name.to_owned())));
        let signature = self.grant.as_ref().map(|grant| grant.sign(body.as_bytes()));
        attributes.extend(signature.map(|value| (credential::ATTRIBUTE.to_owned(), value)));
        let message = Outgoing { body, attributes };
        self.outlet.queue.send(vec![message]).await?;
        self.sent.messages += 1;
        Ok(())
    }
}

impl fmt::Debug for Outlet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outlet").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
