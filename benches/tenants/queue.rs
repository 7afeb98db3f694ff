//! A queue whose messages are made when they are asked for: each of one tenant
//! and day, in turn.

use std::{collections::BTreeMap, fmt::Write as _, sync::Arc};

use actors::ports::{Backlog, Message, MessageId, Outgoing, Queue as Port, QueueError, Receipt};
use async_trait::async_trait;
use tokio::sync::Mutex;

use super::{DAYS, TENANTS};

const EVENTS_A_MESSAGE: u64 = 20;

/// 2026-06-01T00:00:00Z, the first day.
const BEGIN_MS: i64 = 1_780_272_000_000;
const DAY_MS: i64 = 86_400_000;

pub(crate) struct Queue {
    messages: u64,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    next: u64,
    deleted: u64,
}

impl Queue {
    pub(crate) fn new(events: u64) -> Queue {
        Queue {
            messages: events.div_ceil(EVENTS_A_MESSAGE),
            state: Mutex::default(),
        }
    }
}

fn message(number: u64) -> Message {
    let tenant = format!("tenant-{}", number % TENANTS);
    let day = number / TENANTS % DAYS;
    let mut body = String::new();
    for event in number * EVENTS_A_MESSAGE..(number + 1) * EVENTS_A_MESSAGE {
        write_event(&mut body, event, day);
    }
    let id: Arc<str> = number.to_string().into();
    Message {
        id: MessageId(Arc::clone(&id)),
        receipt: Receipt(id),
        body: body.into(),
        attributes: BTreeMap::from([
            ("source".to_owned(), "aws".to_owned()),
            ("tenant_id".to_owned(), tenant),
        ]),
        sender: None,
        sent_at_ms: BEGIN_MS + DAYS as i64 * DAY_MS,
        receives: 1,
    }
}

/// In CloudTrail's shape, of about a kilobyte.
fn write_event(body: &mut String, number: u64, day: u64) {
    let user = number % 37;
    let (minute, second) = (number / 60 % 60, number % 60);
    let scattered = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    writeln!(
        body,
        r#"{{"eventVersion":"1.11","userIdentity":{{"type":"AssumedRole","principalId":"AROAEXAMPLE{user:09}:worker-{user}","arn":"arn:aws:sts::111122223333:assumed-role/worker/worker-{user}","accountId":"111122223333","accessKeyId":"ASIAEXAMPLE{user:09}","sessionContext":{{"sessionIssuer":{{"type":"Role","principalId":"AROAEXAMPLE{user:09}","arn":"arn:aws:iam::111122223333:role/worker","accountId":"111122223333","userName":"worker"}},"attributes":{{"creationDate":"2026-06-01T00:00:00Z","mfaAuthenticated":"false"}}}}}},"eventTime":"2026-06-{:02}T12:{minute:02}:{second:02}Z","eventSource":"s3.amazonaws.com","eventName":"GetObject","awsRegion":"eu-central-1","sourceIPAddress":"192.0.2.{}","userAgent":"aws-sdk-rust/1","requestParameters":{{"bucketName":"example-{}","key":"{scattered:016x}"}},"requestID":"{scattered:016X}","eventID":"{number:032x}","readOnly":true,"eventType":"AwsApiCall","recipientAccountId":"111122223333"}}"#,
        day + 1,
        number % 200,
        number % 11,
    )
    .expect("to a string");
}

#[async_trait]
impl Port for Queue {
    async fn receive(&self, count_max: usize) -> Result<Vec<Message>, QueueError> {
        let numbers = {
            let mut state = self.state.lock().await;
            let begin = state.next;
            state.next = self.messages.min(begin + count_max as u64);
            begin..state.next
        };
        if numbers.is_empty() {
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
        Ok(numbers.map(message).collect())
    }

    async fn delete(&self, entries: &[(MessageId, Receipt)]) -> Result<Vec<bool>, QueueError> {
        self.state.lock().await.deleted += entries.len() as u64;
        Ok(vec![true; entries.len()])
    }

    async fn bury(&self, _: &Message, _: &str) -> Result<bool, QueueError> {
        Ok(true)
    }

    async fn send(&self, _: Vec<Outgoing>) -> Result<(), QueueError> {
        Ok(())
    }

    async fn backlog(&self) -> Result<Option<Backlog>, QueueError> {
        let state = self.state.lock().await;
        Ok(Some(Backlog {
            visible: self.messages - state.next,
            hidden: state.next - state.deleted,
        }))
    }
}
