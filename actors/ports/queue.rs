//! A queue with the manners of SQS: at least once, in any order, a message
//! hidden for a while after each receive and gone only when deleted with its
//! newest receipt.

use std::{collections::BTreeMap, fmt, sync::Arc};

use async_trait::async_trait;
use bytes::Bytes;

/// The queue's name for a message. A redelivery has the same id, a redrive
/// from a dead-letter queue has not: never a base for dropping anything.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct MessageId(pub Arc<str>);

/// What a delete needs: new at each receive, and only the newest is sure to work.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Receipt(pub Arc<str>);

#[derive(Clone, Debug)]
pub struct Message {
    pub id: MessageId,
    pub receipt: Receipt,
    pub body: Bytes,
    /// `source`, `tenant_id`, `encoding`, …; names as sent.
    pub attributes: BTreeMap<String, String>,
    /// Who sent it, as the queue itself verified (SQS `SenderId`); `None` where
    /// it does not tell.
    pub sender: Option<Arc<str>>,
    /// When it was first sent, milliseconds since 1970.
    pub sent_at_ms: i64,
    /// How often it has been received, this time included.
    pub receives: u32,
}

/// A message to send.
#[derive(Clone, Debug)]
pub struct Outgoing {
    /// UTF-8, at most 1 MiB, as SQS has it.
    pub body: String,
    pub attributes: BTreeMap<String, String>,
}

/// How much is waiting, where the queue can tell.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct Backlog {
    /// Ready to be received now.
    pub visible: u64,
    /// Received, neither deleted nor visible again.
    pub hidden: u64,
}

#[derive(Debug, thiserror::Error)]
pub enum QueueError {
    /// Passing or unknown: the same call may be made again, after a pause.
    #[error("queue unreachable: {0}")]
    Retry(String),
    /// The call can never succeed: the message says what to change.
    #[error("{0}")]
    Fatal(String),
}

#[async_trait]
pub trait Queue: Send + Sync + 'static {
    /// Waits for messages (a long poll) and returns at most `count_max` of
    /// them; none is a normal answer. Safe to cancel: what it took becomes
    /// visible again by itself.
    async fn receive(&self, count_max: usize) -> Result<Vec<Message>, QueueError>;

    /// Deletes; one result for each entry, in order. Deleting what is gone is
    /// a success.
    async fn delete(&self, entries: &[(MessageId, Receipt)]) -> Result<Vec<bool>, QueueError>;

    /// Puts a message that cannot be read where people will find it, with the
    /// reason. A queue with a dead-letter rule of its own does nothing and
    /// answers `false`.
    async fn bury(&self, message: &Message, reason: &str) -> Result<bool, QueueError>;

    /// Sends all of them; an error says nothing about which arrived.
    async fn send(&self, messages: Vec<Outgoing>) -> Result<(), QueueError>;

    /// `None` where the queue does not tell.
    async fn backlog(&self) -> Result<Option<Backlog>, QueueError>;
}

impl fmt::Display for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
