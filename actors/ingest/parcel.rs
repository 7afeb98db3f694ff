//! What travels from the poller to the batcher: a part of one message.

use std::sync::Arc;

use audit::{
    accounting::Account, columns::Rows, key::Secret, message::Event, quarantine::Entry,
    source::Source, tenant::Tenant,
};

use bytes::Bytes;

use super::{inflight::Ticket, tenants::Claim};
use crate::{
    base::Lease,
    journal::claims::Rider,
    ports::{Message, MessageId, Receipt},
};

/// A party to a batch: a part of a message, and the credit it holds.
#[derive(Debug)]
pub struct Stake {
    ticket: Ticket,
    /// Given back when the stake ends. A copy's stake in another batch holds none.
    lease: Option<Lease>,
}

/// The message, or the object that it names, that a parcel is part of.
#[derive(Clone, Debug)]
pub struct Origin {
    pub message_id: MessageId,
    /// As `s3://bucket/key`.
    pub object: Option<String>,
    pub claim: Claim,
    /// Stands in for the time of events that have none: when the message was
    /// sent, or the object written.
    pub sent_at_ms: i64,
}

/// Events of one source, still raw.
#[derive(Debug)]
pub struct Parcel {
    pub stake: Stake,
    pub origin: Arc<Origin>,
    pub tenant: Tenant,
    pub source: Source,
    pub secret: Secret,
    pub events: Vec<Event>,
}

/// Events as rows.
#[derive(Debug)]
pub struct Load {
    pub stake: Stake,
    pub secret: Secret,
    /// Of the rows.
    pub account: Account,
    pub rows: Option<Rows>,
    pub aside: Aside,
}

/// What will not become rows: events for the quarantine, and what was skipped.
#[derive(Debug, Default)]
pub struct Aside {
    pub entries: Vec<(Account, Entry)>,
    /// Pieces that hold no event by design: test notices, digests.
    pub skipped: Option<(Account, u64)>,
}

impl Stake {
    pub fn new(ticket: Ticket, lease: Lease) -> Stake {
        Stake {
            ticket,
            lease: Some(lease),
        }
    }

    /// The parcel turned out smaller than its credit.
    pub fn shrink_to(&mut self, bytes: u64) {
        if let Some(lease) = &mut self.lease {
            lease.shrink_to(bytes);
        }
    }

    /// A stake for a part of the parcel, with that part of its credit.
    #[must_use]
    pub fn part(&mut self, bytes: u64) -> Stake {
        let lease = self.lease.as_mut().map(|lease| lease.split(bytes));
        Stake {
            ticket: self.ticket.split(),
            lease,
        }
    }

    /// Nothing is left of the parcel but its parts.
    pub fn close(self) {
        let last = self.settle();
        debug_assert!(
            last.is_none(),
            "the poller keeps a ticket of its own to the end"
        );
    }

    /// See [`Ticket::settle`].
    pub fn settle(self) -> Option<(MessageId, Receipt)> {
        self.ticket.settle()
    }
}

impl Rider for Stake {
    fn split(&self) -> Stake {
        Stake {
            ticket: self.ticket.split(),
            lease: None,
        }
    }
}

impl Origin {
    pub fn of_message(message: &Message, claim: Claim) -> Origin {
        Origin {
            message_id: message.id.clone(),
            object: None,
            claim,
            sent_at_ms: message.sent_at_ms,
        }
    }

    /// The account of a tenant's events of one source; none, of a bad claim.
    pub fn account(&self, tenant: Option<&Tenant>, source: Option<Source>) -> Account {
        let hour = self.sent_at_ms.div_euclid(3_600_000);
        Account {
            tenant: tenant.cloned(),
            source,
            hour: u32::try_from(hour.max(0)).unwrap_or(u32::MAX),
        }
    }

    /// The tenant as claimed, and the account, of what has no owner of its own.
    pub fn account_of(&self, source: Option<Source>, default: &Tenant) -> (String, Account) {
        let tenant = match &self.claim {
            Claim::Bad { claimed, .. } => return (claimed.clone(), self.account(None, source)),
            Claim::Of(tenant) => tenant,
            Claim::Silent => default,
        };
        (tenant.to_string(), self.account(Some(tenant), source))
    }

    /// A piece of this message, for the quarantine.
    pub fn entry(
        &self,
        secret: &Secret,
        (tenant, source): (&str, Option<Source>),
        (raw, offset): (&Bytes, u64),
        reason: String,
    ) -> Entry {
        Entry {
            tenant: tenant.to_owned(),
            source,
            reason,
            message_id: self.message_id.to_string(),
            object: self.object.clone(),
            offset,
            sent_at_ms: self.sent_at_ms,
            raw: raw.clone(),
            key: secret.quarantine_key(tenant, source, raw),
        }
    }
}

impl Aside {
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty() && self.skipped.is_none()
    }

    pub fn raw_bytes(&self) -> u64 {
        self.entries
            .iter()
            .map(|(_, entry)| entry.raw.len() as u64)
            .sum()
    }

    pub fn add(&mut self, account: &Account, entries: impl IntoIterator<Item = Entry>) {
        self.entries
            .extend(entries.into_iter().map(|entry| (account.clone(), entry)));
    }
}
