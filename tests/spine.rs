//! The way of good events: file to queue to journal to lake, read back by
//! others; and again, which adds nothing.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use audit::source::Source;
use serde_json::json;

use super::{
    events,
    program::{Deployment, pause},
    readers,
};

/// Publishes the files, drains, compares, and does it all again.
fn check(deployment: &Deployment, folder: &Path, files: &BTreeMap<Source, PathBuf>) {
    let lines = |file| {
        fs::read_to_string(file)
            .expect("events are UTF-8")
            .lines()
            .count()
    };
    let mut sent = 0;
    for (source, file) in files {
        let published = deployment.publish(*source, file);
        assert_eq!(
            published["events"],
            json!(lines(file)),
            "{source}: {published}"
        );
        sent += lines(file);
    }
    assert_eq!(
        deployment.drain(),
        json!({"received": sent, "stored": sent, "duplicate": 0, "quarantined": 0, "skipped": 0})
    );
    assert_eq!(deployment.messages(), 0);
    let before = deployment.files("lake");
    if let Some(rows) = readers::rows_of(deployment, folder) {
        for (source, file) in files {
            assert_eq!(rows[source.name()], json!(lines(file)), "{source}: {rows}");
        }
    }

    for (source, file) in files {
        deployment.publish(*source, file);
    }
    assert_eq!(
        deployment.drain(),
        json!({"received": sent, "stored": 0, "duplicate": sent, "quarantined": 0, "skipped": 0})
    );
    assert_eq!(
        deployment.files("lake"),
        before,
        "a second delivery changed the lake"
    );
    let verified = deployment.idtrail(&["verify"]);
    assert_eq!(verified.code, Some(0), "{verified:?}");
}

#[test]
fn every_event_of_every_source_is_a_row_once() {
    let deployment = Deployment::new();
    let folder = deployment.path("events");
    let numbers: Vec<u64> = (0..2_000).collect();
    let files = events::write(&folder, &numbers);
    check(&deployment, &folder, &files);
}

#[test]
fn every_sample_event_is_a_row_once() {
    let Some(samples) = readers::samples() else {
        return;
    };
    let deployment = Deployment::new();
    let folder = deployment.path("events");
    fs::create_dir(&folder).expect("a folder can be made");
    let files = readers::sample_files(&samples).map(|(source, sample)| {
        let file = folder.join(format!("{source}.ndjson"));
        fs::copy(sample, &file).expect("samples can be copied");
        (source, file)
    });
    let files = files.collect();
    check(&deployment, &folder, &files);
}

#[test]
fn a_term_signal_ends_the_service_in_order_and_loses_nothing() {
    let deployment = Deployment::new();
    let folder = deployment.path("events");
    let numbers: Vec<u64> = (0..5_000).collect();
    let files = events::write(&folder, &numbers);
    for (source, file) in &files {
        deployment.publish(*source, file);
    }
    let waiting = deployment.messages();
    let mut service = deployment.start(&["run"]);
    assert!(
        service.until(|_| deployment.messages() < waiting),
        "{:?}",
        service.try_wait()
    );
    let ended = service.terminate();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(ended.stdout, "", "logs belong to standard error");

    let mut again = deployment.start(&["run"]);
    assert!(again.until(|said| said.contains("running")));
    // The line is said a moment before signals are listened to.
    pause(Duration::from_millis(50));
    let ended = again.terminate();
    assert_eq!(ended.code, Some(0), "stopped as soon as it runs: {ended:?}");

    deployment.drain();
    readers::rows_of(&deployment, &folder);
    let verified = deployment.idtrail(&["verify"]);
    assert_eq!(verified.code, Some(0), "{verified:?}");
}

#[test]
fn a_drain_that_meets_its_deadline_loses_nothing() {
    let deployment = Deployment::new();
    let folder = deployment.path("events");
    let numbers: Vec<u64> = (0..2_000).collect();
    for (source, file) in &events::write(&folder, &numbers) {
        deployment.publish(*source, file);
    }
    let ended = deployment.idtrail(&["run", "--drain", "--deadline", "1ms"]);
    assert_eq!(ended.code, Some(4), "{ended:?}");
    deployment.drain();
    readers::rows_of(&deployment, &folder);
}
