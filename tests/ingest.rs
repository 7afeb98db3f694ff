//! Events pushed over HTTP to a running service, by a token that it made.

use audit::source::Source;
use serde_json::Value;

use super::{
    events,
    program::{Deployment, exchange},
    readers,
};

/// Status and body of a push.
fn push(address: &str, source: &str, token: Option<&str>, body: &[u8]) -> (u16, Value) {
    let authorization = token.map_or_else(String::new, |token| {
        format!("Authorization: Bearer {token}\r\n")
    });
    let head = format!(
        "POST /api/v1/ingest/{source} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\
         Content-Type: application/x-ndjson\r\nContent-Length: {}\r\n{authorization}\r\n",
        body.len()
    );
    let (status, answer) = exchange(address, &[head.as_bytes(), body].concat());
    let answer = serde_json::from_str(&answer).expect("answers are JSON");
    (status, answer)
}

#[test]
fn pushed_events_become_rows_of_the_tokens_tenant_once() {
    let deployment = Deployment::new();
    let folder = deployment.path("events");
    let numbers: Vec<u64> = (0..500).collect();
    let files = events::write(&folder, &numbers);
    let made = deployment.json(&["token", "new", "--name", "laptop", "--tenant", "acme"]);
    let token = made["token"].as_str().expect("a text");
    let setting = made["setting"].as_str().expect("a text");
    let settings = deployment.write(
        "push.yaml",
        format!("http:\n  ingest_tokens: [\"{setting}\"]\n"),
    );
    let settings = settings.to_str().expect("test paths are UTF-8");

    let mut service = deployment.start(&["run", "--config", settings]);
    let address = service.address();
    for (source, file) in &files {
        let body = std::fs::read(file).expect("just written");
        assert_eq!(push(&address, source.name(), None, &body).0, 401);
        // As a sender does that was not sure of the first answer.
        for _ in 0..2 {
            let (status, answer) = push(&address, source.name(), Some(token), &body);
            assert_eq!(
                (status, &answer["accepted"]),
                (202, &Value::from(500)),
                "{answer}"
            );
        }
    }
    let (status, problem) = push(&address, Source::Aws.name(), Some(token), b"{\"a\":1}\n{");
    assert_eq!(
        (status, &problem["code"]),
        (400, &Value::from("not_an_event"))
    );
    assert!(service.until(|_| deployment.messages() == 0));
    assert_eq!(service.terminate().code, Some(0));

    deployment.drain();
    readers::rows_of(&deployment, &folder);
    assert!(!deployment.files("lake/data/acme").is_empty());
    assert!(deployment.files("lake/data/default").is_empty());
    let verified = deployment.idtrail(&["verify"]);
    assert_eq!(verified.code, Some(0), "{verified:?}");
}
