//! A journal with an object that nobody can read stops only itself: another is
//! begun, and what the old one had durable and in no file comes again.

use std::fs;

use audit::journal::Digest;

use super::{events, program::Deployment, readers};

fn publish(deployment: &Deployment, numbers: std::ops::Range<u64>) {
    let numbers: Vec<u64> = numbers.collect();
    for (source, file) in events::write(&deployment.path("some"), &numbers) {
        deployment.publish(source, &file);
    }
}

#[test]
fn what_a_damaged_journal_holds_and_no_file_has_is_sent_again() {
    let mut deployment = Deployment::new();
    publish(&deployment, 0..20);
    deployment.drain();
    publish(&deployment, 20..50);
    // The rows are durable, and nobody gets further than to decide on their file.
    let drain = deployment.start_with(&[("FAIL_POINT", "K10")], &["run", "--drain"]);
    assert_eq!(drain.wait().code, None);
    let log = deployment.files("large_files/_idtrail/main/log");
    let newest = log.last().expect("there is a journal");
    let mut bytes = fs::read(newest).expect("it can be read");
    bytes.pop();
    fs::write(newest, bytes).expect("it can be written");
    let stopped = deployment.idtrail(&["run", "--drain"]);
    assert_eq!(stopped.code, Some(70), "{stopped:?}");
    assert!(stopped.stderr.contains("cannot be applied"), "{stopped:?}");

    deployment.set("IDTRAIL_JOURNAL_NAME", "second");
    publish(&deployment, 50..60);
    deployment.drain();
    deployment.set("IDTRAIL_JOURNAL_NAME", "main");
    let untold = deployment.start_with(
        &[("IDTRAIL_TRUST_ATTRIBUTES", "false")],
        &["journal", "salvage"],
    );
    let untold = untold.wait();
    assert_eq!(
        untold.code,
        Some(2),
        "they would be another tenant's: {untold:?}"
    );
    let salvaged = deployment.json(&["journal", "salvage"]);
    assert_eq!(salvaged["unreadable"], serde_json::json!([log.len()]));
    assert_eq!(
        (&salvaged["events"], &salvaged["rows_lost"]),
        (&120.into(), &0.into())
    );
    deployment.set("IDTRAIL_JOURNAL_NAME", "second");
    deployment.drain();

    let folder = deployment.path("all");
    events::write(&folder, &(0..60).collect::<Vec<_>>());
    readers::rows_of(&deployment, &folder);
    let verified = deployment.json(&["verify"]);
    assert_eq!(
        (&verified["ok"], &verified["stored"]),
        (&true.into(), &160.into())
    );
}

/// Else all that an older release cannot read would be taken for lost.
#[test]
fn what_a_newer_release_wrote_is_no_damage() {
    let deployment = Deployment::new();
    publish(&deployment, 0..5);
    deployment.drain();
    let log = deployment.files("large_files/_idtrail/main/log");
    let newest = log.last().expect("there is a journal");
    let mut bytes = fs::read(newest).expect("it can be read");
    // Magic, version, …, and a digest of all before it.
    bytes[8] = 99;
    let body = bytes.len() - size_of::<Digest>();
    let digest = Digest::of(&bytes[..body]);
    bytes[body..].copy_from_slice(&digest.0);
    fs::write(newest, bytes).expect("it can be written");
    for verb in [
        &["journal", "salvage"][..],
        &["verify"],
        &["journal", "plans"],
    ] {
        let ended = deployment.idtrail(verb);
        assert_eq!(ended.code, Some(3), "{ended:?}");
        let says = "format 99, written by a newer idtrail: upgrade";
        assert!(ended.stderr.contains(says), "{says:?} is not in {ended:?}");
    }
}
