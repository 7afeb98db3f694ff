//! Whose events a message holds, of what source, and where each goes.
//!
//! The source is the attribute `source`, else the event's own shape; the tenant
//! the attribute `tenant_id` where attributes are trusted, else the default.
//! What has no recognisable source, or an invalid tenant, is set aside for the
//! quarantine with its reason.

use std::{collections::BTreeMap, sync::Arc};

use audit::{
    key::Secret,
    message::{self, Bad, Content, Decoder, Event, Pull},
    source::Source,
    tenant::Tenant,
};
use bytes::Bytes;

use super::{
    batcher,
    parcel::{Aside, Load, Origin, Parcel, Stake},
};
use crate::{
    base::{Address, Failure},
    ports::{Message, Store},
};

#[derive(Debug)]
pub struct Intake {
    pub limits: message::Limits,
    pub default_tenant: Tenant,
    /// Whether `tenant_id` of a message is believed.
    pub trust_attributes: bool,
    /// In the order of [`Source::ALL`].
    pub normalizers: [Address<Parcel>; 4],
    pub batcher: Address<batcher::Message>,
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

/// The content of one message, parcel by parcel.
#[derive(Debug)]
pub struct Reader(Box<Decoder>);

impl Reader {
    pub async fn open(
        message: &Message,
        payloads: &dyn Store,
        limits: &message::Limits,
    ) -> Result<Reader, Unreadable> {
        let encoding = message.attributes.get("encoding").map(String::as_str);
        let content = Content::of(message.body.clone(), encoding, limits)?;
        let decoder = match content {
            Content::Events(decoder) => decoder,
            Content::Payload(pointer) => {
                let fetched = payloads.get(pointer.key()).await;
                let object = fetched.map_err(|error| Unreadable::Payload(error.to_string()))?;
                let object = object.ok_or_else(|| {
                    Unreadable::Content(format!("there is no object {}", pointer.key()))
                })?;
                pointer.verify(&object)?;
                Box::new(Decoder::of_object(object, limits))
            }
        };
        Ok(Reader(decoder))
    }

    pub fn next_parcel(&mut self) -> Result<Option<message::Parcel>, Unreadable> {
        match self.0.next_parcel()? {
            Pull::Parcel(parcel) => Ok(Some(parcel)),
            // All of it is in memory: nothing more will be fed.
            Pull::Hungry | Pull::End => Ok(None),
        }
    }
}

impl From<message::Unreadable> for Unreadable {
    fn from(unreadable: message::Unreadable) -> Unreadable {
        Unreadable::Content(unreadable.to_string())
    }
}

impl Intake {
    pub fn origin(&self, message: &Message) -> Arc<Origin> {
        let claimed = message
            .attributes
            .get("tenant_id")
            .filter(|_| self.trust_attributes);
        let tenant = match claimed {
            Some(id) => Tenant::parse(id).ok(),
            None => Some(self.default_tenant.clone()),
        };
        let claimed_tenant = claimed.map_or(self.default_tenant.as_str(), String::as_str);
        Arc::new(Origin {
            message_id: message.id.clone(),
            claimed_tenant: claimed_tenant.chars().take(CLAIMED_TENANT_MAX).collect(),
            tenant,
            sent_at_ms: message.sent_at_ms,
        })
    }

    /// Sends a parcel's events to the normalizers of their sources, and what is
    /// none to the batcher. Each part takes its share of the stake.
    pub async fn send(
        &self,
        parcel: message::Parcel,
        mut stake: Stake,
        origin: &Arc<Origin>,
        named: Option<Source>,
        secret: Secret,
    ) -> Result<(), Failure> {
        stake.shrink_to(parcel.bytes as u64);
        let (groups, aside) = sort(parcel, origin, named, &secret);
        if !aside.is_empty() {
            let stake = stake.part(aside.raw_bytes());
            let account = origin.account(named);
            let load = Load {
                stake,
                secret,
                account,
                rows: None,
                aside,
            };
            self.batcher.send(batcher::Message::Load(load)).await?;
        }
        for (source, events) in groups {
            let Some(tenant) = origin.tenant.clone() else {
                continue;
            };
            let stake = stake.part(events.iter().map(|event| event.raw.len() as u64).sum());
            let origin = Arc::clone(origin);
            let parcel = Parcel {
                stake,
                origin,
                tenant,
                source,
                secret,
                events,
            };
            self.normalizers[source as usize - 1].send(parcel).await?;
        }
        stake.close();
        Ok(())
    }
}

/// Events by source, and what cannot be sent to any.
fn sort(
    parcel: message::Parcel,
    origin: &Origin,
    named: Option<Source>,
    secret: &Secret,
) -> (BTreeMap<Source, Vec<Event>>, Aside) {
    let mut groups: BTreeMap<Source, Vec<Event>> = BTreeMap::new();
    let mut aside = Aside::default();
    let mut put_aside = |source: Option<Source>, raw: &Bytes, offset: u64, reason: String| {
        let entry = origin.entry(secret, source, raw, offset, reason);
        aside.entries.push((origin.account(source), entry));
    };
    for Bad {
        raw,
        offset,
        reason,
    } in parcel.bad
    {
        put_aside(named, &raw, offset, reason);
    }
    for object in parcel.objects {
        put_aside(named, &object.raw, object.offset, NO_OBJECTS.into());
    }
    for event in parcel.events {
        let source = named.or_else(|| Source::of_event(&event.raw));
        match source {
            _ if origin.tenant.is_none() => {
                put_aside(source, &event.raw, event.offset, BAD_TENANT.into());
            }
            None => put_aside(None, &event.raw, event.offset, NO_SOURCE.into()),
            Some(source) => groups.entry(source).or_default().push(event),
        }
    }
    if parcel.skipped > 0 {
        aside.skipped = Some((origin.account(named), parcel.skipped));
    }
    (groups, aside)
}

const BAD_TENANT: &str = "invalid tenant id: the attribute tenant_id must be 1 to 63 of \
     A-Z a-z 0-9 . _ - beginning with a letter or digit";

const NO_SOURCE: &str = "no recognisable source: set the attribute source to one of aws, \
     github, okta, teleport";

const NO_OBJECTS: &str = "S3 notifications need a bucket: not in embedded mode";

/// Characters kept of a tenant id that may be anything.
const CLAIMED_TENANT_MAX: usize = 128;
