//! The store: every outcome of a creation, absence and nothing else as absence,
//! stretches of one content, pages, versions, uploads in parts.

use std::time::Duration;

use actors::ports::{Expiry, Store as _, StoreError};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use sha2::{Digest as _, Sha256};

use super::{Answer, Asked, Wire};

const KEY: &str = "data/acme/2026-01-02/f.parquet";

fn outcome<T: std::fmt::Debug>(result: Result<T, StoreError>) -> String {
    match result {
        Ok(value) => format!("{value:?}"),
        Err(StoreError::Retry(_)) => "retry".to_owned(),
        Err(StoreError::Fatal(_)) => "fatal".to_owned(),
    }
}

#[tokio::test]
async fn a_creation_is_asked_once_and_has_three_outcomes() {
    for (answer, expected) in [
        (Answer::ok(""), "New"),
        (Answer::xml(412, "PreconditionFailed"), "Exists"),
        (Answer::xml(409, "ConditionalRequestConflict"), "retry"),
        (Answer::xml(500, "InternalError"), "retry"),
        (Answer::xml(503, "SlowDown"), "retry"),
        (Answer::xml(403, "AccessDenied"), "fatal"),
        (Answer::xml(404, "NoSuchBucket"), "fatal"),
        (Answer::Broken, "retry"),
    ] {
        let wire = Wire::always(answer.clone());
        let created = wire
            .cloud()
            .lake
            .create(KEY, Bytes::from_static(b"x"))
            .await;
        assert_eq!(outcome(created), expected, "{answer:?}");
        assert_eq!(wire.asked().len(), 1, "{answer:?}");
    }
}

#[tokio::test]
async fn a_creation_carries_condition_and_checksum_and_its_own_place() {
    let wire = Wire::always(Answer::ok(""));
    let body = Bytes::from_static(b"some rows");
    let created = wire.cloud().lake.create(KEY, body.clone()).await;
    assert_eq!(outcome(created), "New");
    let asked = &wire.asked()[0];
    assert_eq!(asked.method, "PUT");
    let path = asked.target.split('?').next();
    assert_eq!(path, Some("/lake-bucket/data/acme/2026-01-02/f.parquet"));
    assert_eq!(asked.header("if-none-match"), "*");
    let digest = STANDARD.encode(Sha256::digest(&body));
    assert_eq!(asked.header("x-amz-checksum-sha256"), digest);
    assert_eq!(asked.body, body);

    let elsewhere = wire.cloud().lake.create("payloads/x", body).await;
    assert_eq!(outcome(elsewhere), "fatal");
    assert_eq!(wire.asked().len(), 1);
}

#[tokio::test]
async fn only_no_such_key_is_absence() {
    for (answer, expected) in [
        (Answer::xml(404, "NoSuchKey"), "None"),
        (Answer::xml(404, "NoSuchBucket"), "fatal"),
        (Answer::Http(404, vec![], Bytes::new()), "retry"),
        (Answer::xml(403, "AccessDenied"), "fatal"),
        (Answer::xml(416, "InvalidRange"), "Some(b\"\")"),
        (Answer::ok("abc"), "Some(b\"abc\")"),
    ] {
        let wire = Wire::always(answer.clone());
        let got = wire.cloud().lake.get(KEY).await;
        assert_eq!(outcome(got), expected, "{answer:?}");
    }
}

/// An object of this size, with a tag that changes at `changes`.
fn object(total: usize, changes: Option<usize>) -> impl Fn(&Asked) -> Answer + Send + Sync {
    move |asked: &Asked| {
        let range = asked.header("range").trim_start_matches("bytes=");
        let (start, end) = range.split_once('-').expect("a range");
        let start: usize = start.parse().expect("a number");
        let end: usize = end.parse::<usize>().expect("a number").min(total - 1);
        if start > 0 && asked.header("if-match") != "\"one\"" {
            return Answer::xml(400, "InvalidRequest");
        }
        if changes.is_some_and(|at| start >= at) {
            return Answer::xml(412, "PreconditionFailed");
        }
        Answer::Http(206, vec![], Bytes::from(vec![7; end + 1 - start]))
            .with("etag", "\"one\"")
            .with("content-range", format!("bytes {start}-{end}/{total}"))
    }
}

#[tokio::test]
async fn a_large_object_is_read_by_stretches_of_one_content() {
    let total = (40 << 20) + 1;
    let wire = Wire::new(object(total, None));
    let got = wire.cloud().lake.get(KEY).await.expect("all of it");
    assert_eq!(got.map(|bytes| bytes.len()), Some(total));
    assert_eq!(wire.asked().len(), 3);

    let wire = Wire::new(object(total, Some(20 << 20)));
    let got = wire.cloud().lake.get(KEY).await;
    assert_eq!(outcome(got.map(|_| ())), "retry");
}

#[tokio::test]
async fn a_listing_goes_through_all_pages_in_the_stores_own_keys() {
    let wire = Wire::new(|asked| {
        let page = |key: &str, more: &str| {
            Answer::ok(format!(
                "<ListBucketResult><Contents><Key>{key}</Key><Size>3</Size></Contents>{more}\
                 </ListBucketResult>"
            ))
        };
        if asked.target.contains("continuation-token=next") {
            page("data/b", "<IsTruncated>false</IsTruncated>")
        } else {
            page(
                "data/a",
                "<IsTruncated>true</IsTruncated><NextContinuationToken>next</NextContinuationToken>",
            )
        }
    });
    let listed = wire.cloud().lake.list("data/", Some("data/0")).await;
    let listed = listed.expect("two pages");
    let keys: Vec<&str> = listed.iter().map(|it| it.key.as_str()).collect();
    assert_eq!(keys, ["data/a", "data/b"]);
    let asked = wire.asked();
    assert_eq!(asked.len(), 2);
    assert!(asked[0].target.contains("prefix=data%2F"), "{asked:?}");
    assert!(
        asked[0].target.contains("start-after=data%2F0"),
        "{asked:?}"
    );
}

#[tokio::test]
async fn what_is_removed_goes_with_its_versions_and_no_others() {
    let wire = Wire::new(|asked| match asked.method.as_str() {
        "GET" => Answer::ok(
            "<ListVersionsResult>\
             <Version><Key>data/f</Key><VersionId>v2</VersionId></Version>\
             <Version><Key>data/f</Key><VersionId>v1</VersionId></Version>\
             <Version><Key>data/f2</Key><VersionId>other</VersionId></Version>\
             <DeleteMarker><Key>data/f</Key><VersionId>m1</VersionId></DeleteMarker>\
             <IsTruncated>false</IsTruncated></ListVersionsResult>",
        ),
        _ => Answer::Http(204, vec![], Bytes::new()),
    });
    wire.cloud().lake.remove("data/f").await.expect("removed");
    let asked = wire.asked();
    let removed: Vec<&str> = asked[1..]
        .iter()
        .filter_map(|asked| asked.target.split("versionId=").nth(1))
        .collect();
    assert_eq!(removed, ["v2", "v1", "m1"]);
}

#[tokio::test]
async fn where_versions_are_denied_a_plain_deletion_does() {
    for code in ["AccessDenied", "NotImplemented"] {
        let wire = Wire::new(move |asked| match asked.method.as_str() {
            "GET" => Answer::xml(403, code),
            _ => Answer::Http(204, vec![], Bytes::new()),
        });
        wire.cloud().lake.remove("data/f").await.expect("removed");
        let asked = wire.asked();
        assert_eq!(asked.len(), 2, "{asked:?}");
        assert!(!asked[1].target.contains("versionId"), "{asked:?}");
    }
}

/// What is asked to expire: of the log, what is an hour older than a boundary.
fn expiry() -> Expiry {
    Expiry {
        folder: "log/".into(),
        below: "log/4".into(),
        older: Some(("boundary/3".into(), Duration::from_secs(3_600))),
    }
}

const BOUNDARY: &str = "<ListBucketResult><Contents><Key>large_files/boundary/3</Key><Size>0</Size>\
    <LastModified>2026-01-01T12:00:00.000Z</LastModified></Contents></ListBucketResult>";

#[tokio::test]
async fn what_expires_is_old_by_the_stores_clock_and_goes_with_its_versions() {
    let wire = Wire::new(|asked| match asked.method.as_str() {
        "GET" if asked.target.contains("boundary") => Answer::ok(BOUNDARY),
        "GET" => {
            let version = |kind: &str, key: &str, id: &str, time: &str| {
                format!(
                    "<{kind}><Key>large_files/log/{key}</Key><VersionId>{id}</VersionId>\
                     <LastModified>2026-01-01T{time}:00.000Z</LastModified></{kind}>"
                )
            };
            let page = [
                version("Version", "1", "old", "10:00"),
                version("Version", "2", "exact", "11:00"),
                version("Version", "3", "young", "11:01"),
                version("Version", "4", "beyond", "10:00"),
                version("DeleteMarker", "1", "marker", "10:30"),
            ];
            Answer::ok(format!(
                "<ListVersionsResult>{}<IsTruncated>true</IsTruncated></ListVersionsResult>",
                page.concat()
            ))
        }
        _ => Answer::ok("<DeleteResult></DeleteResult>"),
    });
    let more = wire.cloud().transient.expire(&expiry()).await;
    assert!(!more.expect("expired"), "what is young ends it");
    let asked = wire.asked();
    let body = String::from_utf8_lossy(&asked[2].body).into_owned();
    let ids: Vec<&str> = body
        .split("<VersionId>")
        .skip(1)
        .filter_map(|rest| rest.split('<').next())
        .collect();
    assert_eq!(ids, ["old", "exact", "marker"], "{body}");
}

#[tokio::test]
async fn where_versions_are_denied_what_expires_is_deleted_plainly() {
    let wire = Wire::new(|asked| match asked.method.as_str() {
        "GET" if asked.target.contains("boundary") => Answer::ok(BOUNDARY),
        "GET" if asked.target.contains("versions") => Answer::xml(403, "AccessDenied"),
        "GET" => Answer::ok(
            "<ListBucketResult><Contents><Key>large_files/log/1</Key><Size>3</Size>\
             <LastModified>2026-01-01T10:00:00.000Z</LastModified></Contents>\
             <IsTruncated>true</IsTruncated></ListBucketResult>",
        ),
        _ => Answer::ok("<DeleteResult></DeleteResult>"),
    });
    let more = wire.cloud().transient.expire(&expiry()).await;
    assert!(more.expect("expired"), "a whole page went");
    let asked = wire.asked();
    let body = String::from_utf8_lossy(&asked[3].body).into_owned();
    assert!(
        body.contains("log/1") && !body.contains("VersionId"),
        "{body}"
    );
}

#[tokio::test]
async fn a_deletion_that_is_refused_in_part_is_told() {
    let wire = Wire::new(|asked| match asked.method.as_str() {
        "GET" if asked.target.contains("boundary") => Answer::ok(BOUNDARY),
        "GET" if asked.target.contains("versions") => Answer::xml(501, "NotImplemented"),
        "GET" => Answer::ok(
            "<ListBucketResult><Contents><Key>large_files/log/1</Key><Size>3</Size>\
             <LastModified>2026-01-01T10:00:00.000Z</LastModified></Contents></ListBucketResult>",
        ),
        _ => Answer::ok(
            "<DeleteResult><Error><Key>large_files/log/1</Key><Code>AccessDenied</Code>\
             <Message>no</Message></Error></DeleteResult>",
        ),
    });
    let refused = wire.cloud().transient.expire(&expiry()).await;
    assert_eq!(outcome(refused.map(|_| ())), "fatal");
}

/// S3's side of an upload in parts.
fn upload(complete: Answer, part: Answer) -> Wire {
    Wire::new(move |asked| match asked.method.as_str() {
        "POST" if asked.target.contains("uploads") => Answer::ok(
            "<InitiateMultipartUploadResult><UploadId>id</UploadId></InitiateMultipartUploadResult>",
        ),
        "PUT" => part.clone(),
        "POST" => complete.clone(),
        _ => Answer::Http(204, vec![], Bytes::new()),
    })
}

#[tokio::test]
async fn a_large_body_goes_in_parts_and_the_completion_carries_the_condition() {
    let done = Answer::ok("<CompleteMultipartUploadResult></CompleteMultipartUploadResult>");
    let part = Answer::ok("").with("etag", "\"p\"");
    let body = Bytes::from(vec![0; (64 << 20) + 1]);
    for (complete, part, expected, aborted) in [
        (done.clone(), part.clone(), "New", false),
        (
            Answer::xml(412, "PreconditionFailed"),
            part.clone(),
            "Exists",
            true,
        ),
        (
            Answer::xml(409, "ConditionalRequestConflict"),
            part.clone(),
            "retry",
            true,
        ),
        (Answer::Broken, part, "retry", true),
        (done, Answer::xml(403, "AccessDenied"), "fatal", true),
    ] {
        let wire = upload(complete.clone(), part);
        let created = wire.cloud().lake.create(KEY, body.clone()).await;
        assert_eq!(outcome(created), expected, "{complete:?}");
        let asked = wire.asked();
        let sent = asked.iter().filter(|asked| asked.method == "DELETE");
        assert_eq!(sent.count() > 0, aborted, "{complete:?}");
        let completions = asked
            .iter()
            .filter(|asked| asked.method == "POST" && !asked.target.contains("uploads"));
        for completion in completions {
            assert_eq!(completion.header("if-none-match"), "*");
        }
        let parts = asked.iter().filter(|asked| asked.method == "PUT");
        for part in parts {
            assert!(!part.header("x-amz-checksum-sha256").is_empty());
        }
    }
}

#[tokio::test]
async fn an_owner_that_is_named_goes_with_every_request() {
    let wire = Wire::always(Answer::xml(404, "NoSuchKey"));
    let mut aws = super::aws();
    aws.bucket_owner = Some("111122223333".to_owned());
    let cloud = super::Cloud::of(&wire.config(), &aws, std::time::Duration::from_secs(60));
    cloud.lake.get(KEY).await.expect("absent");
    cloud.lake.create(KEY, Bytes::new()).await.ok();
    cloud.lake.list("data/", None).await.ok();
    cloud.lake.remove(KEY).await.ok();
    let asked = wire.asked();
    assert!(asked.len() >= 4);
    for asked in asked {
        assert_eq!(asked.header("x-amz-expected-bucket-owner"), "111122223333");
    }
}
