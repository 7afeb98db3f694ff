//! What is published is taken out of a real queue and store again: every event
//! byte for byte, every bad piece beside it, nothing twice.

use std::{io, path::Path, time::Duration};

use actors::ports::Message;
use audit::message::Content;

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
    fn publisher(&self, tenant: Option<&str>) -> Publisher {
        let queue = Arc::clone(&self.queue) as Arc<dyn Queue>;
        let payloads = Arc::clone(&self.payloads) as Arc<dyn Store>;
        Publisher::new(queue, payloads, Some(Source::Okta), tenant).expect("a runtime")
    }

    fn publish(&self, files: &[&[u8]]) -> Sent {
        let mut publisher = self.publisher(None);
        for file in files {
            let reader = io::Cursor::new(file.to_vec());
            publisher.publish("f", reader).expect("readable");
        }
        publisher.finish().expect("sent")
    }

    fn messages(&self) -> Vec<Message> {
        let runtime = runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .expect("a runtime");
        runtime
            .block_on(self.queue.receive(1_000))
            .expect("received")
    }

    /// What the other side gets out of the queue: events and bad pieces.
    fn arrived(&self) -> (Vec<Bytes>, Vec<Bytes>) {
        let runtime = runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .expect("a runtime");
        let (mut events, mut bad) = (Vec::new(), Vec::new());
        for message in self.messages() {
            let encoding = message.attributes.get("encoding").map(String::as_str);
            let content = Content::of(message.body.clone(), encoding, &Limits::default());
            let mut decoder = match content.expect("readable") {
                Content::Events(decoder) => *decoder,
                Content::Payload(pointer) => {
                    let stored = runtime.block_on(self.payloads.get(pointer.key()));
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

#[test]
fn many_events_of_many_files_share_a_message_and_keep_their_bytes() {
    let world = world();
    let sent = world.publish(&[
        b"{\"a\" : 1}\n{\"b\":\t2}\n",
        b"[ {\"c\":3.0} , {\n \"d\": 4 } ]",
        b"{\"Records\":[{\"e\":5}]}",
        b"",
    ]);
    assert_eq!(
        sent,
        Sent {
            events: 5,
            messages: 1,
            offloaded: 0
        }
    );
    let (events, bad) = world.arrived();
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

#[test]
fn every_message_says_source_and_tenant() {
    let world = world();
    let mut publisher = world.publisher(Some("acme"));
    let file = io::Cursor::new(b"{\"a\":1}\nnot an event\n{\"b\":2}".to_vec());
    publisher.publish("f", file).expect("readable");
    publisher.finish().expect("sent");
    let messages = world.messages();
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

#[test]
fn what_is_no_event_travels_by_itself_and_harms_no_neighbour() {
    let world = world();
    let sent = world.publish(&[b"{\"a\":1}\nnot an event\n\xff\xfe\x00\n{\"b\":2}\n"]);
    assert_eq!(
        sent,
        Sent {
            events: 4,
            messages: 4 - 1,
            offloaded: 1
        }
    );
    let (events, bad) = world.arrived();
    assert_eq!(events, ["{\"a\":1}", "{\"b\":2}"]);
    let mut bad: Vec<&[u8]> = bad.iter().map(|raw| raw.trim_ascii_end()).collect();
    bad.sort_unstable();
    assert_eq!(bad, [b"not an event".as_slice(), b"\xff\xfe\x00"]);
}

#[test]
fn an_event_too_large_for_a_message_goes_by_way_of_the_store() {
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
    let sent = world.publish(&[file.as_bytes()]);
    assert_eq!(
        sent,
        Sent {
            events: 4,
            messages: 3,
            offloaded: 2
        }
    );
    let (mut events, _) = world.arrived();
    events.sort_by_key(Bytes::len);
    assert_eq!(events, ["{\"a\":1}", "{\"b\":2}", &large, &large]);
}

#[test]
fn of_a_damaged_file_what_could_be_read_is_sent_and_the_rest_told() {
    let world = world();
    let whole: String = (0..500_000).map(|n| format!("{{\"n\":{n}}}\n")).collect();
    let mut packed = zstd::encode_all(whole.as_bytes(), 1).expect("in memory");
    packed.truncate(packed.len() / 2);
    let mut publisher = world.publisher(None);
    let failure = publisher
        .publish("f.zst", io::Cursor::new(packed))
        .expect_err("damaged");
    assert_eq!(failure.tell(), Exit::Usage);
    let (events, _) = world.arrived();
    assert!(!events.is_empty() && events.len() < 500_000);
    assert_eq!(events[0], "{\"n\":0}");
}
