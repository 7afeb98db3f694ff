//! Threats: what comes from outside and means harm does none. Its neighbours are
//! stored, memory stays bounded, logs stay logs.

use std::io::Write;

use audit::source::Source;
use flate2::{Compression, write::GzEncoder};
use serde_json::{Value, json};

use super::{
    cloud::cloud,
    proxy::{Fault, Rule},
    senders::{Form, Senders},
    site::Site,
};
use crate::{
    events::{self, event},
    program::Running,
};

const MIB: usize = 1 << 20;
const VISIBILITY: &str = "visibility_timeout_secs: 2\n";
const BAD: &str = r#"{"eventType": user.session.start}"#;

/// The quarantine's entries.
fn quarantined(site: &Site) -> Vec<Value> {
    let listed = site.deployment.idtrail(&["quarantine", "ls", "--json"]);
    assert_eq!(listed.code, Some(0), "{listed:?}");
    let entries = listed
        .stdout
        .lines()
        .map(|line| serde_json::from_str(line).expect("entries are JSON"));
    entries.collect()
}

/// Ends the service and asserts that Okta's events of these numbers are the rows.
fn check_rows(site: &Site, service: Running, numbers: &[u64]) {
    let ended = service.terminate();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let folder = site.deployment.path("events");
    events::write_of(&folder, Source::Okta, numbers);
    site.check_rows(&folder);
}

/// Sends events before and after the hostile ones, and asserts that they and no
/// others are rows, and what the process grew by.
fn check_neighbours(
    settings: &str,
    grows_max: usize,
    attack: impl FnOnce(&Site, &Senders<'_>),
) -> Site {
    let cloud = cloud().expect("asked before");
    let site = Site::new(cloud, settings);
    let senders = Senders::new(&site);
    let mut service = site.serve();
    let good = |number| senders.send(Form::Raw, Source::Okta, &[event(Source::Okta, number)]);
    good(1);
    site.settle(&mut service);
    let before = service.memory_bytes_max();
    attack(&site, &senders);
    good(2);
    site.settle(&mut service);
    let grown = service.memory_bytes_max() - before;
    println!("grown by {} KiB", grown >> 10);
    assert!(grown < grows_max as u64, "grown by {grown} bytes");
    check_rows(&site, service, &[1, 2]);
    drop(senders);
    site
}

#[test]
fn t4_hostile_json_becomes_no_row_and_its_neighbours_are_stored() {
    if cloud().is_none() {
        return;
    }
    let fields: Vec<String> = (0..80_000)
        .map(|number| format!("\"f{number}\":0"))
        .collect();
    let hostile = [
        "[".repeat(100_000),
        "{\"a\":".repeat(100_000),
        format!("{{\"eventType\":\"x\",\"uuid\":{}}}", "[".repeat(1_000)),
        format!("{{\"eventType\":\"x\",{}}}", fields.join(",")),
        "{\"eventType\":\"x\",\"uuid\":NaN}".to_owned(),
        "{\"eventType\":\"x\",\"uuid\":1e999999".to_owned(),
        format!("{{\"eventType\":\"x\",\"uuid\":\"{}", "a".repeat(900_000)),
    ];
    let site = check_neighbours(VISIBILITY, 128 * MIB, |site, senders| {
        for text in &hostile {
            site.send(text, &[("source", "okta")]);
        }
        // What SQS would not take: bytes that are no UTF-8, a larger object.
        let fields: Vec<String> = (0..1_000_000)
            .map(|number| format!("\"f{number}\":0"))
            .collect();
        for (key, content) in [
            (
                "sqs/utf8.json",
                b"{\"eventType\":\"\xff\xfe\",\"uuid\":\"1\"}".to_vec(),
            ),
            (
                "sqs/fields.json",
                format!("{{{}}}", fields.join(",")).into_bytes(),
            ),
            (
                "sqs/large.json",
                [b"{\"a\":\"", "b".repeat(17 * MIB).as_bytes(), b"\"}"].concat(),
            ),
        ] {
            site.cloud.put_object(&site.names.source, key, &content);
        }
        let _ = senders;
    });
    let entries = quarantined(&site);
    assert!(
        entries.len() + site.dead_letters() >= hostile.len() + 3,
        "{} in quarantine, {} dead letters",
        entries.len(),
        site.dead_letters()
    );
}

/// Zeros, compressed about a thousand times.
fn bomb(bytes: usize) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    let zeros = vec![b'0'; MIB];
    for _ in 0..bytes / MIB {
        encoder.write_all(&zeros).expect("memory can be written");
    }
    encoder.finish().expect("memory can be written")
}

#[test]
fn t5_a_bomb_in_an_object_is_put_aside_and_memory_stays_bounded() {
    if cloud().is_none() {
        return;
    }
    let gzip = bomb(512 * MIB);
    let zstd =
        zstd::encode_all(vec![b'0'; 256 * MIB].as_slice(), 3).expect("memory can be written");
    let names = ["gzip", "zstd", "twice"].map(|name| format!("sqs/{name}.gz"));
    let site = check_neighbours(VISIBILITY, 96 * MIB, |site, _| {
        let twice = super::senders::gzip(&gzip);
        for (key, content) in names.iter().zip([&gzip, &zstd, &twice]) {
            site.cloud.put_object(&site.names.source, key, content);
        }
    });
    let entries = json!(quarantined(&site)).to_string();
    for name in names {
        assert!(entries.contains(&name), "{name} is not in {entries}");
    }
    assert_eq!(site.dead_letters(), 0);
}

#[test]
fn t7_a_notification_of_a_foreign_bucket_is_put_aside_and_nobody_is_asked() {
    let Some(cloud) = cloud() else {
        return;
    };
    // It is there, and whoever may read everything could read it.
    let foreign = "bucket-of-somebody-else";
    let place = json!({"LocationConstraint": super::REGION});
    let parameters = json!({"Bucket": foreign, "CreateBucketConfiguration": place});
    cloud.call("s3", "create_bucket", &parameters);
    cloud.put_object(foreign, "a.json", event(Source::Okta, 3).as_bytes());
    let notice = |bucket: &str, key: &str| {
        let (bucket, object) = (json!({"name": bucket}), json!({"key": key, "size": 1}));
        let entity = json!({"bucket": bucket, "object": object});
        json!({"Records": [{"eventVersion": "2.1", "eventSource": "aws:s3", "s3": entity}]})
            .to_string()
    };
    let site = check_neighbours("", 64 * MIB, |site, _| {
        site.send(&notice(foreign, "a.json"), &[]);
        let trail = json!({"s3Bucket": foreign, "s3ObjectKey": ["a.json"]});
        site.send(&trail.to_string(), &[]);
        site.send(&notice("169.254.169.254", "latest/meta-data"), &[]);
        // The program's own: what it wrote is no event.
        let names = &site.names;
        site.send(
            &notice(&names.transient, "large_files/_idtrail/main/log/1"),
            &[],
        );
        site.send(&notice(&names.long_term, "data/default/a.json"), &[]);
    });
    let asked = site.proxy.seen("");
    for host in [foreign, "169.254", "meta-data", "a.json"] {
        let found = asked.iter().find(|request| request.path.contains(host));
        assert!(found.is_none(), "{found:?}");
    }
    let entries = quarantined(&site);
    assert_eq!(entries.len(), 5, "{entries:?}");
    let named = entries
        .iter()
        .filter(|entry| entry.to_string().contains(foreign));
    assert_eq!(named.count(), 2, "{entries:?}");
    assert_eq!(site.dead_letters(), 0);
}

const FORGED: &str = "\r\n{\"level\":\"ERROR\",\"forged\":true}\r\n\u{1b}[2J\u{9b}31m\u{7}";
/// Of a line, whatever was sent.
const LINE_BYTES_MAX: usize = 8 << 10;

/// Sends whatever might end up in a log.
fn send_forgeries(site: &Site, senders: &Senders<'_>) {
    let long = "x".repeat(10_000);
    for text in [FORGED, &long] {
        // SQS takes no control characters but these two.
        let text: String = text
            .chars()
            .filter(|c| !c.is_control() || matches!(c, '\r' | '\n'))
            .collect();
        for name in ["source", "tenant_id", "encoding"] {
            site.send(&event(Source::Okta, 3), &[(name, &text)]);
        }
        site.send(
            &format!("{{\"eventType\":\"{text}\",}}"),
            &[("source", "okta")],
        );
        site.send(&text, &[]);
    }
    let escaped = serde_json::to_string(FORGED).expect("a string is JSON");
    site.send(
        &format!("{{\"eventType\":{escaped},\"uuid\":{escaped},}}"),
        &[],
    );
    let notice = json!({"s3Bucket": FORGED, "s3ObjectKey": [FORGED, long]});
    site.send(&notice.to_string(), &[]);
    let key = format!("sqs/{FORGED}.gz");
    site.cloud.put_object(&site.names.source, &key, b"no gzip");
    senders.send(Form::Raw, Source::Okta, &[event(Source::Okta, 4)]);
}

#[test]
fn t9_nothing_that_is_sent_can_forge_a_log_line() {
    let Some(cloud) = cloud() else {
        return;
    };
    for format in ["json", "text"] {
        let site = Site::new(cloud, VISIBILITY);
        let senders = Senders::new(&site);
        let arguments = ["run", "--log-format", format, "-v"];
        let mut service = site.deployment.start(&arguments).running();
        send_forgeries(&site, &senders);
        site.settle(&mut service);
        let ended = service.terminate();
        assert_eq!(ended.code, Some(0), "{ended:?}");
        for line in ended.stderr.split('\n').filter(|line| !line.is_empty()) {
            let control = line.chars().find(|c| c.is_control());
            assert_eq!(control, None, "{format}: {line:?}");
            assert!(
                line.len() < LINE_BYTES_MAX,
                "{format}: {} bytes",
                line.len()
            );
            if format == "json" {
                let logged: Value = serde_json::from_str(line).expect(line);
                assert!(
                    logged.is_object() && logged.get("forged").is_none(),
                    "{line}"
                );
            } else {
                assert!(!line.starts_with('{'), "{line}");
            }
        }
    }
}

#[test]
fn t21_poison_becomes_a_dead_letter_and_harms_no_neighbour() {
    let Some(cloud) = cloud() else {
        return;
    };
    let site = Site::new(cloud, VISIBILITY);
    let mut service = site.serve();
    let mut lines: Vec<String> = (0..10_000).map(|n| event(Source::Okta, n)).collect();
    lines.insert(5_000, BAD.to_owned());
    for lines in lines.chunks(1_000) {
        site.send(&lines.join("\n"), &[("source", "okta")]);
    }
    let poison = "neither base64 nor zstd";
    site.send(poison, &[("source", "okta"), ("encoding", "zstd")]);
    service.await_that("the poison is a dead letter", |_| site.dead_letters() == 1);
    site.settle(&mut service);
    let receives = service.count("idtrail_messages_unreadable_total");
    assert_eq!(receives, 3, "it was tried so often");

    let entries = quarantined(&site);
    assert_eq!(entries.len(), 1, "{entries:?}");
    assert_eq!(
        (&entries[0]["raw"], &entries[0]["source"]),
        (&json!(BAD), &json!("okta"))
    );
    let replayed = site.deployment.idtrail(&["quarantine", "replay"]);
    assert_eq!(replayed.code, Some(0), "{replayed:?}");
    site.settle(&mut service);
    assert_eq!(
        quarantined(&site).len(),
        1,
        "it is known, and as bad as before"
    );
    check_rows(&site, service, &(0..10_000).collect::<Vec<_>>());
    assert_eq!(site.dead_letters(), 1);
}

#[test]
fn t33_memory_is_bounded_while_s3_is_dead() {
    let Some(cloud) = cloud() else {
        return;
    };
    // The smallest budget, and far more events than it holds.
    let site = Site::new(cloud, "visibility_timeout_secs: 20\n");
    site.receive_without_end();
    site.change_topology(
        "bytes = \"256 MiB\"\nmessages",
        "bytes = \"48 MiB\"\nmessages",
    );
    let mut service = site.serve();
    let before = service.memory_bytes_max();
    site.proxy
        .add(Rule::new("s3:", Fault::Error(503, "SlowDown")));
    let numbers: Vec<u64> = (0..60_000).collect();
    for numbers in numbers.chunks(1_000) {
        let lines: Vec<String> = numbers.iter().map(|n| event(Source::Okta, *n)).collect();
        site.send(&lines.join("\n"), &[("source", "okta")]);
    }
    let refused = |service: &mut Running| {
        let seen = site.proxy.seen("s3:PutObject");
        service.count("idtrail_messages_received_total") > 0
            && seen.iter().filter(|it| it.fault.is_some()).count() > 5
    };
    service.await_that("the journal cannot be written", refused);
    site.proxy.calm();
    site.settle(&mut service);
    let grown = service.memory_bytes_max() - before;
    println!("grown by {} KiB", grown >> 10);
    assert!(grown < 192 * MIB as u64, "grown by {grown} bytes");
    check_rows(&site, service, &numbers);
}
