//! Messages on their way out: how large SQS takes them to be, and how many go
//! in one call.
//!
//! A message is its body and its attributes, a call its messages: neither may
//! have more than 1 MiB. The tenant is the message's group, which on a standard
//! queue keeps one noisy tenant from delaying the others.

use actors::ports::{Outgoing, QueueError};
use aws_sdk_sqs::types::{MessageAttributeValue, SendMessageBatchRequestEntry};

/// Of a message, and of all messages of a call.
const BYTES_MAX: usize = 1 << 20;
const ENTRIES_MAX: usize = 10;
const GROUP_CHARS_MAX: usize = 128;
const TEXT: &str = "String";

#[derive(Debug)]
pub(super) struct Letter(Outgoing);

/// As many calls as it takes, in the order of the messages.
pub(super) fn calls(messages: Vec<Outgoing>) -> Result<Vec<Vec<Letter>>, QueueError> {
    let mut calls: Vec<Vec<Letter>> = Vec::new();
    let mut filled = 0;
    for message in messages {
        let letter = Letter(message);
        let bytes = letter.bytes();
        if bytes > BYTES_MAX {
            return Err(QueueError::Fatal(format!(
                "a message of {bytes} bytes, its attributes among them, is more than the \
                 {BYTES_MAX} that SQS takes: send it by way of the large files"
            )));
        }
        match calls.last_mut() {
            Some(call) if call.len() < ENTRIES_MAX && filled + bytes <= BYTES_MAX => {
                filled += bytes;
                call.push(letter);
            }
            _ => {
                filled = bytes;
                calls.push(vec![letter]);
            }
        }
    }
    Ok(calls)
}

impl Letter {
    /// As SQS counts: the body, and each attribute's name, type and value.
    fn bytes(&self) -> usize {
        let attributes = self.0.attributes.iter();
        let attributes = attributes.map(|(name, value)| name.len() + TEXT.len() + value.len());
        self.0.body.len() + attributes.sum::<usize>()
    }

    pub(super) fn entry(&self, index: usize) -> SendMessageBatchRequestEntry {
        let entry = SendMessageBatchRequestEntry::builder()
            .id(index.to_string())
            .message_body(&self.0.body)
            .set_message_group_id(self.group());
        self.0
            .attributes
            .iter()
            .fold(entry, |entry, (name, value)| {
                let value = MessageAttributeValue::builder()
                    .data_type(TEXT)
                    .string_value(value)
                    .build()
                    .expect("its type is set");
                entry.message_attributes(name, value)
            })
            .build()
            .expect("id and body are set")
    }

    /// What is no valid name of a group goes without one.
    fn group(&self) -> Option<String> {
        let tenant = self.0.attributes.get("tenant_id")?;
        let valid = (1..=GROUP_CHARS_MAX).contains(&tenant.len())
            && tenant.bytes().all(|byte| byte.is_ascii_graphic());
        valid.then(|| tenant.clone())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn outgoing(bytes: usize, tenant: &str) -> Outgoing {
        Outgoing {
            body: "x".repeat(bytes),
            attributes: BTreeMap::from([("tenant_id".to_owned(), tenant.to_owned())]),
        }
    }

    #[test]
    fn calls_hold_ten_messages_and_a_mebibyte_at_most() {
        // Each message has 19 bytes of attribute besides: name, type, value.
        for (sizes, expected) in [
            (vec![], vec![]),
            (vec![1; 25], vec![10, 10, 5]),
            (vec![600 << 10, 600 << 10, 1], vec![1, 2]),
            (vec![(1 << 20) - 19, 1], vec![1, 1]),
            (vec![(512 << 10) - 19, (512 << 10) - 19], vec![2]),
            (vec![(512 << 10) - 19, (512 << 10) - 18], vec![1, 1]),
        ] {
            let messages = sizes.iter().map(|size| outgoing(*size, "acme")).collect();
            let calls = calls(messages).expect("none is too large");
            let counts: Vec<usize> = calls.iter().map(Vec::len).collect();
            assert_eq!(counts, expected, "{sizes:?}");
        }
        let error = calls(vec![outgoing((1 << 20) - 18, "acme")]).expect_err("too large");
        assert!(error.to_string().contains("large files"), "{error}");
    }

    #[test]
    fn the_tenant_is_the_group_where_it_can_be() {
        for (tenant, group) in [
            ("acme", Some("acme")),
            ("", None),
            ("a b", None),
            ("münchen", None),
        ] {
            let entry = Letter(outgoing(1, tenant)).entry(3);
            assert_eq!(entry.message_group_id(), group);
            assert_eq!(entry.id(), "3");
        }
    }
}
