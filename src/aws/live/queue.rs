//! The queue, tried with a message that the service knows to skip; and the
//! source buckets, by asking for an object that is not there.

use std::collections::BTreeMap;

use actors::ports::{Message, MessageId, ObjectError, Outgoing, Queue as _, QueueError, Receipt};
use audit::message::Object;
use bytes::Bytes;
use serde_json::json;

use super::Live;
use crate::{
    aws::{
        Kind, Objects, Queue,
        objects::Refusal,
        operation::{DELETE_MESSAGES, GET_OBJECT, RECEIVE_MESSAGE, SEND_MESSAGES},
    },
    finding::Finding,
    settings::Aws,
};

impl Live {
    /// Whatever is received is left alone but the message sent here. Should it
    /// not be seen, the service skips it: S3 itself sends such ones.
    pub(super) async fn queue(&mut self, queue: &Queue, nonce: u64) {
        let arn = queue.arn().to_owned();
        self.trying(&arn);
        let body = json!({
            "Service": "idtrail check",
            "Event": "s3:TestEvent",
            "RequestId": format!("{nonce:016x}"),
        })
        .to_string();
        let message = Outgoing {
            body: body.clone(),
            attributes: BTreeMap::new(),
        };
        match queue.send(vec![message]).await {
            Ok(()) => self.add(Finding::good(SEND_MESSAGES.action, &arn)),
            Err(QueueError::Retry(reason) | QueueError::Fatal(reason)) => {
                self.add(Finding::bad(SEND_MESSAGES.action, &arn, reason));
            }
        }
        let received = queue.peek().await;
        let received = self
            .note(RECEIVE_MESSAGE, &arn, received)
            .unwrap_or_default();
        let is_ours = |message: &Message| message.body == body.as_bytes();
        let ours = received.into_iter().find(is_ours);
        // Permission is asked before receipts are looked at.
        let none = (MessageId("none".into()), Receipt("none".into()));
        let entry = ours.map_or(none, |message| (message.id, message.receipt));
        let deleted = queue.delete_some(&[entry]).await;
        self.note(DELETE_MESSAGES, &arn, deleted);
    }

    pub(super) async fn sources(&mut self, objects: &Objects, aws: &Aws, nonce: u64) {
        for bucket in aws.source_buckets.keys() {
            let place = format!("s3://{bucket}");
            self.trying(&place);
            let absent = Object {
                bucket: bucket.clone(),
                key: format!("idtrail-check/{nonce:016x}"),
                version: None,
                bytes: None,
                raw: Bytes::new(),
                offset: 0,
            };
            let what = GET_OBJECT.action;
            match objects.stretch(&absent, 0, None).await {
                Ok(_) => self.add(Finding::good(what, &place)),
                Err(Refusal::Trouble(trouble)) if trouble.kind == Kind::Absent => {
                    self.add(Finding::good(what, &place));
                }
                Err(refusal) => {
                    let denied =
                        matches!(&refusal, Refusal::Trouble(it) if it.kind == Kind::Denied);
                    let finding =
                        Finding::bad(what, &place, ObjectError::from(refusal).to_string());
                    // An object that is not there looks denied without s3:ListBucket.
                    self.add(if denied { finding.unsure() } else { finding });
                }
            }
        }
    }
}
