//! The queue: what a receive asks for, entries told apart by number, results
//! read one by one, and the proof at the start.

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicU32, Ordering},
};

use actors::ports::{MessageId, Outgoing, Queue as _, QueueError, Receipt};
use serde_json::{Value, json};

use super::{Answer, Asked, Wire};

fn message(id: &str, receipt: &str) -> Value {
    json!({
        "MessageId": id, "ReceiptHandle": receipt, "Body": "{}",
        "Attributes": {
            "SenderId": "AIDAEXAMPLE", "SentTimestamp": "1767323045000",
            "ApproximateReceiveCount": "2"
        },
        "MessageAttributes": {
            "source": {"DataType": "String", "StringValue": "okta"},
            "blob": {"DataType": "Binary", "BinaryValue": "AAEC"}
        }
    })
}

fn received(messages: &[Value]) -> Answer {
    Answer::ok(json!({ "Messages": messages }).to_string())
}

#[tokio::test]
async fn a_receive_asks_for_a_long_poll_and_its_own_visibility() {
    let wire = Wire::always(received(&[message("m", "r")]));
    let messages = wire.cloud().queue.receive(25).await.expect("one");
    let asked = wire.asked()[0].json();
    assert_eq!(asked["WaitTimeSeconds"], 20);
    assert_eq!(asked["VisibilityTimeout"], 60);
    assert_eq!(asked["MaxNumberOfMessages"], 10);
    let message = &messages[0];
    assert_eq!(message.sender.as_deref(), Some("AIDAEXAMPLE"));
    assert_eq!(
        (message.sent_at_ms, message.receives),
        (1_767_323_045_000, 2)
    );
    let source = BTreeMap::from([("source".to_owned(), "okta".to_owned())]);
    assert_eq!(message.attributes, source);
}

#[tokio::test]
async fn two_copies_of_a_message_ride_in_one_delete_each_with_its_result() {
    let wire = Wire::new(|asked: &Asked| {
        let asked = asked.json();
        let ids: Vec<&Value> = asked["Entries"]
            .as_array()
            .expect("entries")
            .iter()
            .map(|entry| &entry["Id"])
            .collect();
        assert_eq!(ids, ["0", "1", "2"]);
        Answer::ok(
            json!({
                "Successful": [{"Id": "2"}, {"Id": "0"}],
                "Failed": [{"Id": "1", "SenderFault": true, "Code": "ReceiptHandleIsInvalid"}]
            })
            .to_string(),
        )
    });
    let entry = |id: &str, receipt: &str| (MessageId(id.into()), Receipt(receipt.into()));
    let entries = [entry("m", "old"), entry("m", "new"), entry("n", "r")];
    let deleted = wire.cloud().queue.delete(&entries).await.expect("answered");
    assert_eq!(deleted, [true, false, true]);
}

#[tokio::test]
async fn what_the_service_failed_on_is_sent_again_and_nothing_else() {
    let calls = AtomicU32::new(0);
    let wire = Wire::new(move |asked: &Asked| {
        let first = calls.fetch_add(1, Ordering::Relaxed) == 0;
        let entries = asked.json()["Entries"].clone();
        let bodies: Vec<&Value> = entries
            .as_array()
            .expect("entries")
            .iter()
            .map(|entry| &entry["MessageBody"])
            .collect();
        if first {
            assert_eq!(bodies, ["a", "b", "c"]);
            let failed = json!({"Id": "1", "SenderFault": false, "Code": "InternalError"});
            return Answer::ok(json!({"Failed": [failed], "Successful": []}).to_string());
        }
        assert_eq!(bodies, ["b"]);
        Answer::ok(json!({"Failed": [], "Successful": []}).to_string())
    });
    tokio::time::pause();
    let sent = wire.cloud().queue.send(outgoing(&["a", "b", "c"])).await;
    assert!(sent.is_ok(), "{sent:?}");
    assert_eq!(wire.asked().len(), 2);
}

#[tokio::test]
async fn what_is_the_senders_own_fault_is_not_sent_again() {
    let failed = json!({
        "Id": "0", "SenderFault": true, "Code": "InvalidMessageContents", "Message": "bad"
    });
    let wire = Wire::always(Answer::ok(
        json!({"Failed": [failed], "Successful": []}).to_string(),
    ));
    let sent = wire.cloud().queue.send(outgoing(&["a"])).await;
    assert!(matches!(sent, Err(QueueError::Fatal(what)) if what.contains("bad")));
    assert_eq!(wire.asked().len(), 1);
}

fn outgoing(bodies: &[&str]) -> Vec<Outgoing> {
    let message = |body: &&str| Outgoing {
        body: (*body).to_owned(),
        attributes: BTreeMap::new(),
    };
    bodies.iter().map(message).collect()
}

#[tokio::test]
async fn the_proof_at_the_start_keeps_what_it_received_for_the_first_receive() {
    let wire = Wire::new(|asked: &Asked| match asked.operation() {
        "ReceiveMessage" if asked.json()["WaitTimeSeconds"] == 0 => {
            received(&[message("a", "1"), message("b", "2")])
        }
        "ReceiveMessage" => received(&[]),
        _ => Answer::ok(json!({"Failed": [], "Successful": []}).to_string()),
    });
    let queue = wire.cloud().queue;
    queue.prove().await.expect("allowed");
    for expected in [vec!["a"], vec!["b"], vec![]] {
        let messages = queue.receive(1).await.expect("answered");
        let ids: Vec<&str> = messages.iter().map(|it| &*it.id.0).collect();
        assert_eq!(ids, expected);
    }
}

#[tokio::test]
async fn a_service_that_may_not_delete_says_so_at_its_start() {
    for (denied, action) in [
        ("ReceiveMessage", "sqs:ReceiveMessage"),
        ("DeleteMessageBatch", "sqs:DeleteMessage"),
    ] {
        let wire = Wire::new(move |asked: &Asked| {
            if asked.operation() == denied {
                Answer::json(403, "AccessDeniedException")
            } else {
                Answer::ok("{}")
            }
        });
        let trouble = wire.cloud().queue.prove().await.expect_err("denied");
        let start = format!("{action} on arn:aws:sqs:eu-central-1:111122223333:q is denied: ");
        assert!(trouble.what.starts_with(&start), "{trouble}");
    }
}
