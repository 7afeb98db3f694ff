//! Invented events of every source, as many as a test wants: number in, event out.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use audit::source::Source;
use serde_json::json;

/// 2026-01-01T22:00:00Z: a few thousand numbers later it is another day.
const FIRST_SECOND: u64 = 1_767_304_800;

/// The same event for the same number, and no two numbers' events are equal.
pub(crate) fn event(source: Source, number: u64) -> String {
    let second = FIRST_SECOND + number * 7;
    let time = jiff::Timestamp::from_second(second.cast_signed()).expect("a time of this century");
    let person = number % 211;
    let mail = format!("person{person}@example.com");
    let one_of = |names: [&'static str; 3]| names[(number % 3) as usize];
    let ip = format!("203.0.113.{}", number % 250 + 1);
    let event = match source {
        Source::Aws => json!({
            "eventVersion": "1.11",
            "userIdentity": {
                "type": "IAMUser", "principalId": format!("AIDAEXAMPLE{person:05}"),
                "arn": format!("arn:aws:iam::123456789012:user/person{person}"),
                "accountId": "123456789012", "userName": format!("person{person}"),
            },
            "eventTime": time.to_string(),
            "eventSource": "s3.amazonaws.com",
            "eventName": one_of(["GetObject", "PutObject", "ListObjects"]),
            "awsRegion": "eu-central-1",
            "sourceIPAddress": ip,
            "userAgent": "aws-cli/2.31.0",
            "requestParameters": {"bucketName": format!("bucket-{}", number % 17), "key": format!("object/{number}")},
            "responseElements": null,
            "eventID": format!("00000000-0000-4000-8000-{number:012x}"),
            "eventType": "AwsApiCall",
            "recipientAccountId": "123456789012",
        }),
        Source::Github => json!({
            "@timestamp": second * 1_000,
            "_document_id": format!("document-{number}"),
            "action": one_of(["git.clone", "git.push", "repo.access"]),
            "actor": format!("person{person}"),
            "actor_ip": ip,
            "actor_location": {"country_code": "SE"},
            "created_at": second * 1_000,
            "org": "example",
            "repo": format!("example/repository-{}", number % 29),
            "user_agent": "git/2.51.0",
        }),
        Source::Okta => json!({
            "uuid": format!("10000000-0000-4000-8000-{number:012x}"),
            "published": time.to_string(),
            "eventType": "user.session.start",
            "displayMessage": "User login to Okta – été",
            "actor": {"id": format!("00u{person:017}"), "type": "User", "alternateId": mail, "displayName": format!("Person {person}")},
            "client": {"ipAddress": ip, "userAgent": {"rawUserAgent": "Mozilla/5.0"}, "geographicalContext": null},
            "outcome": {"result": if number.is_multiple_of(5) { "FAILURE" } else { "SUCCESS" }},
            "target": null,
        }),
        Source::Teleport => json!({
            "uid": format!("20000000-0000-4000-8000-{number:012x}"),
            "time": time.to_string(),
            "event": "session.start",
            "code": "T2000I",
            "user": mail,
            "user_kind": 1,
            "login": "root",
            "addr.remote": format!("[2001:db8::{:x}]:50312", number % 65_535),
            "server_hostname": format!("host-{}", number % 41),
            "server_id": format!("server-{}", number % 41),
            "sid": format!("session-{number}"),
            "cluster_name": "teleport.example.com",
        }),
    };
    event.to_string()
}

/// One file for each source, `<folder>/<source>.ndjson`, with the events of
/// these numbers in their order.
pub(crate) fn write(folder: &Path, numbers: &[u64]) -> BTreeMap<Source, PathBuf> {
    let files = Source::ALL
        .into_iter()
        .map(|source| (source, write_of(folder, source, numbers)));
    files.collect()
}

/// As [`write`], for one source.
pub(crate) fn write_of(folder: &Path, source: Source, numbers: &[u64]) -> PathBuf {
    let mut text = String::new();
    for number in numbers {
        text.push_str(&event(source, *number));
        text.push('\n');
    }
    write_text(folder, source, &text)
}

/// These events, one a line, as the file of their source.
pub(crate) fn write_text(folder: &Path, source: Source, text: &str) -> PathBuf {
    fs::create_dir_all(folder).expect("a folder can be made");
    let path = folder.join(format!("{source}.ndjson"));
    fs::write(&path, text).expect("a file can be written");
    path
}
