//! What a well-behaved sender meets.

use audit::credential::{self, Grants};

use super::*;

const EVENTS: [&str; 3] = ["{\"a\" : 1}", "{\"b\":\t2}", "{\"c\":{\"d\":[3.0]}}"];

#[tokio::test]
async fn every_form_of_events_is_taken_byte_for_byte() {
    let world = world("").await;
    let lines = EVENTS.join("\n");
    let array = format!("[{}]", EVENTS.join(" ,\n"));
    let records = format!("{{\"Records\":[{}]}}", EVENTS.join(","));
    let zstd = zstd::encode_all(lines.as_bytes(), 1).expect("in memory");
    for (headers, body) in [
        ("Content-Type: application/x-ndjson\r\n", lines.as_bytes()),
        ("Content-Type: application/json\r\n", array.as_bytes()),
        ("", records.as_bytes()),
        ("Content-Encoding: gzip\r\n", &gzip(lines.as_bytes())),
        (
            "Content-Type: application/gzip\r\n",
            &gzip(records.as_bytes()),
        ),
        (
            "Content-Encoding: zstd\r\nContent-Type: application/json\r\n",
            &zstd,
        ),
        ("Content-Type: application/octet-stream\r\n", &zstd),
    ] {
        let answer = world.push("okta", headers, body).await;
        answer.is_accepted(3, 1);
        assert_eq!(world.events().await, EVENTS, "{headers}");
    }
    world.stop().await;
}

#[tokio::test]
async fn a_large_body_becomes_many_messages_and_a_large_event_a_payload() {
    let world = world("").await;
    // Random digits, so that compressing does not help enough.
    let mut state = 7_u64;
    let mut digits = |count: usize| -> String {
        let mut text = String::with_capacity(count);
        while text.len() < count {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            text += &format!("{state:016x}");
        }
        text
    };
    let mut events: Vec<String> = (0..3_000)
        .map(|_| format!("{{\"a\":\"{}\"}}", digits(1_024)))
        .collect();
    events.push(format!("{{\"large\":\"{}\"}}", digits(5 << 20)));
    let answer = world.push("aws", "", events.join("\n").as_bytes()).await;
    assert_eq!(answer.status, 202, "{answer:?}");
    assert_eq!(answer.json()["accepted"], 3_001);
    let messages = answer.json()["messages"].as_u64().expect("a number");
    assert!((3..10).contains(&messages), "{messages}");
    let mut arrived = world.events().await;
    arrived.sort();
    events.sort();
    assert!(arrived == events, "{} events", arrived.len());
    world.stop().await;
}

#[tokio::test]
async fn a_token_decides_the_tenant_and_signs_what_it_pushed() {
    let ((first, entry), (second, other)) = (token(1, "acme"), token(2, "beta"));
    let settings = format!("http: {{ingest_tokens: [\"{entry}\", \"{other}\"]}}");
    let world = world(&settings).await;
    let grants = [entry, other].map(|entry| credential::Grant::parse(&entry).expect("valid"));
    let grants = Grants::new(grants).expect("two names");
    for (token, tenant) in [(first, "acme"), (second, "beta")] {
        let header = format!("authorization: bearer {token}\r\n");
        world.push("github", &header, b"{}").await.is_accepted(1, 1);
        let message = world.messages().await.remove(0);
        assert_eq!(message.attributes["source"], "github");
        assert_eq!(message.attributes["tenant_id"], tenant);
        let credential = &message.attributes[credential::ATTRIBUTE];
        let verified = grants.tenant_of(credential, &message.body);
        assert_eq!(verified.map(|tenant| tenant.as_str()), Some(tenant));
    }
    world.stop().await;
}

#[tokio::test]
async fn without_tokens_a_local_push_names_no_tenant() {
    let world = world("").await;
    world.push("aws", "", b"{}").await.is_accepted(1, 1);
    let message = world.messages().await.remove(0);
    assert!(!message.attributes.contains_key("tenant_id"));
    assert!(!message.attributes.contains_key(credential::ATTRIBUTE));
    world.stop().await;
}

#[tokio::test]
async fn teleports_event_handler_gets_the_200_that_it_insists_on() {
    let world = world("").await;
    for path in ["teleport.log", "teleport.6b3a3c1e-0000.log"] {
        let answer = world
            .push(path, "Content-Type: application/json\r\n", b"{}")
            .await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let message = world.messages().await.remove(0);
        assert_eq!(message.attributes["source"], "teleport");
    }
    for path in [
        "teleport.txt",
        "gopher.log",
        ".log",
        "teleport/x",
        "%74eleport%2f",
        "teleport%00",
    ] {
        assert_eq!(world.push(path, "", b"{}").await.status, 404, "{path}");
    }
    world.stop().await;
}

#[tokio::test]
async fn one_connection_takes_many_pushes() {
    let world = world("").await;
    let one = request("aws", "", b"{\"a\":1}");
    let one = String::from_utf8(one)
        .expect("text")
        .replace("Connection: close\r\n", "");
    let last = request("aws", "", b"{\"a\":1}");
    let answer = world
        .send([one.as_bytes(), one.as_bytes(), &last].concat())
        .await;
    assert_eq!(answer.body.matches("HTTP/1.1 202").count(), 2, "{answer:?}");
    assert_eq!(world.events().await.len(), 3);
    world.stop().await;
}
