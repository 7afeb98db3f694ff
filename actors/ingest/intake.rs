//! What a message or an object holds, and where each event goes.
//!
//! Content is decoded on the compute pool, parcel by parcel, each with its own
//! credit. The source of an event is the attribute `source`, else the event's
//! own shape; the tenant is found as [`super::tenants`] says. What has neither
//! is set aside for the quarantine with its reason; its neighbours go on.

use std::{collections::BTreeMap, sync::Arc};

use audit::{
    key::Secret,
    message::{self, Bad, Content, Decoder, Event, Object, Pull},
    source::Source,
    tenant::Tenant,
};
use bytes::Bytes;
use tokio::sync::Semaphore;

use super::{
    batcher,
    inflight::Ticket,
    object_reader::Named,
    parcel::{Aside, Load, Origin, Parcel, Stake},
    tenants::{Claim, Tenants},
};
use crate::{
    base::{Address, Budget, Compute, Failure, Lease, Panicked},
    ports::{Message, Store},
};

/// Payloads that may be in memory at once, in all: they are fetched whole.
const PAYLOAD_BYTES_MAX: u64 = 64 << 20;
const PAYLOAD_UNIT: u64 = 1 << 20;

#[derive(Debug)]
pub struct Intake {
    pub limits: message::Limits,
    pub tenants: Arc<Tenants>,
    pub budget: Budget,
    pub compute: Compute,
    /// In the order of [`Source::ALL`].
    pub normalizers: [Address<Parcel>; 4],
    pub batcher: Address<batcher::Message>,
    pub readers: Address<Named>,
    pub payloads: Payloads,
}

/// Where large messages have their content.
pub struct Payloads {
    store: Arc<dyn Store>,
    room: Semaphore,
}

/// What all parcels of a message or object have in common.
#[derive(Debug)]
pub struct Delivery {
    pub origin: Arc<Origin>,
    /// The attribute `source`.
    pub named: Option<Source>,
    pub secret: Secret,
    /// How often the queue has given the message.
    pub receives: u32,
    /// Kept to the end, so that the message cannot be done before all of it was
    /// sent on.
    pub ticket: Ticket,
}

/// Why a message cannot be read now.
#[derive(Debug, thiserror::Error)]
pub enum Unreadable {
    /// It never will be.
    #[error("{0}")]
    Content(String),
    /// What it points to could not be fetched: it may be later.
    #[error("its payload cannot be fetched: {0}")]
    Payload(String),
}

/// What came of decoding a little further.
#[derive(Debug)]
pub enum Step {
    /// A parcel was sent on; these objects it only names.
    Sent(Vec<Object>),
    /// The decoder needs another stretch.
    Hungry,
    End,
}

/// Events by source and tenant, and what goes elsewhere.
#[derive(Debug, Default)]
struct Sorted {
    groups: BTreeMap<(Source, Tenant), Vec<Event>>,
    aside: Aside,
    objects: Vec<Object>,
    bytes: u64,
}

impl Payloads {
    pub fn new(store: Arc<dyn Store>) -> Payloads {
        Payloads {
            store,
            room: Semaphore::new((PAYLOAD_BYTES_MAX / PAYLOAD_UNIT) as usize),
        }
    }
}

impl std::fmt::Debug for Payloads {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Payloads")
            .field("room", &self.room)
            .finish_non_exhaustive()
    }
}

impl Delivery {
    /// For a part that is read elsewhere.
    fn split(&self) -> Delivery {
        Delivery {
            origin: Arc::clone(&self.origin),
            ticket: self.ticket.split(),
            ..*self
        }
    }
}

impl From<message::Unreadable> for Unreadable {
    fn from(unreadable: message::Unreadable) -> Unreadable {
        Unreadable::Content(unreadable.to_string())
    }
}

impl From<Panicked> for Unreadable {
    fn from(panicked: Panicked) -> Unreadable {
        Unreadable::Content(panicked.to_string())
    }
}

impl Intake {
    /// Takes a whole message apart, sends its events on, and the objects that it
    /// names to the readers. Its own delivery comes back, to be settled.
    pub async fn take(
        &self,
        message: &Message,
        (ticket, secret): (Ticket, Secret),
        lease: &mut Option<Lease>,
    ) -> Result<Result<Delivery, Unreadable>, Failure> {
        let (claim, content) = match self.open(message).await {
            Ok(opened) => opened,
            Err(unreadable) => return Ok(Err(unreadable)),
        };
        let delivery = Delivery {
            origin: Arc::new(Origin::of_message(message, claim)),
            named: message
                .attributes
                .get("source")
                .and_then(|name| name.parse().ok()),
            secret,
            receives: message.receives,
            ticket,
        };
        let (mut decoder, _room) = match content {
            Content::Events(decoder) => (decoder, None),
            Content::Payload(pointer) => {
                // Credit must not wait for the network, nor for other payloads.
                drop(lease.take());
                match self.fetch(pointer).await {
                    Ok((decoder, room)) => (decoder, Some(room)),
                    Err(unreadable) => return Ok(Err(unreadable)),
                }
            }
        };
        loop {
            let (back, step) = match self.advance(decoder, &delivery, lease.take()).await? {
                Ok(advanced) => advanced,
                Err(unreadable) => return Ok(Err(unreadable)),
            };
            decoder = back;
            match step {
                Step::Sent(objects) => {
                    // No credit is held while this waits.
                    for object in objects {
                        let delivery = delivery.split();
                        self.readers.send(Named { object, delivery }).await?;
                    }
                }
                // All of it is in memory: nothing more will be fed.
                Step::Hungry | Step::End => return Ok(Ok(delivery)),
            }
        }
    }

    async fn open(&self, message: &Message) -> Result<(Claim, Content), Unreadable> {
        let (message, limits) = (message.clone(), self.limits.clone());
        let tenants = Arc::clone(&self.tenants);
        let opened = self.compute.run(move || {
            let claim = tenants.of_message(&message);
            let encoding = message.attributes.get("encoding").map(String::as_str);
            Content::of(message.body, encoding, &limits).map(|content| (claim, content))
        });
        Ok(opened.await??)
    }

    /// The content that a pointer names. It counts as held until the permit goes.
    async fn fetch(
        &self,
        pointer: message::Pointer,
    ) -> Result<(Box<Decoder>, tokio::sync::SemaphorePermit<'_>), Unreadable> {
        if pointer.bytes() > PAYLOAD_BYTES_MAX {
            return Err(Unreadable::Content(format!(
                "{} is said to have {} bytes, more than {PAYLOAD_BYTES_MAX}: split it",
                pointer.key(),
                pointer.bytes()
            )));
        }
        let units = pointer.bytes().div_ceil(PAYLOAD_UNIT).max(1) as u32;
        let room = self.payloads.room.acquire_many(units).await;
        let room = room.expect("nobody closes it");
        let fetched = self.payloads.store.get(pointer.key()).await;
        let payload = fetched.map_err(|error| Unreadable::Payload(error.to_string()))?;
        let payload = payload
            .ok_or_else(|| Unreadable::Content(format!("there is no object {}", pointer.key())))?;
        let limits = self.limits.clone();
        let verified = self.compute.run(move || {
            pointer.verify(&payload)?;
            Ok::<_, message::Unreadable>(Box::new(Decoder::of_object(payload, &limits)))
        });
        Ok((verified.await??, room))
    }

    /// Decodes one parcel, with credit for it, and sends it on.
    pub async fn advance(
        &self,
        mut decoder: Box<Decoder>,
        delivery: &Delivery,
        lease: Option<Lease>,
    ) -> Result<Result<(Box<Decoder>, Step), Unreadable>, Failure> {
        let lease = match lease {
            Some(lease) => lease,
            None => {
                let parcel = self.limits.parcel_bytes as u64;
                self.budget.acquire(parcel).await
            }
        };
        let (tenants, origin) = (Arc::clone(&self.tenants), Arc::clone(&delivery.origin));
        let (named, secret) = (delivery.named, delivery.secret);
        let decoded = self.compute.run(move || {
            let step = match decoder.next_parcel()? {
                Pull::Parcel(parcel) => Ok(sort(parcel, &origin, named, &secret, &tenants)),
                Pull::Hungry => Err(Step::Hungry),
                Pull::End => Err(Step::End),
            };
            Ok::<_, message::Unreadable>((decoder, step))
        });
        let (decoder, sorted) = match decoded.await {
            Ok(Ok(decoded)) => decoded,
            Ok(Err(unreadable)) => return Ok(Err(unreadable.into())),
            // It would panic again: that is no reason to drop the messages behind it.
            Err(panicked) => return Ok(Err(panicked.into())),
        };
        let step = match sorted {
            Ok(sorted) => Step::Sent(self.send(sorted, delivery, lease).await?),
            Err(step) => step,
        };
        Ok(Ok((decoder, step)))
    }

    /// Sends events to the normalizers of their sources, and what is none to the
    /// batcher. Each part takes its share of ticket and credit.
    async fn send(
        &self,
        sorted: Sorted,
        delivery: &Delivery,
        lease: Lease,
    ) -> Result<Vec<Object>, Failure> {
        let lease = self.cover(lease, sorted.bytes).await;
        let mut stake = Stake::new(delivery.ticket.split(), lease);
        stake.shrink_to(sorted.bytes);
        if !sorted.aside.is_empty() {
            let stake = stake.part(sorted.aside.raw_bytes());
            self.put_aside(sorted.aside, delivery, stake).await?;
        }
        for ((source, tenant), events) in sorted.groups {
            let stake = stake.part(events.iter().map(|event| event.raw.len() as u64).sum());
            let parcel = Parcel {
                stake,
                origin: Arc::clone(&delivery.origin),
                tenant,
                source,
                secret: delivery.secret,
                events,
            };
            self.normalizers[source as usize - 1].send(parcel).await?;
        }
        stake.close();
        Ok(sorted.objects)
    }

    /// Puts an object's notification into the quarantine, with the reason.
    pub async fn quarantine(
        &self,
        object: &Object,
        delivery: &Delivery,
        reason: String,
    ) -> Result<(), Failure> {
        let lease = self.budget.acquire(object.raw.len() as u64).await;
        let mut aside = Aside::default();
        let (origin, named) = (&delivery.origin, delivery.named);
        let (tenant, account) = origin.account_of(named, &self.tenants.default);
        let piece = (&object.raw, object.offset);
        let mut entry = origin.entry(&delivery.secret, (&tenant, named), piece, reason);
        entry.object = Some(name(object));
        aside.add(&account, [entry]);
        let stake = Stake::new(delivery.ticket.split(), lease);
        self.put_aside(aside, delivery, stake).await
    }

    async fn put_aside(
        &self,
        aside: Aside,
        delivery: &Delivery,
        stake: Stake,
    ) -> Result<(), Failure> {
        let (_, account) = delivery
            .origin
            .account_of(delivery.named, &self.tenants.default);
        let load = Load {
            stake,
            secret: delivery.secret,
            account,
            rows: None,
            aside,
        };
        Ok(self.batcher.send(batcher::Message::Load(load)).await?)
    }

    /// An event may be larger than a parcel, and must not be held on the credit
    /// of one. The old lease goes first: who holds credit never waits for more.
    async fn cover(&self, lease: Lease, bytes: u64) -> Lease {
        if bytes <= lease.bytes() {
            return lease;
        }
        drop(lease);
        self.budget.acquire(bytes).await
    }
}

/// An object's name as people write it.
pub(super) fn name(object: &Object) -> String {
    format!("s3://{}/{}", object.bucket, object.key)
}

/// Where each piece of a parcel goes.
fn sort(
    parcel: message::Parcel,
    origin: &Origin,
    named: Option<Source>,
    secret: &Secret,
    tenants: &Tenants,
) -> Sorted {
    let mut sorted = Sorted {
        bytes: parcel.bytes as u64,
        ..Sorted::default()
    };
    let aside = &mut sorted.aside;
    let mut put_aside = |source: Option<Source>, (raw, offset): (&Bytes, u64), reason: String| {
        let (tenant, account) = origin.account_of(source, &tenants.default);
        let entry = origin.entry(secret, (&tenant, source), (raw, offset), reason);
        aside.entries.push((account, entry));
    };
    for bad in parcel.bad {
        let Bad {
            raw,
            offset,
            reason,
        } = bad;
        put_aside(named, (&raw, offset), reason);
    }
    if origin.object.is_some() {
        for inner in &parcel.objects {
            put_aside(named, (&inner.raw, inner.offset), NESTED.to_owned());
        }
    } else {
        sorted.objects = parcel.objects;
    }
    for event in parcel.events {
        let source = named.or_else(|| Source::of_event(&event.raw));
        let tenant = match (&origin.claim, source) {
            (Claim::Bad { reason, .. }, _) => Err(reason.as_str()),
            (_, None) => Err(NO_SOURCE),
            (Claim::Of(tenant), Some(source)) => Ok((source, tenant)),
            (Claim::Silent, Some(source)) => Ok((source, tenants.of_event(source, &event))),
        };
        match tenant {
            Ok((source, tenant)) => {
                let group = sorted.groups.entry((source, tenant.clone()));
                group.or_default().push(event);
            }
            Err(reason) => put_aside(source, (&event.raw, event.offset), reason.to_owned()),
        }
    }
    if parcel.skipped > 0 {
        let (_, account) = origin.account_of(named, &tenants.default);
        aside.skipped = Some((account, parcel.skipped));
    }
    sorted
}

const NO_SOURCE: &str = "no recognisable source: set the attribute source to one of aws, \
     github, okta, teleport";

const NESTED: &str = "an object names another object: only those that a message names are read";
