//! A file that ends every process which tries to make it: safe mode goes on
//! beside it, and a person may give it up.

use std::{collections::BTreeSet, fs};

use audit::{
    journal::{Object, Record},
    source::Source,
};
use bytes::Bytes;
use serde_json::Value;

use super::{events::event, program::Deployment};

/// At the file of a plan that was there before the process.
const ENDS_AT_OLD_FILES: [(&str, &str); 1] = [("FAIL_POINT", "K19")];

fn lines(numbers: std::ops::Range<u64>) -> String {
    let lines = numbers.map(|number| event(Source::Okta, number) + "\n");
    lines.collect()
}

fn publish(deployment: &Deployment, numbers: std::ops::Range<u64>) {
    let file = deployment.write("events.ndjson", lines(numbers));
    deployment.publish(Source::Okta, &file);
}

/// Nobody got further than to decide on the file.
fn with_a_poisonous_file() -> Deployment {
    let deployment = Deployment::new();
    deployment.write("idtrail.yaml", "topology: topology.toml\n");
    deployment.change_topology(&[]);
    publish(&deployment, 0..5);
    let drain = deployment.start_with(&[("FAIL_POINT", "K10")], &["run", "--drain"]);
    assert_eq!(drain.wait().code, None, "it ends itself");
    deployment
}

fn planned(deployment: &Deployment) -> Vec<String> {
    let plans = deployment.idtrail(&["journal", "plans", "--json"]);
    let file = |line: &str| {
        let plan: Value = serde_json::from_str(line).expect("a line of JSON");
        assert_eq!(plan["rows"], 5);
        plan["file"].as_str().expect("a name").to_owned()
    };
    plans.stdout.lines().map(file).collect()
}

/// No raw event of the journal can be read any more; its chain of digests is whole.
fn spoil_events(deployment: &Deployment) {
    let mut previous = None;
    for path in deployment.files("large_files/_idtrail/main/log") {
        let bytes = fs::read(&path).expect("it can be read").into();
        let (mut object, _) = Object::decode(&bytes).expect("a journal object");
        object.header.previous = previous.unwrap_or(object.header.previous);
        for record in &mut object.records {
            if let Record::Batch(batch) = record {
                batch.blocks[0].frame = Bytes::from_static(b"no frame");
            }
        }
        let sealed = object.encode();
        fs::write(&path, &sealed.bytes).expect("it can be written");
        previous = Some(sealed.digest);
    }
}

#[test]
fn events_that_cannot_be_read_are_given_up_only_where_a_person_says_so() {
    let deployment = with_a_poisonous_file();
    deployment.change_topology(&[("write_format = 1", "write_format = 2")]);
    spoil_events(&deployment);
    let [file] = &planned(&deployment)[..] else {
        panic!("one file is in the making");
    };
    let kept = deployment.path("kept.ndjson");
    let path = kept.to_str().expect("a path is text");
    let skip = [
        "journal", "skip", file, "--reason", "damage", "--events", path,
    ];
    let refused = deployment.idtrail(&skip);
    assert_eq!(refused.code, Some(3), "{refused:?}");
    assert!(refused.stderr.contains("--incomplete"), "{refused:?}");
    assert!(!kept.exists(), "nothing was given up");
    assert_eq!(planned(&deployment), std::slice::from_ref(file));

    let skipped = deployment.json(&[&skip[..], &["--incomplete"]].concat());
    assert_eq!(
        (&skipped["rows"], &skipped["events"]),
        (&5.into(), &0.into())
    );
    deployment.drain();
    let verified = deployment.json(&["verify"]);
    assert_eq!(
        (&verified["ok"], &verified["rows_given_up"]),
        (&true.into(), &5.into())
    );
}

#[test]
fn in_safe_mode_a_file_that_ends_every_process_is_left_alone_and_then_given_up() {
    let deployment = with_a_poisonous_file();
    publish(&deployment, 10..17);
    let safe = ["run", "--drain", "--safe-mode"];
    let ended = deployment.start_with(&ENDS_AT_OLD_FILES, &safe).wait();
    assert_eq!(ended.code, Some(3), "{ended:?}");
    assert!(
        ended.stderr.contains("left alone in safe mode"),
        "{ended:?}"
    );
    let verified = deployment.json(&["verify"]);
    assert_eq!(
        (&verified["rows_in_files"], &verified["rows_waiting"]),
        (&7.into(), &5.into())
    );

    let files = planned(&deployment);
    let [file] = &files[..] else {
        panic!("{files:?}");
    };
    let kept = deployment.path("kept.ndjson");
    let kept = kept.to_str().expect("a path is text");
    let skip = [
        "journal", "skip", file, "--reason", "it kills", "--events", kept,
    ];
    let refused = deployment.idtrail(&skip);
    assert_eq!(refused.code, Some(2));
    assert!(
        refused.stderr.contains("journal.write_format = 2"),
        "{refused:?}"
    );

    deployment.change_topology(&[("write_format = 1", "write_format = 2")]);
    let skipped = deployment.idtrail(&skip);
    assert_eq!(skipped.code, Some(0), "{skipped:?}");
    let kept = fs::read_to_string(kept).expect("its events were kept");
    let sorted = |text: &str| text.lines().map(str::to_owned).collect::<BTreeSet<_>>();
    assert_eq!(sorted(&kept), sorted(&lines(0..5)));

    assert_eq!(planned(&deployment), [] as [String; 0]);
    let again = deployment.idtrail(&["journal", "skip", file, "--reason", "x", "--events", "x"]);
    assert_eq!(again.code, Some(2), "{again:?}");
    assert!(!deployment.path("x").exists(), "nothing was to be kept");
    deployment.drain();
    let verified = deployment.json(&["verify"]);
    assert_eq!(verified["ok"], true, "{verified}");
    assert_eq!(
        (&verified["stored"], &verified["rows_given_up"]),
        (&12.into(), &5.into())
    );
}

#[test]
fn a_process_that_runs_is_not_disturbed_by_giving_a_file_up() {
    let deployment = with_a_poisonous_file();
    deployment.change_topology(&[("write_format = 1", "write_format = 2")]);
    let [file] = &planned(&deployment)[..] else {
        panic!("one file is in the making");
    };
    let running = deployment.start(&["run", "--safe-mode"]).running();
    let refused = deployment.idtrail(&["journal", "skip", file, "--reason", "x", "--events", "x"]);
    assert_eq!(refused.code, Some(3), "{refused:?}");
    assert!(refused.stderr.contains("in use by pid"), "{refused:?}");
    assert_eq!(running.terminate().code, Some(0));
}
