//! What AWS sends beside events, and text that is not quite JSON.

use serde_json::json;

use super::*;
use crate::source::Source;

fn check_bad(body: &[u8], reasons: &[&str]) {
    let parcel = decode(body, None).expect("reads");
    let shown = String::from_utf8_lossy(&body[..body.len().min(60)]);
    assert_eq!(
        (&parcel.events[..], parcel.skipped),
        (&[][..], 0),
        "{shown}"
    );
    assert_eq!(parcel.bad.len(), reasons.len(), "{shown}: {:?}", parcel.bad);
    for (bad, reason) in parcel.bad.iter().zip(reasons) {
        assert!(bad.reason.contains(reason), "{shown}: {}", bad.reason);
    }
}

fn sns(message: &str) -> String {
    json!({"Type": "Notification", "TopicArn": "arn:aws:sns:eu-west-1:111122223333:t",
        "Message": message, "MessageAttributes": {"source": {"Type": "String", "Value": "aws"}}})
    .to_string()
}

#[test]
fn a_confirmation_of_sns_says_what_to_do() {
    for kind in ["SubscriptionConfirmation", "UnsubscribeConfirmation"] {
        let body = json!({"Type": kind, "MessageId": "m-1", "Token": "t", "Message": "You have ...",
            "SubscribeURL": "https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription"});
        check_bad(body.to_string().as_bytes(), &["open the SubscribeURL"]);
    }
}

#[test]
fn sns_may_hold_what_a_message_may_hold() {
    let events = "{\"a\":1}\r\n{\"b\":2}\r\n";
    let bridge = r#"{"detail-type":"x","source":"y","detail":{"a":1} }"#;
    for (message, expected) in [
        (events.to_owned(), vec![r#"{"a":1}"#, r#"{"b":2}"#]),
        (
            STANDARD.encode(gzip(events.as_bytes())),
            vec![r#"{"a":1}"#, r#"{"b":2}"#],
        ),
        (
            STANDARD.encode(zstd_of(events.as_bytes())),
            vec![r#"{"a":1}"#, r#"{"b":2}"#],
        ),
        (STANDARD.encode(gzip(bridge.as_bytes())), vec![r#"{"a":1}"#]),
        (sns(r#"{"a":1}"#), vec![r#"{"a":1}"#]),
        ("\u{feff}{\"a\":1}".to_owned(), vec![r#"{"a":1}"#]),
    ] {
        let parcel = decode(sns(&message).as_bytes(), None).expect("reads");
        assert_eq!(texts(&parcel.events), expected, "{message}");
        assert_eq!(parcel.bad, []);
    }
    check_bad(sns("").as_bytes(), &["it is empty"]);
    check_bad(sns("H4sI!").as_bytes(), &["the SNS message cannot be read"]);
    check_bad(sns("H4sIAAAA").as_bytes(), &["compressed data is damaged"]);
    // Deeper envelopes stay closed: no source will be recognised.
    let deep = sns(&sns(&sns(r#"{"eventVersion":"1.11"}"#)));
    let parcel = decode(deep.as_bytes(), None).expect("reads");
    assert_eq!(parcel.events.len(), 1);
    assert_eq!(Source::of_event(&parcel.events[0].raw), None);
}

#[test]
fn an_envelope_of_endless_tiny_events_is_put_aside_whole() {
    let crowd = vec!["{}"; 70_000].join(",");
    let body = format!("{{\"x\":1,\"Records\":[{crowd}]}}");
    check_bad(body.as_bytes(), &["too many events in one envelope"]);
    check_bad(sns(&format!("[{crowd}]")).as_bytes(), &["too many events"]);
    let parcel = decode(format!("[{crowd}]").as_bytes(), None).expect("reads");
    assert_eq!(parcel.events.len(), 70_000);
}

#[test]
fn utf_16_is_named_and_other_marks_and_line_ends_are_read() {
    let text = "{\"a\":1}\n{\"b\":2}\n";
    let little: Vec<u8> = "\u{feff}"
        .encode_utf16()
        .chain(text.encode_utf16())
        .flat_map(u16::to_le_bytes)
        .collect();
    let big: Vec<u8> = "\u{feff}"
        .encode_utf16()
        .chain(text.encode_utf16())
        .flat_map(u16::to_be_bytes)
        .collect();
    for content in [little.clone(), gzip(&little), big.clone(), zstd_of(&big)] {
        let whole = Decoder::of_object(content.clone().into(), &Limits::default());
        assert_eq!(drain(whole), Err(Unreadable::Utf16));
        let fed = feeding::drain_fed(&content, &[1], &Limits::default());
        assert_eq!(fed, Err(Unreadable::Utf16));
    }
    let windows = format!("\u{feff}{}", text.replace('\n', "\r\n"));
    let parcel = decode(windows.as_bytes(), None).expect("reads");
    assert_eq!(texts(&parcel.events), [r#"{"a":1}"#, r#"{"b":2}"#]);
}

#[test]
fn logs_that_are_text_are_bad_line_by_line() {
    let flow = "2 111122223333 eni-1 192.0.2.1 192.0.2.2 443 49152 6 20 4249 1 2 ACCEPT OK\n";
    let balancer =
        "https 2026-01-02T03:04:05.000000Z app/x 192.0.2.1:2817 - -1 \"GET / HTTP/1.1\"\n";
    let reason = "not a JSON object: send each event as one";
    check_bad(flow.repeat(3).as_bytes(), &[reason; 3]);
    check_bad(balancer.repeat(2).as_bytes(), &[reason; 2]);
}

#[test]
fn what_other_services_send_through_event_bridge_has_no_source() {
    for detail in [
        json!({"schemaVersion": "2.0", "accountId": "111122223333", "region": "eu-west-1", "id": "x",
            "type": "UnauthorizedAccess:EC2/SSHBruteForce", "resource": {}, "severity": 2}),
        json!({"recordVersion": "1.3", "messageType": "ConfigurationItemChangeNotification",
            "configurationItem": {"awsAccountId": "111122223333"}}),
    ] {
        let body = json!({"version": "0", "detail-type": "x", "source": "aws.x", "detail": detail});
        let parcel = decode(body.to_string().as_bytes(), None).expect("reads");
        assert_eq!(parcel.events.len(), 1);
        assert_eq!(Source::of_event(&parcel.events[0].raw), None, "{body}");
    }
    let insight = br#"{"eventVersion":"1.11","eventCategory":"Insight","insightDetails":{}}"#;
    assert_eq!(Source::of_event(insight), Some(Source::Aws));
}
