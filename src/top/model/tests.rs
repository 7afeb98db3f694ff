//! The arithmetic, by tables: what two texts of `/metrics` come to.

use super::*;

fn scrape(at_secs: u64, text: &str) -> Scrape {
    Scrape {
        at_ms: at_secs * 1_000,
        wall_ms: 1_700_000_000_000 + at_secs as i64 * 1_000,
        readiness: Readiness::default(),
        samples: Samples::parse(text),
    }
}

/// Of two scrapes two seconds apart.
fn model(before: &str, now: &str) -> Model {
    let before = scrape(0, before);
    let minute = Latencies::of(&before.samples);
    Model::between(&before, &scrape(2, now), &minute)
}

#[test]
fn a_rate_is_of_a_second_and_survives_a_restart() {
    const BEGAN: &str = "process_start_time_seconds";
    for (before, now, rate) in [
        ("C 10", "C 30", 10.0),
        ("C 10", "C 10", 0.0),
        // It was not there before its first event.
        ("", "C 8", 4.0),
        ("", "", 0.0),
        ("C 10", "", 0.0),
        // Lower than before, it began anew.
        ("C 1000", "C 6", 3.0),
        // A process that began anew may have counted further than the one before.
        ("C 10\nS 1", "C 30\nS 2", 15.0),
        ("C 10\nS 1", "C 30\nS 1", 10.0),
        // All series together.
        (
            "C{a=\"x\"} 1\nC{a=\"y\"} 2",
            "C{a=\"x\"} 3\nC{a=\"y\"} 6",
            3.0,
        ),
        ("C NaN", "C 4", 2.0),
        ("C 1", "C +Inf", 0.0),
        ("C -5", "C -9", 0.0),
    ] {
        let named = |text: &str| {
            text.replace('C', "idtrail_journal_commits_total")
                .replace('S', BEGAN)
        };
        let found = model(&named(before), &named(now));
        assert_eq!(found.journal.commits_per_sec, rate, "{before:?} {now:?}");
    }
    let twice = model(
        "process_start_time_seconds 1",
        "process_start_time_seconds 2",
    );
    assert!(twice.restarted);
}

#[test]
fn scrapes_at_one_moment_divide_by_nothing() {
    let one = scrape(5, "idtrail_journal_commits_total 7");
    let model = Model::between(&one, &one, &Latencies::default());
    assert_eq!(model.journal.commits_per_sec, 0.0);
    assert!(model.interval_secs > 0.0);
}

#[test]
fn what_a_service_does_not_tell_is_unknown() {
    let empty = model("", "");
    assert_eq!(empty.memory, Memory::default());
    assert_eq!(empty.in_hand, InHand::default());
    assert_eq!(empty.lag, Lag::default());
    assert_eq!(empty.process, Process::default());
    assert_eq!(empty.troubles, Troubles::default());
    assert_eq!((empty.uptime_secs, empty.journal.leading), (None, None));
    assert!(empty.sources.is_empty() && empty.actors.is_empty() && empty.calls.is_empty());
    // Nor is what is no number.
    let broken = model(
        "",
        "idtrail_state_bytes NaN\nidtrail_credit_total_bytes +Inf",
    );
    assert_eq!(broken.memory, Memory::default());
}

#[test]
fn sources_are_those_that_the_metrics_name() {
    let before = r#"
        idtrail_events_received_total{source="aws",tenant="a"} 100
        idtrail_events_received_total{source="aws",tenant="b"} 100
        idtrail_events_stored_total{source="aws",tenant="a"} 100"#;
    let now = r#"
        idtrail_events_received_total{source="aws",tenant="a"} 120
        idtrail_events_received_total{source="aws",tenant="b"} 110
        idtrail_events_stored_total{source="aws",tenant="a"} 110
        idtrail_events_duplicate_total{source="aws",tenant="b"} 18
        idtrail_events_quarantined_total{source="teapot",tenant="a"} 2"#;
    let source = |source: &str, [received, stored, duplicate, quarantined]: [f64; 4]| Source {
        source: source.to_owned(),
        received,
        stored,
        duplicate,
        quarantined,
    };
    let expected = [
        source("aws", [15.0, 5.0, 9.0, 0.0]),
        source("teapot", [0.0, 0.0, 0.0, 1.0]),
    ];
    assert_eq!(model(before, now).sources, expected);
}

#[test]
fn an_actor_has_what_is_known_of_it() {
    let before = r#"
        idtrail_mailbox_blocked_microseconds_total{actor="batcher"} 1000000
        idtrail_actor_handled_total{actor="batcher"} 10
        idtrail_actor_cpu_nanoseconds_total{actor="batcher"} 1000000000"#;
    let now = r#"
        idtrail_mailbox_fill{actor="batcher"} 4
        idtrail_mailbox_slots{actor="batcher"} 16
        idtrail_mailbox_blocked_microseconds_total{actor="batcher"} 4000000
        idtrail_actor_handled_total{actor="batcher"} 30
        idtrail_actor_cpu_nanoseconds_total{actor="batcher"} 2000000000
        idtrail_actor_restarts_total{actor="batcher"} 2
        idtrail_actor_restarts_total{actor="ingest"} 1"#;
    let expected = [
        Actor {
            actor: "batcher".to_owned(),
            mailbox_fill: Some(4.0),
            mailbox_slots: Some(16.0),
            blocked: Some(1.5),
            handled_per_sec: Some(10.0),
            cpu: Some(0.5),
            restarts: 2.0,
        },
        Actor {
            actor: "ingest".to_owned(),
            restarts: 1.0,
            ..Actor::default()
        },
    ];
    let model = model(before, now);
    assert_eq!(model.actors, expected);
    let restarts = Tally {
        total: 3.0,
        new: 3.0,
    };
    assert_eq!(model.troubles.restarts, restarts);
}

#[test]
fn quantiles_are_of_what_came_since_the_mark() {
    let histogram = |fast: u32, slow: u32| {
        format!(
            "idtrail_message_durable_seconds_bucket{{le=\"1\"}} {fast}\n\
             idtrail_message_durable_seconds_bucket{{le=\"3\"}} {}\n\
             idtrail_message_durable_seconds_bucket{{le=\"+Inf\"}} {}",
            fast + slow,
            fast + slow
        )
    };
    for (before, now, p50) in [
        (histogram(100, 0), histogram(100, 4), Some(2.0)),
        (histogram(100, 0), histogram(100, 0), None),
        // Anew: all there is.
        (histogram(100, 0), histogram(2, 0), Some(0.5)),
        (String::new(), histogram(2, 0), Some(0.5)),
        (histogram(2, 0), String::new(), None),
    ] {
        let found = model(&before, &now).lag.durable_p50_secs;
        assert_eq!(found, p50, "{before} {now}");
    }
}

#[test]
fn shares_and_failures_are_told_apart_from_what_was_before() {
    let before = "process_cpu_seconds_total 10\nidtrail_queue_errors_total 3\n\
                  idtrail_aws_requests_total{service=\"s3\",operation=\"PutObject\"} 10";
    let now = "process_cpu_seconds_total 13\nidtrail_queue_errors_total 4\n\
               process_start_time_seconds 1699999000\n\
               idtrail_aws_requests_total{service=\"s3\",operation=\"PutObject\"} 20\n\
               idtrail_aws_errors_total{service=\"s3\",operation=\"PutObject\",kind=\"throttled\"} 2";
    let model = model(before, now);
    assert_eq!(model.process.cpu, Some(1.5));
    assert_eq!(model.uptime_secs, Some(1_002.0));
    let tally = |total, new| Tally { total, new };
    assert_eq!(model.troubles.queue, tally(4.0, 1.0));
    assert_eq!(model.troubles.aws, tally(2.0, 2.0));
    let call = Call {
        operation: "PutObject".to_owned(),
        per_sec: 5.0,
        errors: tally(2.0, 2.0),
    };
    assert_eq!(model.calls, [call]);
}
