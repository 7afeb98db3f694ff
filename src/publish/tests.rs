//! What is published is taken out of a real queue and store again: every event
//! byte for byte, every bad piece beside it, nothing twice.

use std::{fmt::Write as _, io, path::Path, time::Duration};

use actors::ports::Message;
use audit::message::{Content, Decoder, Limits, Pull};

use bytes::Bytes;

use super::*;
use crate::{clock::Machine, local};

struct World {
    _directory: tempfile::TempDir,
    queue: Arc<local::Queue>,
    payloads: Arc<local::Store>,
}

fn world() -> World {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let below = |name: &str| Path::join(directory.path(), name);
    let queue = local::Queue::open(&below("queue"), Arc::new(Machine), Duration::from_secs(60));
    let payloads = local::Store::open(&below("large_files"), &Machine);
    World {
        queue: Arc::new(queue.expect("writable")),
        payloads: Arc::new(payloads.expect("writable")),
        _directory: directory,
    }
}

impl World {
    fn outlet(&self) -> Outlet {
        Outlet {
            queue: Arc::clone(&self.queue) as Arc<dyn Queue>,
            payloads: Arc::clone(&self.payloads) as Arc<dyn Store>,
        }
    }

    fn files(&self, tenant: Option<&str>) -> Files {
        Files::new(Publisher::new(self.outlet(), Some(Source::Okta), tenant))
    }

    async fn publish(&self, files: &[&[u8]]) -> Sent {
        let mut publisher = self.files(None);
        for file in files {
            let reader = io::Cursor::new(file.to_vec());
            publisher.publish("f", reader).await.expect("readable");
        }
        publisher.finish().await.expect("sent")
    }

    async fn messages(&self) -> Vec<Message> {
        self.queue.receive(1_000).await.expect("received")
    }

    /// What the other side gets out of the queue: events and bad pieces.
    async fn arrived(&self) -> (Vec<Bytes>, Vec<Bytes>) {
        let (mut events, mut bad) = (Vec::new(), Vec::new());
        for message in self.messages().await {
            let encoding = message.attributes.get("encoding").map(String::as_str);
            let content = Content::of(message.body.clone(), encoding, &Limits::default());
            let mut decoder = match content.expect("readable") {
                Content::Events(decoder) => *decoder,
                Content::Payload(pointer) => {
                    let stored = self.payloads.get(pointer.key()).await;
                    let payload = stored
                        .expect("readable")
                        .expect("stored before its pointer");
                    pointer.verify(&payload).expect("what was meant");
                    Decoder::of_object(payload, &Limits::default())
                }
            };
            while let Pull::Parcel(parcel) = decoder.next_parcel().expect("readable") {
                events.extend(parcel.events.into_iter().map(|event| event.raw));
                bad.extend(parcel.bad.into_iter().map(|piece| piece.raw));
            }
        }
        (events, bad)
    }
}

#[tokio::test]
async fn many_events_of_many_files_share_a_message_and_keep_their_bytes() {
    let world = world();
    let sent = world
        .publish(&[
            b"{\"a\" : 1}\n{\"b\":\t2}\n",
            b"[ {\"c\":3.0} , {\n \"d\": 4 } ]",
            b"{\"Records\":[{\"e\":5}]}",
            b"",
        ])
        .await;
    assert_eq!(
        sent,
        Sent {
            events: 5,
            messages: 1,
            offloaded: 0
        }
    );
    let (events, bad) = world.arrived().await;
    let expected = [
        "{\"a\" : 1}",
        "{\"b\":\t2}",
        "{\"c\":3.0}",
        "{\n \"d\": 4 }",
        "{\"e\":5}",
    ];
    assert_eq!(events, expected);
    assert!(bad.is_empty());
}

#[tokio::test]
async fn a_file_of_something_else_is_refused_and_what_came_before_it_is_sent() {
    let world = world();
    let mut publisher = world.files(None);
    let events = io::Cursor::new(b"{\"a\":1}\n".to_vec());
    publisher.publish("events", events).await.expect("readable");
    for other in [&b"time,who\n12:00,ada\n"[..], b"\x7fELF\x02\n\x00\n\xff"] {
        let reader = io::Cursor::new(other.to_vec());
        let refused = publisher
            .publish("other", reader)
            .await
            .expect_err("no events");
        assert!(matches!(refused, FileError::NoEvents(..)), "{refused}");
        assert!(
            refused.to_string().starts_with("other: byte 0: "),
            "{refused}"
        );
    }
    let (events, bad) = world.arrived().await;
    assert_eq!((events.len(), bad.len()), (1, 0));
}

#[tokio::test]
async fn every_message_says_source_and_tenant() {
    let world = world();
    let mut publisher = world.files(Some("acme"));
    let file = io::Cursor::new(b"{\"a\":1}\nnot an event\n{\"b\":2}".to_vec());
    publisher.publish("f", file).await.expect("readable");
    publisher.finish().await.expect("sent");
    let messages = world.messages().await;
    assert_eq!(messages.len(), 2);
    for message in messages {
        assert_eq!(message.attributes["source"], "okta");
        assert_eq!(message.attributes["tenant_id"], "acme");
        let packed = message
            .attributes
            .get("encoding")
            .is_some_and(|name| name == ENCODING);
        assert_eq!(packed, !message.body.starts_with(b"not"));
    }
}

#[tokio::test]
async fn what_is_no_event_travels_by_itself_and_harms_no_neighbour() {
    let world = world();
    let sent = world
        .publish(&[b"{\"a\":1}\nnot an event\n\xff\xfd\x00\n{\"b\":2}\n"])
        .await;
    assert_eq!(
        sent,
        Sent {
            events: 4,
            messages: 4 - 1,
            offloaded: 1
        }
    );
    let (events, bad) = world.arrived().await;
    assert_eq!(events, ["{\"a\":1}", "{\"b\":2}"]);
    let mut bad: Vec<&[u8]> = bad.iter().map(|raw| raw.trim_ascii_end()).collect();
    bad.sort_unstable();
    assert_eq!(bad, [b"not an event".as_slice(), b"\xff\xfd\x00"]);
}

#[tokio::test]
async fn an_event_too_large_for_a_message_goes_by_way_of_the_store() {
    let world = world();
    // Random hexadecimal digits, so that compressing does not help enough.
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut large = "{\"big\":\"".to_owned();
    while large.len() < 3 << 20 {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        write!(large, "{state:016x}").expect("in memory");
    }
    large += "\"}";
    let file = format!("{{\"a\":1}}\n{large}\n{large}\n{{\"b\":2}}");
    let sent = world.publish(&[file.as_bytes()]).await;
    assert_eq!(
        sent,
        Sent {
            events: 4,
            messages: 3,
            offloaded: 2
        }
    );
    let (mut events, _) = world.arrived().await;
    events.sort_by_key(Bytes::len);
    assert_eq!(events, ["{\"a\":1}", "{\"b\":2}", &large, &large]);
}

#[tokio::test]
async fn of_a_damaged_file_what_could_be_read_is_sent_and_the_rest_told() {
    let world = world();
    let whole: String = (0..500_000).map(|n| format!("{{\"n\":{n}}}\n")).collect();
    let mut packed = zstd::encode_all(whole.as_bytes(), 1).expect("in memory");
    packed.truncate(packed.len() / 2);
    let mut publisher = world.files(None);
    let failure = publisher
        .publish("f.zst", io::Cursor::new(packed))
        .await
        .expect_err("damaged");
    assert!(matches!(failure, FileError::Unreadable(..)), "{failure}");
    let (events, _) = world.arrived().await;
    assert!(!events.is_empty() && events.len() < 500_000);
    assert_eq!(events[0], "{\"n\":0}");
}

#[tokio::test]
async fn what_was_pushed_with_a_grant_is_signed_and_the_signature_tells_its_tenant() {
    let world = world();
    let hash = audit::token::Token::new([1; 32]).hash();
    let grant = Grant::parse(&format!("laptop:acme:{hash}")).expect("valid");
    let grants = credential::Grants::new([grant.clone()]).expect("one");
    let mut files = Files::new(Publisher::granted(world.outlet(), Source::Okta, grant));
    let file = io::Cursor::new(b"{\"a\":1}\nno event".to_vec());
    files.publish("f", file).await.expect("readable");
    files.finish().await.expect("sent");
    let messages = world.messages().await;
    assert_eq!(messages.len(), 2);
    for message in messages {
        assert_eq!(message.attributes["tenant_id"], "acme");
        let credential = &message.attributes[credential::ATTRIBUTE];
        let tenant = grants.tenant_of(credential, &message.body);
        assert_eq!(tenant.map(|tenant| tenant.as_str()), Some("acme"));
    }
}

#[tokio::test]
async fn t1_a_tenant_id_that_no_message_can_carry_stays_invalid() {
    for id in ["", "a\0b", "\u{fffe}"] {
        let world = world();
        let mut publisher = Publisher::new(world.outlet(), None, Some(id));
        let ready = Ready::Plain("{}".to_owned());
        publisher.send(ready).await.expect("sent");
        let sent = &world.messages().await[0].attributes["tenant_id"];
        assert!(audit::tenant::Tenant::parse(sent).is_err(), "{sent}");
    }
}
