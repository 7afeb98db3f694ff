//! What a running service tells machines: alive, ready, and its numbers.

use audit::source::Source;
use serde_json::Value;

use super::{events, program::Deployment};

#[test]
fn the_service_tells_that_it_lives_works_and_what_it_did() {
    let deployment = Deployment::new();
    let mut lines: Vec<String> = (0..100).map(|n| events::event(Source::Okta, n)).collect();
    lines.push(lines[0].clone());
    lines.push("no event".to_owned());
    let file = deployment.write("okta.ndjson", lines.join("\n"));
    deployment.publish(Source::Okta, &file);

    let mut service = deployment.start(&["run"]);
    assert_eq!(service.get("/healthz").0, 200);
    assert!(service.until(|_| deployment.messages() == 0));
    service.await_that("it is ready", |service| service.get("/readyz").0 == 200);
    for (name, value) in [
        ("idtrail_events_received_total", 102),
        ("idtrail_events_stored_total", 100),
        ("idtrail_events_duplicate_total", 1),
        ("idtrail_events_quarantined_total", 1),
        ("idtrail_journal_leading", 1),
    ] {
        assert_eq!(service.count(name), value, "{name}");
    }
    let ready: Value = serde_json::from_str(&service.get("/readyz").1).expect("JSON");
    for part in ["journal_epoch", "journal_head", "journal_lag_ms"] {
        assert!(ready[part].is_u64(), "{part}: {ready}");
    }
    let told = service.get("/metrics").1;
    assert!(told.contains("idtrail_plans_set_aside 0"), "from the start");
    assert_eq!(service.get("/nowhere").0, 404);
    assert_eq!(service.terminate().code, Some(0));
}
