//! Notices that name objects: which, and what becomes of those that do not.

use serde_json::{Value, json};

use super::*;

/// What a message gives: `bucket key version bytes` of its objects, reasons of
/// what is bad, and how much was skipped.
fn check(body: &Value, objects: &[&str], bad: &[&str], skipped: u64) {
    let text = body.to_string();
    let parcel = decode(text.as_bytes(), None).expect("reads");
    assert_eq!(parcel.events, [], "{text}");
    let found: Vec<String> = parcel.objects.iter().map(shown).collect();
    assert_eq!(found, objects, "{text}");
    assert_eq!(parcel.bad.len(), bad.len(), "{text}: {:?}", parcel.bad);
    for (found, expected) in parcel.bad.iter().zip(bad) {
        assert!(found.reason.contains(expected), "{text}: {}", found.reason);
    }
    assert_eq!(parcel.skipped, skipped, "{text}");
    for object in &parcel.objects {
        let again = decode(&object.raw, None).expect("reads");
        let means: Vec<String> = again.objects.iter().map(shown).collect();
        assert_eq!(means, [shown(object)], "sent again by itself");
    }
}

fn shown(object: &Object) -> String {
    let version = object.version.as_deref().unwrap_or("-");
    let bytes = object.bytes.map_or("-".into(), |bytes| bytes.to_string());
    format!("{} {} {version} {bytes}", object.bucket, object.key)
}

fn record(event: &str, key: &str) -> Value {
    json!({
        "eventVersion": "2.5", "eventSource": "aws:s3", "awsRegion": "eu-west-1",
        "eventTime": "2026-01-02T03:04:05.678Z", "eventName": event,
        "userIdentity": {"principalId": "EXAMPLE"},
        "requestParameters": {"sourceIPAddress": "192.0.2.7"},
        "s3": {
            "s3SchemaVersion": "1.0", "configurationId": "audit",
            "bucket": {"name": "logs", "arn": "arn:aws:s3:::logs"},
            "object": {"key": key, "size": 1024, "eTag": "d41d8cd9", "sequencer": "0A1B"},
        },
    })
}

fn event_bridge(kind: &str, key: &str) -> Value {
    json!({
        "version": "0", "id": "17793124-05d4-b198-2fde-7ededc63b103", "detail-type": kind,
        "source": "aws.s3", "account": "111122223333", "time": "2026-01-02T03:04:05Z",
        "region": "eu-west-1", "resources": ["arn:aws:s3:::logs"],
        "detail": {
            "version": "0", "bucket": {"name": "logs"},
            "object": {"key": key, "size": 5, "etag": "d41d8cd9", "version-id": "v1"},
            "request-id": "N4N7GDK58NMKJ12R", "requester": "111122223333", "reason": "PutObject",
        },
    })
}

fn sns(message: &Value) -> Value {
    json!({
        "Type": "Notification", "MessageId": "m-1",
        "TopicArn": "arn:aws:sns:eu-west-1:111122223333:audit", "Subject": "Amazon S3 Notification",
        "Message": message.to_string(), "Timestamp": "2026-01-02T03:04:05.678Z",
        "SignatureVersion": "1", "Signature": "EXAMPLE",
    })
}

#[test]
fn objects_that_were_written_are_named() {
    let put = record("ObjectCreated:Put", "a/b%3Dc+d%C3%A9%2B.json.gz");
    let named = "logs a/b=c dé+.json.gz - 1024";
    check(&json!({"Records": [put]}), &[named], &[], 0);
    check(&put, &[named], &[], 0);
    check(&sns(&json!({"Records": [put]})), &[named], &[], 0);
    let multipart = record("s3:ObjectCreated:CompleteMultipartUpload", "x");
    check(
        &json!({"EventName": "x", "Records": [put, multipart]}),
        &[named, "logs x - 1024"],
        &[],
        0,
    );

    let created = event_bridge("Object Created", "a+b%3Dc d.gz");
    check(&created, &["logs a+b%3Dc d.gz v1 5"], &[], 0);
    check(&sns(&created), &["logs a+b%3Dc d.gz v1 5"], &[], 0);

    let one = json!({"s3Bucket": "logs", "s3ObjectKey": ["a+b%3D"]});
    check(&one, &["logs a+b%3D - -"], &[], 0);
    let several = json!({"s3Bucket": "logs", "s3ObjectKey": ["a", "\"b", "c"]});
    let named = ["logs a - -", "logs \"b - -", "logs c - -"];
    check(&several, &named, &[], 0);
    check(&sns(&several), &named, &[], 0);
}

#[test]
fn an_absent_event_name_means_a_written_object_and_versions_are_told() {
    let bare = json!({"s3": {"bucket": {"name": "b"}, "object": {"key": "k", "versionId": "v"}}});
    check(&json!({"Records": [bare]}), &["b k v -"], &[], 0);
    let empty = json!({"s3": {"bucket": {"name": "b"}, "object": {"key": "k", "versionId": ""}}});
    check(&empty, &["b k - -"], &[], 0);
}

#[test]
fn notices_of_nothing_to_be_read_are_skipped_and_counted() {
    for name in [
        "ObjectRemoved:Delete",
        "ObjectTagging:Put",
        "ObjectRestore:Completed",
    ] {
        check(&json!({"Records": [record(name, "x")]}), &[], &[], 1);
    }
    for kind in ["Object Deleted", "Object Tags Added"] {
        check(&event_bridge(kind, "x"), &[], &[], 1);
        check(&sns(&event_bridge(kind, "x")), &[], &[], 1);
    }
    let digest = "AWSLogs/111122223333/CloudTrail-Digest/eu-west-1/x.json.gz";
    let encoded = digest.replace('/', "%2F");
    check(&record("ObjectCreated:Put", &encoded), &[], &[], 1);
    check(&event_bridge("Object Created", digest), &[], &[], 1);
    let both = json!({"s3Bucket": "logs", "s3ObjectKey": [digest, "a", digest]});
    check(&both, &["logs a - -"], &[], 2);
    check(&json!({"s3Bucket": "logs", "s3ObjectKey": []}), &[], &[], 1);
    let mut folder = record("ObjectCreated:Put", "a%2F");
    folder["s3"]["object"]["size"] = 0.into();
    check(&folder, &[], &[], 1);
}

#[test]
fn t7_what_names_no_object_is_bad_with_its_reason_and_alone() {
    let longest = "k".repeat(1_024);
    let good = format!("logs {longest} - 1024");
    for (key, reason) in [
        ("", "its key is empty"),
        ("a%", "not form-urlencoded"),
        ("a%2", "not form-urlencoded"),
        ("a%zz", "not form-urlencoded"),
        ("a%+1", "not form-urlencoded"),
        ("a%FF", "not form-urlencoded"),
        (&format!("{longest}k"), "more than the 1024 bytes"),
        (&"%C3%A9".repeat(513), "more than the 1024 bytes"),
    ] {
        let records = [
            record("ObjectCreated:Put", key),
            record("ObjectCreated:Put", &longest),
        ];
        check(&json!({"Records": records}), &[&good], &[reason], 0);
    }
    let mut other = record("ObjectCreated:Put", "k");
    other["s3"]["bucket"]["name"] = json!(["logs"]);
    check(&other, &[], &["not a notification as S3 writes them"], 0);
    other["s3"]["bucket"]["name"] = "".into();
    check(&other, &[], &["names no bucket"], 0);
    let twice = r#"{"s3":{"bucket":{"name":"a"},"bucket":{"name":"b"},"object":{"key":"k"}}}"#;
    let parcel = decode(twice.as_bytes(), None).expect("reads");
    assert_eq!((parcel.objects.len(), parcel.bad.len()), (0, 1));
    let config = json!({"s3Bucket": "logs", "s3ObjectKey": "AWSLogs/x/Config/y.json.gz"});
    check(&config, &[], &["as CloudTrail writes them"], 0);
    let empty = json!({"s3Bucket": "logs", "s3ObjectKey": ["", "a"]});
    check(&empty, &["logs a - -"], &["its key is empty"], 0);
    let many = json!({"s3Bucket": "logs", "s3ObjectKey": vec!["a"; 1_001]});
    check(&many, &[], &["names 1001 objects"], 0);
    let created = event_bridge("Object Created", "");
    check(&created, &[], &["its key is empty"], 0);
}

#[test]
fn notifications_and_events_may_share_a_message() {
    let body = "{\"a\":1}\n{\"s3Bucket\":\"b\",\"s3ObjectKey\":[\"k\"]}\n{\"b\":2}";
    let parcel = decode(body.as_bytes(), None).expect("reads");
    assert_eq!(texts(&parcel.events), [r#"{"a":1}"#, r#"{"b":2}"#]);
    assert_eq!(parcel.objects.len(), 1);
    assert_eq!(parcel.objects[0].offset, 8);
}
