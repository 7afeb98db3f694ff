//! Source buckets: who may be read at all, and what each failure means.

use actors::ports::{ObjectError, Objects as _};
use audit::message::Object;
use bytes::Bytes;

use super::{Answer, Wire};

fn object(bucket: &str, key: &str) -> Object {
    Object {
        bucket: bucket.to_owned(),
        key: key.to_owned(),
        version: None,
        bytes: None,
        raw: Bytes::new(),
        offset: 0,
    }
}

#[tokio::test]
async fn t7_a_pointer_to_a_foreign_bucket_makes_no_request() {
    let wire = Wire::always(Answer::ok("secret"));
    let objects = wire.cloud().objects;
    let long = "k".repeat(1_025);
    for (bucket, key) in [
        ("foreign-bucket", "k"),
        ("logs-bucket.evil.example.com", "k"),
        ("LOGS-BUCKET", "k"),
        ("169.254.169.254", "latest/meta-data"),
        ("logs-bucket/../foreign-bucket", "k"),
        ("arn:aws:s3:::foreign-bucket", "k"),
        ("", "k"),
        ("logs-bucket", ""),
        ("logs-bucket", &long),
        // Named as a source, but here it is where the program itself writes.
        ("lake-bucket", "data/acme/2026-01-02/f.parquet"),
        ("transient-bucket", "large_files/_idtrail/main/log/1"),
    ] {
        let read = objects.read(&object(bucket, key), 0, None).await;
        assert!(
            matches!(read, Err(ObjectError::Forbidden(_))),
            "{bucket} {key}: {read:?}"
        );
    }
    assert_eq!(wire.asked().len(), 0);
}

#[tokio::test]
async fn a_stretch_asks_for_its_range_version_tag_and_owner() {
    let wire = Wire::always(
        Answer::Http(206, vec![], Bytes::from_static(b"cd"))
            .with("content-range", "bytes 4194304-4194305/4194306")
            .with("etag", "\"one\"")
            .with("last-modified", "Fri, 02 Jan 2026 03:04:05 GMT"),
    );
    let mut wanted = object("owned-bucket", "a b/ü+c.json.gz");
    wanted.version = Some("v1".to_owned());
    let objects = wire.cloud().objects;
    let read = objects.read(&wanted, 4 << 20, Some("\"one\"")).await;
    let read = read.expect("read");
    assert_eq!((&read.bytes[..], read.total_bytes), (&b"cd"[..], 4_194_306));
    assert_eq!(
        (&*read.tag, read.modified_ms),
        ("\"one\"", 1_767_323_045_000)
    );
    let asked = &wire.asked()[0];
    assert!(
        asked
            .target
            .starts_with("/owned-bucket/a%20b/%C3%BC%2Bc.json.gz?")
    );
    assert!(asked.target.contains("versionId=v1"), "{}", asked.target);
    assert_eq!(asked.header("range"), "bytes=4194304-8388607");
    assert_eq!(asked.header("if-match"), "\"one\"");
    assert_eq!(asked.header("x-amz-expected-bucket-owner"), "444455556666");
}

#[tokio::test]
async fn each_failure_says_whether_the_object_may_be_had_later() {
    for (answer, expected) in [
        (Answer::xml(404, "NoSuchKey"), "absent: of a test"),
        (Answer::xml(404, "NoSuchVersion"), "absent: of a test"),
        (Answer::xml(403, "AccessDenied"), "retry: s3:ListBucket"),
        (Answer::xml(403, "InvalidObjectState"), "retry: restore"),
        (Answer::xml(412, "PreconditionFailed"), "retry: replaced"),
        (Answer::xml(301, "PermanentRedirect"), "retry: region"),
        (Answer::xml(416, "InvalidRange"), "0 bytes"),
    ] {
        let wire = Wire::always(answer.clone());
        let objects = wire.cloud().objects;
        let read = objects.read(&object("logs-bucket", "k"), 0, None).await;
        let (kind, what) = match read {
            Ok(stretch) => (format!("{} bytes", stretch.bytes.len()), String::new()),
            Err(ObjectError::Absent(what)) => ("absent".to_owned(), what),
            Err(ObjectError::Retry(what)) => ("retry".to_owned(), what),
            Err(ObjectError::Forbidden(what)) => ("forbidden".to_owned(), what),
        };
        let (name, word) = expected.split_once(": ").unwrap_or((expected, ""));
        assert_eq!(kind, name, "{answer:?}");
        assert!(what.contains(word), "{answer:?} gave {what}");
    }
}

#[tokio::test]
async fn a_server_that_sends_another_range_is_not_believed() {
    let wire = Wire::always(
        Answer::Http(206, vec![], Bytes::from_static(b"ab")).with("content-range", "bytes 0-1/9"),
    );
    let objects = wire.cloud().objects;
    let read = objects
        .read(&object("logs-bucket", "k"), 2, Some("t"))
        .await;
    assert!(matches!(read, Err(ObjectError::Retry(_))), "{read:?}");
}
