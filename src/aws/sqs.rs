//! The queue: SQS, standard, with nothing but receive, delete and send.
//!
//! Each receive asks for its own visibility, so that the queue's default does
//! not matter. Batch calls name their entries by number, since two copies of a
//! message may ride in one, and each entry's own result is read. The policy
//! grants no look at the queue's depth, so there is no backlog to tell.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use actors::ports::{self, Backlog, Clock, Message, MessageId, Outgoing, QueueError, Receipt};
use async_trait::async_trait;
use aws_sdk_sqs::{
    Client,
    config::Config,
    types::{
        self, BatchResultErrorEntry, DeleteMessageBatchRequestEntry, MessageSystemAttributeName,
    },
};
use bytes::Bytes;

use super::{
    ATTEMPT, attempt,
    letters::{self, Letter},
    location::partition,
    operation::{DELETE_MESSAGES, RECEIVE_MESSAGE, SEND_MESSAGES},
    trouble::{Trouble, ask},
};
use crate::settings::Aws;

/// The longest poll there is.
const WAIT: Duration = Duration::from_secs(20);
/// SQS takes and gives no more at a time.
const ENTRIES_MAX: usize = 10;
/// How long a look at the queue waits for a message, and hides it.
const PEEK: Duration = Duration::from_secs(2);
/// How often an entry that the service failed on is sent again, and after how long.
const SENDS_MAX: u32 = 3;
const SEND_PAUSE: Duration = Duration::from_millis(200);

#[derive(Clone, Debug)]
pub struct Queue(Arc<Inner>);

struct Inner {
    client: Client,
    url: String,
    arn: String,
    clock: Arc<dyn Clock>,
    visibility: Duration,
    /// What the proof at the start received, for the first receive.
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    at_ms: u64,
    messages: Vec<Message>,
}

impl std::fmt::Debug for Inner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Queue")
            .field("url", &self.url)
            .finish_non_exhaustive()
    }
}

impl Queue {
    pub(super) fn new(
        client: Client,
        aws: &Aws,
        clock: Arc<dyn Clock>,
        visibility: Duration,
    ) -> Queue {
        Queue(Arc::new(Inner {
            client,
            url: aws.queue_url.clone(),
            arn: arn(aws),
            clock,
            visibility,
            kept: Mutex::default(),
        }))
    }

    /// Shows that messages can be received and deleted, so that a service that
    /// may not says so at its start. What it receives, the first receive gives.
    pub async fn prove(&self) -> Result<(), Trouble> {
        let at_ms = self.0.clock.boot_ms();
        let messages = self
            .poll(ENTRIES_MAX, Duration::ZERO, self.0.visibility)
            .await?;
        *self.kept() = Kept { at_ms, messages };
        // The receipt is none, so nothing is deleted: the permission is asked first.
        let entry = (MessageId("none".into()), Receipt("none".into()));
        self.delete_some(&[entry]).await.map(|_| ())
    }

    /// As policies name it.
    pub(super) fn arn(&self) -> &str {
        &self.0.arn
    }

    /// One message, for a moment: others may have it soon.
    pub(super) async fn peek(&self) -> Result<Vec<Message>, Trouble> {
        self.poll(1, PEEK, PEEK).await
    }

    fn kept(&self) -> std::sync::MutexGuard<'_, Kept> {
        self.0.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What was kept, while it stays hidden from others for long enough.
    fn take_kept(&self, count_max: usize) -> Vec<Message> {
        let now_ms = self.0.clock.boot_ms();
        let mut kept = self.kept();
        let age = Duration::from_millis(now_ms.saturating_sub(kept.at_ms));
        if age > self.0.visibility / 2 {
            kept.messages.clear();
        }
        let count = count_max.min(kept.messages.len());
        kept.messages.drain(..count).collect()
    }

    async fn poll(
        &self,
        count_max: usize,
        wait: Duration,
        visibility: Duration,
    ) -> Result<Vec<Message>, Trouble> {
        let count = i32::try_from(count_max.clamp(1, ENTRIES_MAX)).unwrap_or(1);
        let request = self
            .0
            .client
            .receive_message()
            .queue_url(&self.0.url)
            .max_number_of_messages(count)
            .wait_time_seconds(seconds(wait))
            .visibility_timeout(seconds(visibility))
            .message_system_attribute_names(MessageSystemAttributeName::SenderId)
            .message_system_attribute_names(MessageSystemAttributeName::SentTimestamp)
            .message_system_attribute_names(MessageSystemAttributeName::ApproximateReceiveCount)
            .message_attribute_names("All")
            .customize()
            .config_override(Config::builder().timeout_config(attempt(wait + ATTEMPT)));
        let received = ask(RECEIVE_MESSAGE, &self.0.arn, request.send()).await?;
        let messages = received.messages.unwrap_or_default();
        Ok(messages.into_iter().filter_map(message).collect())
    }

    pub(super) async fn delete_some(
        &self,
        entries: &[(MessageId, Receipt)],
    ) -> Result<Vec<bool>, Trouble> {
        let request = entries.iter().enumerate().fold(
            self.0.client.delete_message_batch().queue_url(&self.0.url),
            |request, (index, (_, receipt))| {
                let entry = DeleteMessageBatchRequestEntry::builder()
                    .id(index.to_string())
                    .receipt_handle(&*receipt.0)
                    .build()
                    .expect("both of its fields are set");
                request.entries(entry)
            },
        );
        let answer = ask(DELETE_MESSAGES, &self.0.arn, request.send()).await?;
        let mut deleted = vec![false; entries.len()];
        for entry in answer.successful() {
            if let Some(slot) = index(entry.id()).and_then(|index| deleted.get_mut(index)) {
                *slot = true;
            }
        }
        Ok(deleted)
    }

    /// Sends what fits in one call; what the service failed on again, by itself.
    async fn send_some(&self, mut letters: Vec<Letter>) -> Result<(), QueueError> {
        for again in 1.. {
            let entries = letters.iter().enumerate();
            let entries = entries.map(|(index, letter)| letter.entry(index)).collect();
            let request = self
                .0
                .client
                .send_message_batch()
                .queue_url(&self.0.url)
                .set_entries(Some(entries));
            let answer = ask(SEND_MESSAGES, &self.0.arn, request.send()).await?;
            let failed = answer.failed();
            if let Some(refused) = failed.iter().find(|entry| entry.sender_fault()) {
                return Err(QueueError::Fatal(format!(
                    "SQS refuses a message: {}",
                    reason(refused)
                )));
            }
            let left: Vec<usize> = failed.iter().filter_map(|it| index(it.id())).collect();
            let Some(first) = failed.first() else {
                return Ok(());
            };
            if again >= SENDS_MAX {
                return Err(QueueError::Retry(format!(
                    "{} messages were not taken: {}",
                    failed.len(),
                    reason(first)
                )));
            }
            let mut place = 0..;
            letters.retain(|_| place.next().is_some_and(|at| left.contains(&at)));
            tokio::time::sleep(SEND_PAUSE * again).await;
        }
        Ok(())
    }
}

#[async_trait]
impl ports::Queue for Queue {
    async fn receive(&self, count_max: usize) -> Result<Vec<Message>, QueueError> {
        let kept = self.take_kept(count_max);
        if !kept.is_empty() {
            return Ok(kept);
        }
        Ok(self.poll(count_max, WAIT, self.0.visibility).await?)
    }

    async fn delete(&self, entries: &[(MessageId, Receipt)]) -> Result<Vec<bool>, QueueError> {
        let mut results = Vec::with_capacity(entries.len());
        for some in entries.chunks(ENTRIES_MAX) {
            results.extend(self.delete_some(some).await?);
        }
        Ok(results)
    }

    /// The queue has a dead-letter rule of its own.
    async fn bury(&self, _: &Message, _: &str) -> Result<bool, QueueError> {
        Ok(false)
    }

    async fn send(&self, messages: Vec<Outgoing>) -> Result<(), QueueError> {
        for some in letters::calls(messages)? {
            self.send_some(some).await?;
        }
        Ok(())
    }

    async fn backlog(&self) -> Result<Option<Backlog>, QueueError> {
        Ok(None)
    }
}

/// `None` for one without a receipt, which could never be deleted.
fn message(message: types::Message) -> Option<Message> {
    let system = message.attributes.unwrap_or_default();
    let number = |name: MessageSystemAttributeName| system.get(&name)?.parse::<i64>().ok();
    let attributes = message.message_attributes.unwrap_or_default();
    Some(Message {
        id: MessageId(message.message_id?.into()),
        receipt: Receipt(message.receipt_handle?.into()),
        body: Bytes::from(message.body.unwrap_or_default()),
        attributes: attributes
            .into_iter()
            .filter_map(|(name, value)| Some((name, value.string_value?)))
            .collect(),
        sender: system
            .get(&MessageSystemAttributeName::SenderId)
            .map(|sender| sender.as_str().into()),
        sent_at_ms: number(MessageSystemAttributeName::SentTimestamp).unwrap_or_default(),
        receives: number(MessageSystemAttributeName::ApproximateReceiveCount)
            .and_then(|count| u32::try_from(count).ok())
            .unwrap_or(1),
    })
}

/// As a policy names it.
fn arn(aws: &Aws) -> String {
    let (partition, region) = (partition(&aws.region), &aws.region);
    let (account, name) = (aws.account(), aws.queue_name());
    format!("arn:{partition}:sqs:{region}:{account}:{name}")
}

fn seconds(time: Duration) -> i32 {
    i32::try_from(time.as_secs()).unwrap_or(i32::MAX)
}

fn index(id: &str) -> Option<usize> {
    id.parse().ok()
}

fn reason(entry: &BatchResultErrorEntry) -> String {
    format!("{}: {}", entry.code(), entry.message().unwrap_or_default())
}

impl From<Trouble> for QueueError {
    fn from(trouble: Trouble) -> QueueError {
        QueueError::Retry(trouble.what)
    }
}
