//! Between the program and the services everything goes wrong that can: nothing
//! is lost, nothing doubled, and nothing is asked again and again without pause.

use std::time::Duration;

use audit::source::Source;

use super::{
    cloud::{ROOT_KEY, ROOT_SECRET, cloud},
    proxy::{Fault, Rule},
    senders::{Form, Senders},
    site::Site,
};
use crate::{events, program::Running};

/// Messages in hand come again soon.
const VISIBILITY: &str = "visibility_timeout_secs: 3\n";
const SHORT: Duration = Duration::from_millis(300);
/// More than the program waits for the answer to a journal write.
const TOO_LONG: Duration = Duration::from_secs(5);

const JOURNAL: &str = "/_idtrail/";
const LAKE: &str = "/data/";
const OBJECT: &str = "/sqs/";

/// Sends some events of every source, and as many in objects; writes down which.
fn send(senders: &Senders<'_>, next: &mut u64, count: u64) {
    for source in Source::ALL {
        let lines = |from: u64| -> Vec<String> {
            let numbers = from..from + count;
            numbers
                .map(|number| events::event(source, number))
                .collect()
        };
        senders.send(Form::Lines, source, &lines(*next));
        senders.send(Form::Object, source, &lines(*next + count));
    }
    *next += 2 * count;
}

/// Every event that was sent is a row, once, and nothing is a dead letter.
fn check_all(site: &Site, mut service: Running, sent: u64) {
    site.settle(&mut service);
    let ended = service.terminate();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let folder = site.deployment.path("events");
    events::write(&folder, &(0..sent).collect::<Vec<_>>());
    site.check_rows(&folder);
    assert_eq!(site.dead_letters(), 0);
}

/// Each of these once, one after the other, while events flow.
fn check(faults: &[(&'static str, &str, Fault)]) {
    let Some(cloud) = cloud() else {
        return;
    };
    let site = Site::new(cloud, VISIBILITY);
    site.receive_without_end();
    let senders = Senders::new(&site);
    let mut service = site.serve();
    let mut next = 0;
    for (operation, path, fault) in faults {
        let before = site.proxy.faults();
        site.proxy
            .add(Rule::new(operation, *fault).path(*path).times(2));
        send(&senders, &mut next, 5);
        let what = format!("{operation} {path} {fault:?}");
        // All messages may have gone with one call.
        service.await_that(&what, |service| match site.proxy.faults() - before {
            0 => false,
            1 => site.is_settled(service),
            _ => true,
        });
        println!("{what}");
        site.proxy.calm();
    }
    check_all(&site, service, next);
}

/// What may happen to a write.
const OF_A_WRITE: [Fault; 8] = [
    Fault::Cut,
    Fault::AnswerLost,
    Fault::Late(SHORT),
    Fault::Slow(SHORT),
    Fault::Error(503, "SlowDown"),
    Fault::Error(500, "InternalError"),
    Fault::Error(409, "ConditionalRequestConflict"),
    Fault::HalfAnswer,
];

#[test]
fn faults_of_journal_writes_lose_nothing_and_double_nothing() {
    check(&OF_A_WRITE.map(|fault| ("s3:PutObject", JOURNAL, fault)));
}

#[test]
fn faults_of_lake_writes_lose_nothing_and_double_nothing() {
    check(&OF_A_WRITE.map(|fault| ("s3:PutObject", LAKE, fault)));
}

#[test]
fn a_write_that_is_answered_or_done_too_late_loses_nothing_and_doubles_nothing() {
    let late = [Fault::Slow(TOO_LONG), Fault::Late(TOO_LONG)];
    check(&late.map(|fault| ("s3:PutObject", JOURNAL, fault)));
}

#[test]
fn faults_of_the_queue_lose_nothing_and_double_nothing() {
    let of_the_queue = [
        Fault::Cut,
        Fault::AnswerLost,
        Fault::Late(SHORT),
        Fault::Slow(SHORT),
        Fault::Error(503, "ServiceUnavailable"),
        Fault::Error(400, "ThrottlingException"),
        Fault::HalfAnswer,
    ];
    let faults = ["sqs:ReceiveMessage", "sqs:DeleteMessage"]
        .into_iter()
        .flat_map(|operation| of_the_queue.map(|fault| (operation, "", fault)));
    check(&faults.collect::<Vec<_>>());
}

#[test]
fn faults_of_reading_objects_lose_nothing_and_double_nothing() {
    let of_a_read = [
        Fault::Cut,
        Fault::HalfAnswer,
        Fault::Slow(SHORT),
        Fault::Error(503, "SlowDown"),
        Fault::Error(500, "InternalError"),
    ];
    check(&of_a_read.map(|fault| ("s3:GetObject", OBJECT, fault)));
}

#[test]
fn faults_of_every_kind_by_chance_lose_nothing_and_double_nothing() {
    let Some(cloud) = cloud() else {
        return;
    };
    let site = Site::new(cloud, VISIBILITY);
    site.receive_without_end();
    let senders = Senders::new(&site);
    let mut service = site.serve();
    for fault in OF_A_WRITE {
        // Of every service: what it does not know it takes for a failure.
        site.proxy.add(Rule::new("", fault).one_in(40));
    }
    let mut next = 0;
    for _ in 0..10 {
        send(&senders, &mut next, 20);
        let before = site.proxy.faults();
        service.await_that("faults", |_| site.proxy.faults() >= before + 4);
    }
    println!("{} faults", site.proxy.faults());
    site.proxy.calm();
    check_all(&site, service, next);
}

/// While every such call fails, so many calls come at a rate below this, and when
/// it ends all is made good. A slow machine makes fewer calls, which is no failure.
fn check_pauses(
    operation: &'static str,
    path: &str,
    fault: Fault,
    calls: usize,
    a_second_max: f64,
) {
    let Some(cloud) = cloud() else {
        return;
    };
    let site = Site::new(cloud, VISIBILITY);
    site.receive_without_end();
    let senders = Senders::new(&site);
    let mut service = site.serve();
    site.proxy.add(Rule::new(operation, fault).path(path));
    let mut next = 0;
    send(&senders, &mut next, 5);
    service.await_that(operation, |_| site.proxy.faults() >= calls);
    let seen = site.proxy.seen("");
    let failed: Vec<_> = seen.iter().filter(|call| call.fault.is_some()).collect();
    let (from, to) = (failed[0].at, failed[calls - 1].at);
    let rate = calls as f64 / (to - from).as_secs_f64();
    println!("{operation} {fault:?}: {rate:.1} calls a second");
    assert!(rate < a_second_max, "{operation}: {rate} a second");
    // Nor does the failure make other calls come without pause.
    let during = seen.iter().filter(|call| (from..to).contains(&call.at));
    let during = during.count();
    assert!(during < 10 * calls, "{during} calls beside {calls}");
    site.proxy.calm();
    check_all(&site, service, next);
}

#[test]
fn a_queue_that_is_down_is_asked_with_pauses() {
    let down = Fault::Error(503, "ServiceUnavailable");
    check_pauses("sqs:ReceiveMessage", "", down, 40, 15.0);
    check_pauses("sqs:ReceiveMessage", "", Fault::Cut, 40, 15.0);
}

#[test]
fn a_store_that_is_down_is_asked_with_pauses() {
    let down = Fault::Error(503, "SlowDown");
    check_pauses("s3:PutObject", JOURNAL, down, 8, 4.0);
    check_pauses("s3:PutObject", LAKE, down, 8, 10.0);
}

#[test]
fn deletes_that_fail_are_made_with_pauses() {
    let down = Fault::Error(503, "ServiceUnavailable");
    check_pauses("sqs:DeleteMessage", "", down, 12, 8.0);
}

#[test]
fn t34_a_store_that_ignores_the_condition_is_refused() {
    let Some(cloud) = cloud() else {
        return;
    };
    let mut site = Site::new(cloud, "");
    // The header that is taken away was signed, and root's signature is not looked at.
    site.deployment.set("AWS_ACCESS_KEY_ID", ROOT_KEY);
    site.deployment.set("AWS_SECRET_ACCESS_KEY", ROOT_SECRET);
    drop(site.serve());
    for bucket in [&site.names.long_term, &site.names.transient] {
        let rule = Rule::new("s3:PutObject", Fault::Without("if-none-match"));
        site.proxy.add(rule.path(format!("/{bucket}/")));
        let ended = site.deployment.idtrail(&["run"]);
        assert_eq!(ended.code, Some(3), "{bucket}: {ended:?}");
        for word in [bucket.as_str(), "If-None-Match"] {
            assert!(ended.stderr.contains(word), "{word} is not in {ended:?}");
        }
        site.proxy.calm();
    }
    drop(site.serve());
}

#[test]
fn an_object_that_takes_longer_than_the_visibility_timeout_is_stored_once() {
    let Some(cloud) = cloud() else {
        return;
    };
    let site = Site::new(cloud, VISIBILITY);
    let senders = Senders::new(&site);
    let mut service = site.serve();
    // Of a size that takes several reads, each of them slow.
    let lines: Vec<String> = (0..20_000)
        .map(|number| events::event(Source::Teleport, number))
        .collect();
    let slow = Rule::new("s3:GetObject", Fault::Slow(Duration::from_secs(2)));
    site.proxy.add(slow.path(OBJECT));
    let key = "sqs/teleport.ndjson";
    cloud.put_object(&site.names.source, key, lines.join("\n").as_bytes());
    drop(senders);
    site.settle(&mut service);
    let receives = service.count("idtrail_messages_received_total");
    let notices = 2;
    assert!(
        receives > notices,
        "it was received {receives} times in all"
    );
    assert_eq!(service.count("idtrail_events_stored_total"), lines.len());
    assert_eq!(service.terminate().code, Some(0));
    let folder = site.deployment.path("events");
    events::write_text(&folder, Source::Teleport, &lines.join("\n"));
    site.check_rows(&folder);
    assert_eq!(site.dead_letters(), 0);
}
