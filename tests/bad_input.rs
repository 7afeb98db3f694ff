//! What is bad harms nothing else: it is put aside with its reason, and told.

use std::fs;

use audit::source::Source;
use serde_json::{Value, json};

use super::{
    events::{self, event},
    program::Deployment,
    readers,
};

const BAD: &str = r#"{"eventType": user.session.start}"#;

/// Drains, and asserts that all but one event were stored, and that one, `raw`
/// from `source`, is listed in quarantine.
fn check_one_in_quarantine(deployment: &Deployment, stored: usize, raw: &str) -> Value {
    assert_eq!(
        deployment.drain(),
        json!({"received": stored + 1, "stored": stored, "duplicate": 0, "quarantined": 1, "skipped": 0})
    );
    let entry = deployment.json(&["quarantine", "ls"]);
    for field in ["tenant", "source", "reason", "message_id", "offset", "raw"] {
        assert!(entry.get(field).is_some(), "{field} is not in {entry}");
    }
    assert_eq!(
        (&entry["raw"], &entry["source"]),
        (&json!(raw), &json!("okta"))
    );
    assert_ne!(entry["reason"], json!(""));
    assert_eq!(deployment.files("queue/dead").len(), 0);
    let verified = deployment.idtrail(&["verify"]);
    assert_eq!(verified.code, Some(0), "{verified:?}");
    entry
}

#[test]
fn one_bad_event_among_thousands_is_put_aside_with_its_reason() {
    let deployment = Deployment::new();
    let mut lines: Vec<String> = (0..3_000)
        .map(|number| event(Source::Okta, number))
        .collect();
    lines.insert(1_500, BAD.to_owned());
    let file = deployment.write("okta.ndjson", lines.join("\n"));
    assert_eq!(
        deployment.publish(Source::Okta, &file)["events"],
        json!(3_001)
    );
    check_one_in_quarantine(&deployment, 3_000, BAD);

    let folder = deployment.path("events");
    fs::create_dir(&folder).expect("a folder can be made");
    lines.remove(1_500);
    fs::write(folder.join("okta.ndjson"), lines.join("\n")).expect("a file can be written");
    readers::rows_of(&deployment, &folder);
}

#[test]
fn a_bad_event_inside_a_message_leaves_its_neighbours_alone() {
    let deployment = Deployment::new();
    let (first, last) = (event(Source::Okta, 1), event(Source::Okta, 2));
    let body = format!("{first}\n{BAD}\n{last}\n");
    deployment.post(&json!({"source": "okta"}), body.as_bytes());
    let entry = check_one_in_quarantine(&deployment, 2, BAD);
    assert_eq!(entry["offset"], json!(first.len() + 1));
}

#[test]
fn an_invalid_tenant_sends_its_events_to_quarantine() {
    // Threat T1: a tenant id becomes a path of the lake.
    for tenant in [
        "../x",
        "a/b",
        "%2e%2e",
        "_quarantine",
        "ｄefault",
        &"a".repeat(10_000),
    ] {
        let deployment = Deployment::new();
        let raw = event(Source::Okta, 1);
        deployment.post(
            &json!({"source": "okta", "tenant_id": tenant}),
            raw.as_bytes(),
        );
        check_one_in_quarantine(&deployment, 0, &raw);
        let parquet = deployment
            .files("lake")
            .into_iter()
            .filter(|path| path.extension().is_some_and(|e| e == "parquet"));
        assert_eq!(parquet.count(), 0, "{tenant:?}");
    }
}

#[test]
fn a_forged_uid_displaces_no_event() {
    // Threat T22: the same uid in different bytes is two events, in either order.
    for order in [[0, 1], [1, 0]] {
        let deployment = Deployment::new();
        let real = event(Source::Okta, 1);
        let forged = real.replace("SUCCESS", "DENY");
        assert_ne!(real, forged);
        for index in order {
            deployment.post(
                &json!({"source": "okta"}),
                [&real, &forged][index].as_bytes(),
            );
        }
        assert_eq!(deployment.drain()["stored"], json!(2));
    }
}

#[test]
fn a_message_of_which_nothing_can_be_read_becomes_a_dead_letter() {
    let deployment = Deployment::new();
    deployment.post(
        &json!({"source": "okta", "encoding": "zstd"}),
        b"neither base64 nor zstd",
    );
    deployment.post(
        &json!({"source": "okta"}),
        event(Source::Okta, 1).as_bytes(),
    );
    assert_eq!(deployment.drain()["stored"], json!(1));
    assert_eq!(deployment.messages(), 0);
    let dead = deployment.files("queue/dead");
    let reasons: Vec<String> = dead
        .iter()
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "reason")
        })
        .map(|path| fs::read_to_string(path).expect("a reason is text"))
        .collect();
    assert_eq!((dead.len(), reasons.len()), (2, 1), "{dead:?}");
    assert_ne!(reasons[0].trim(), "");
}

#[test]
fn what_was_put_aside_can_be_sent_again() {
    let deployment = Deployment::new();
    deployment.post(
        &json!({"source": "okta"}),
        format!("{}\n{BAD}\n", event(Source::Okta, 1)).as_bytes(),
    );
    check_one_in_quarantine(&deployment, 1, BAD);
    let replayed = deployment.idtrail(&["quarantine", "replay"]);
    assert_eq!(replayed.code, Some(0), "{replayed:?}");
    assert_eq!(deployment.messages(), 1);
    // It is as bad as before, and known: not put aside twice.
    assert_eq!(deployment.drain()["stored"], json!(0));
    assert_eq!(
        deployment
            .idtrail(&["quarantine", "ls"])
            .stdout
            .lines()
            .count(),
        1
    );
}

/// Drains three events, does something to the lake's file, and asserts that
/// `verify` finds it and names it.
fn check_named(what: &str, change: impl Fn(&mut Vec<u8>) -> bool) {
    let deployment = Deployment::new();
    let files = events::write(&deployment.path("events"), &[1, 2, 3]);
    deployment.publish(Source::Aws, &files[&Source::Aws]);
    deployment.drain();
    let file = deployment.files("lake").remove(0);
    let mut bytes = fs::read(&file).expect("a file of the lake can be read");
    let stays = change(&mut bytes);
    fs::remove_file(&file).expect("a file of the lake can be replaced");
    if stays {
        fs::write(&file, bytes).expect("a file of the lake can be replaced");
    }

    let verified = deployment.idtrail(&["verify"]);
    assert_eq!(verified.code, Some(1), "{what}: {verified:?}");
    let object = file.file_name().expect("a file").to_string_lossy();
    let told = verified.stdout + &verified.stderr;
    assert!(
        told.contains(&*object),
        "{what}: {object} is not named in {told}"
    );
}

#[test]
fn t28_a_file_of_the_lake_that_was_touched_is_named() {
    check_named("a flipped bit", |bytes| {
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        true
    });
    check_named("a lost byte", |bytes| bytes.pop().is_some());
    check_named("a lost file", |_| false);
}
