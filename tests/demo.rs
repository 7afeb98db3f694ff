//! `idtrail demo` and `idtrail bench`, tried as a newcomer would.

use std::{fs, io::Write as _, path::PathBuf};

use audit::source::Source;
use company::Company;
use jiff::civil::{Date, date};
use serde_json::{Value, json};

use super::{program::Deployment, readers};

const UNTIL: Date = date(2026, 3, 31);
const EVENTS: u64 = 20_000;

/// What the demo says that it did.
fn demo(deployment: &Deployment) -> Value {
    let (events, until) = (EVENTS.to_string(), UNTIL.to_string());
    let arguments = [
        "demo",
        "--no-serve",
        "--seed",
        "7",
        "--events",
        &events,
        "--until",
        &until,
    ];
    deployment.json(&arguments)
}

/// The same company's events, a file a source.
fn invented(folder: PathBuf) -> PathBuf {
    fs::create_dir_all(&folder).expect("a folder can be made");
    let mut files = Source::ALL.map(|source| {
        fs::File::create(folder.join(format!("{source}.ndjson"))).expect("a file can be made")
    });
    for event in Company::found(7).history(UNTIL, EVENTS) {
        let file = &mut files[event.source as usize - 1];
        file.write_all(&[&event.raw[..], b"\n"].concat())
            .expect("a file can be written");
    }
    folder
}

#[test]
fn the_demo_puts_every_invented_event_into_the_lake_once_and_begins_anew() {
    let deployment = Deployment::new();
    for _ in 0..2 {
        let summary = demo(&deployment);
        for (name, expected) in [
            ("sent", EVENTS),
            ("sent_twice", 1_000),
            ("sent_broken", 3),
            ("received", EVENTS + 1_003),
            ("stored", EVENTS),
            ("duplicate", 1_000),
            ("quarantined", 3),
        ] {
            assert_eq!(summary[name], expected, "{name}: {summary}");
        }
        assert!(
            summary["files"].as_u64() >= Some(90),
            "a file a day: {summary}"
        );
    }
    let verified = deployment.idtrail(&["verify"]);
    assert_eq!(verified.code, Some(0), "{verified:?}");
    let events = invented(deployment.path("invented"));
    let Some(rows) = readers::rows_of(&deployment, &events) else {
        return;
    };
    let rows = rows.as_object().expect("an object");
    let sum: u64 = rows.values().filter_map(Value::as_u64).sum();
    assert_eq!((rows.len(), sum), (4, EVENTS));
}

#[test]
fn whoever_finishes_what_a_killed_demo_sent_has_its_rows_once() {
    let deployment = Deployment::new();
    let arguments = ["demo", "--no-serve", "--events", "20000"];
    let demo = deployment.start_with(&[("FAIL_POINT", "K5")], &arguments);
    assert_eq!(demo.wait().code, None, "it was killed");
    deployment.drain();
    let verified = deployment.json(&["verify"]);
    let sources = verified["sources"].as_array().expect("sources");
    for of in sources {
        assert_eq!(of["tenant"], "acme", "not the settings' own: {of}");
    }
    assert_eq!(
        (&verified["ok"], sources.is_empty()),
        (&true.into(), false),
        "{verified}"
    );
}

#[test]
fn a_demo_ends_on_a_day_that_is_over() {
    let deployment = Deployment::new();
    for until in ["2999-01-01", "tomorrow"] {
        let ended = deployment.idtrail(&["demo", "--no-serve", "--until", until]);
        assert_eq!(ended.code, Some(2), "{ended:?}");
        assert!(ended.stderr.contains(until), "{ended:?}");
    }
}

#[test]
fn a_demo_that_is_stopped_before_its_end_says_so() {
    let deployment = Deployment::new();
    let arguments = ["demo", "--events", "2000000"];
    let mut demo = deployment.start(&arguments);
    assert!(demo.until(|said| said.contains("leading")), "it ended");
    let ended = demo.terminate();
    assert_eq!(ended.code, Some(4), "{ended:?}");
    let says = "start the demo again";
    assert!(ended.stderr.contains(says), "{says:?} is not in {ended:?}");
}

#[test]
fn the_demo_leaves_what_is_not_its_own() {
    let deployment = Deployment::new();
    fs::create_dir_all(deployment.data("lake")).expect("a folder can be made");
    let ended = deployment.idtrail(&["demo", "--no-serve"]);
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(ended.stderr.contains("no demo made"), "{ended:?}");
}

#[test]
fn after_the_past_new_events_trickle_in_until_it_is_asked_to_stop() {
    let deployment = Deployment::new();
    let mut demo = deployment.start(&["demo", "--events", "5000"]).running();
    let stored = "idtrail_events_stored_total";
    demo.await_that("new events", |demo| demo.count(stored) > 5_000);
    let ended = demo.terminate();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    for says in ["5,000 stored", "quarantine ls", " top"] {
        assert!(ended.stdout.contains(says), "{says:?} is not in {ended:?}");
    }
}

#[test]
fn a_benchmark_tells_where_the_time_went() {
    let deployment = Deployment::new();
    let report = deployment.json(&["bench", "--runs", "1", "--events", "5000"]);
    assert_eq!(report["stored"], 5_000, "{report}");
    let stages = report["stages"].as_array().expect("stages");
    let named = |stage: &&Value| stage["actor"] == "aws_normalizer";
    let normalizer = stages.iter().find(named).expect("a normalizer");
    assert!(normalizer["handled"].as_u64() > Some(0), "{report}");
    let shares: f64 = stages
        .iter()
        .filter_map(|stage| stage["share"].as_f64())
        .sum();
    assert!((0.1..=1.0).contains(&shares), "{shares}: {report}");
    for (part, at_least) in [
        (&report["lake"]["bytes_per_event"], 50.0),
        (&report["journal"]["bytes_per_event"], 50.0),
        (&report["calls_per_million_events"]["creates"], 1.0),
        (&report["calls_per_million_events"]["receives"], 1.0),
        (&report["peak_rss_bytes"], 10e6),
        (&report["yardstick"]["quiet_microseconds"], 1.0),
        (&report["durable_seconds"]["p99"], 0.001),
        (&report["send_microseconds_per_event"], 0.1),
    ] {
        assert!(part.as_f64() >= Some(at_least), "{part}: {report}");
    }
}

#[test]
fn a_benchmark_takes_files_and_the_median_of_its_runs() {
    let deployment = Deployment::new();
    let line = |id: u32| json!({"eventVersion": "1.08", "eventID": id, "eventTime": "2026-01-01T00:00:00Z"});
    let lines: String = (0..100).map(|id| line(id).to_string() + "\n").collect();
    let file = deployment.write("events.ndjson", lines);
    let file = file.to_str().expect("test paths are UTF-8");
    let spread = deployment.json(&["bench", "--runs", "2", "--single", "--input", file]);
    assert_eq!(spread["runs"], 2, "{spread}");
    assert_eq!(spread["median"]["stored"], 100, "{spread}");
    assert_eq!(spread["median"]["messages"], 100, "{spread}");
    for (name, says) in [("nowhere.ndjson", "nowhere.ndjson"), (file, "byte 0")] {
        deployment.write("events.ndjson", "{\"a\":1}\n");
        for runs in ["1", "2"] {
            let ended = deployment.idtrail(&["bench", "--runs", runs, "--input", name]);
            assert_eq!(ended.code, Some(2), "{ended:?}");
            let told = ended.stderr.lines().filter(|line| line.contains(says));
            assert_eq!(told.count(), 1, "{says:?} is not once in {ended:?}");
        }
    }
}
