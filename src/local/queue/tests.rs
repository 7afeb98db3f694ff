//! The manners of SQS on a real directory, with a clock that goes when told:
//! visibility, receipts, counts that outlive the process, dead letters.

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicU64, Ordering},
};

use actors::ports::Queue as _;

use super::*;

/// A clock that goes when told.
#[derive(Default)]
struct Stopped(AtomicU64);

impl Clock for Stopped {
    fn wall_ms(&self) -> i64 {
        1_732_330_000_000 + i64::try_from(self.boot_ms()).expect("tests are short")
    }

    fn boot_ms(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

struct World {
    directory: tempfile::TempDir,
    clock: Arc<Stopped>,
    queue: Queue,
}

const VISIBILITY: Duration = Duration::from_secs(60);

fn open(directory: &Path, clock: &Arc<Stopped>) -> Queue {
    let clock = Arc::clone(clock) as Arc<dyn Clock>;
    Queue::open(&directory.join("queue"), clock, VISIBILITY).expect("a writable directory")
}

fn world() -> World {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let clock = Arc::<Stopped>::default();
    let queue = open(directory.path(), &clock);
    World {
        directory,
        clock,
        queue,
    }
}

fn text(message: &Message) -> &str {
    std::str::from_utf8(&message.body).expect("sent as text")
}

impl World {
    async fn send(&self, bodies: &[&str]) {
        let attributes = BTreeMap::from([("source".to_owned(), "okta".to_owned())]);
        let messages = bodies.iter().map(|body| Outgoing {
            body: (*body).to_owned(),
            attributes: attributes.clone(),
        });
        self.queue.send(messages.collect()).await.expect("sent");
    }

    async fn receive(&self) -> Vec<Message> {
        self.queue.receive(10).await.expect("received")
    }

    async fn one(&self) -> Message {
        self.receive().await.pop().expect("a message is visible")
    }

    async fn delete(&self, message: &Message) -> bool {
        let entry = (message.id.clone(), message.receipt.clone());
        self.queue.delete(&[entry]).await.expect("answered")[0]
    }

    async fn backlog(&self) -> (u64, u64) {
        let backlog = self
            .queue
            .backlog()
            .await
            .expect("listable")
            .expect("it can tell");
        (backlog.visible, backlog.hidden)
    }

    fn pass(&self, time: Duration) {
        let ms = u64::try_from(time.as_millis()).expect("short");
        self.clock.0.fetch_add(ms, Ordering::Relaxed);
    }

    /// As after `kill -9`: the disk is all that is left.
    fn restart(&mut self) {
        self.queue = open(self.directory.path(), &self.clock);
    }

    fn path(&self, below: &str) -> PathBuf {
        self.directory.path().join("queue").join(below)
    }

    /// The reasons of the dead letters; each has its message beside it.
    fn dead(&self) -> Vec<String> {
        let files = || {
            let entries = fs::read_dir(self.path("dead")).expect("listable");
            entries.map(|entry| entry.expect("readable").path())
        };
        let is_note = |path: &PathBuf| {
            path.extension()
                .is_some_and(|extension| extension == "reason")
        };
        let reasons: Vec<_> = files()
            .filter(is_note)
            .map(|path| fs::read_to_string(path).expect("text"))
            .collect();
        assert_eq!(files().count(), reasons.len() * 2);
        reasons
    }
}

#[tokio::test]
async fn a_message_arrives_as_it_was_sent_and_in_order() {
    let world = world();
    world.send(&["one", "two\nlines", ""]).await;
    let messages = world.receive().await;
    assert_eq!(
        messages.iter().map(text).collect::<Vec<_>>(),
        ["one", "two\nlines", ""]
    );
    assert_eq!(messages[0].attributes["source"], "okta");
    assert_eq!(
        (messages[0].receives, messages[0].sent_at_ms),
        (1, 1_732_330_000_000)
    );
}

#[tokio::test]
async fn a_received_message_is_hidden_until_its_time_is_over() {
    let world = world();
    world.send(&["one", "two"]).await;
    assert_eq!(world.backlog().await, (2, 0));
    let first = world.queue.receive(1).await.expect("received");
    assert_eq!(world.backlog().await, (1, 1));
    let second = world.one().await;
    assert_ne!(first[0].id, second.id);
    assert_eq!(world.backlog().await, (0, 2));

    world.pass(VISIBILITY);
    assert_eq!(world.backlog().await, (2, 0));
    let again = world.receive().await;
    assert_eq!(
        again
            .iter()
            .map(|message| message.receives)
            .collect::<Vec<_>>(),
        [2, 2]
    );
}

#[tokio::test]
async fn only_the_newest_receipt_deletes() {
    let world = world();
    world.send(&["one"]).await;
    let old = world.one().await;
    world.pass(VISIBILITY);
    let new = world.one().await;
    assert!(!world.delete(&old).await);
    assert!(world.delete(&new).await);
    assert!(
        world.delete(&new).await,
        "deleting what is gone is a success"
    );
    assert_eq!(world.backlog().await, (0, 0));
}

#[tokio::test]
async fn after_a_restart_all_is_visible_and_the_counts_are_kept() {
    let mut world = world();
    world.send(&["one"]).await;
    let before = world.one().await;
    world.restart();
    assert_eq!(world.backlog().await, (1, 0));
    assert!(!world.delete(&before).await, "a receipt of another life");
    assert_eq!(world.one().await.receives, 2);
}

#[tokio::test]
async fn a_message_never_settled_is_dead_after_twenty_receives() {
    let mut world = world();
    world.send(&["poison", "fine"]).await;
    for receives in 1..=RECEIVES_MAX {
        world.restart();
        for message in world.receive().await {
            assert_eq!(
                message.receives,
                if text(&message) == "fine" {
                    1
                } else {
                    receives
                }
            );
            if text(&message) == "fine" {
                assert!(world.delete(&message).await);
            }
        }
    }
    assert_eq!(world.backlog().await, (0, 1));
    world.pass(VISIBILITY);
    assert_eq!(world.receive().await.len(), 0);
    assert_eq!(world.dead(), ["received 20 times and never settled\n"]);
    assert_eq!(world.backlog().await, (0, 0));
}

#[tokio::test]
async fn a_buried_message_is_dead_at_its_fifth_receive_with_the_reason() {
    let world = world();
    world.send(&["junk"]).await;
    for receives in 1..=BURIALS_MAX {
        let message = world.one().await;
        let dead = world
            .queue
            .bury(&message, "not JSON")
            .await
            .expect("answered");
        assert_eq!(dead, receives == BURIALS_MAX);
        assert_eq!(world.dead().len(), usize::from(dead));
        world.pass(Duration::from_millis(BURY_PAUSE_MS));
    }
    assert_eq!(world.dead(), ["not JSON\n"]);
    assert_eq!(world.backlog().await, (0, 0));
}

#[tokio::test]
async fn foreign_and_broken_files_become_dead_letters_and_harm_nothing() {
    let world = world();
    world.send(&["fine"]).await;
    let id = |number: u8| format!("1732330000000-00000000000000aa-{number:010}.0");
    let too_large = vec![b'x'; usize::try_from(FILE_BYTES_MAX).expect("fits") + 1];
    for (file, bytes) in [
        ("events.json".to_owned(), b"{}".as_slice()),
        (id(1), b"".as_slice()),
        (
            id(2),
            b"{\"version\":1,\"body_bytes\":100,\"attributes\":{}}\nhalf".as_slice(),
        ),
        (id(3), &too_large),
        (".tmp-being-written".to_owned(), b"half".as_slice()),
    ] {
        fs::write(world.path(&file), bytes).expect("writable");
    }
    fs::create_dir(world.path("lost+found")).expect("writable");

    let messages = world.receive().await;
    assert_eq!(messages.iter().map(text).collect::<Vec<_>>(), ["fine"]);
    let mut reasons = world.dead();
    reasons.sort();
    let expected = [
        "events.json is no message",
        "the file has no header",
        "the file has no header",
        "the file holds 4",
    ];
    assert!(
        reasons
            .iter()
            .zip(expected)
            .all(|(reason, start)| reason.starts_with(start)),
        "{reasons:?}"
    );
    assert_eq!(world.backlog().await, (0, 1));
}

#[tokio::test]
async fn what_another_process_sends_is_found() {
    let world = world();
    assert!(world.receive().await.is_empty());
    let waiting = {
        let queue = world.queue.clone();
        tokio::spawn(async move { queue.receive(10).await })
    };
    let other = open(world.directory.path(), &world.clock);
    let message = Outgoing {
        body: "hello".to_owned(),
        attributes: BTreeMap::new(),
    };
    other.send(vec![message]).await.expect("sent");
    let messages = waiting.await.expect("no panic").expect("received");
    assert_eq!(messages.len(), 1);
}

#[tokio::test]
async fn what_somebody_removes_by_hand_is_simply_gone() {
    let world = world();
    world.send(&["one", "two"]).await;
    assert_eq!(world.backlog().await, (2, 0));
    for entry in fs::read_dir(world.path("")).expect("listable") {
        let path = entry.expect("readable").path();
        if path.is_file() {
            fs::remove_file(path).expect("removable");
        }
    }
    assert!(world.receive().await.is_empty());
    assert_eq!(world.backlog().await, (0, 0));
}

#[tokio::test]
async fn a_message_over_the_limit_is_refused() {
    let world = world();
    let message = Outgoing {
        body: "x".repeat(letter::BODY_BYTES_MAX + 1),
        attributes: BTreeMap::new(),
    };
    let error = world
        .queue
        .send(vec![message])
        .await
        .expect_err("too large");
    assert!(matches!(error, QueueError::Fatal(_)), "{error}");
}

#[tokio::test]
async fn t25_who_sends_a_hundred_times_as_much_waits_for_itself_alone() {
    let world = world();
    let sent_by = |tenant: &str, body: String| Outgoing {
        body,
        attributes: BTreeMap::from([("tenant_id".to_owned(), tenant.to_owned())]),
    };
    let loud = (0..100).map(|number| sent_by("loud", format!("loud {number}")));
    let quiet = ["quiet", "calm"].map(|tenant| sent_by(tenant, tenant.to_owned()));
    let all = loud.chain(quiet).collect();
    world.queue.send(all).await.expect("sent");
    let first = world.receive().await;
    let first: Vec<&str> = first.iter().map(text).collect();
    for tenant in ["loud 0", "quiet", "calm"] {
        assert!(first[..3].contains(&tenant), "{first:?}");
    }
    assert_eq!(
        first[3..],
        [
            "loud 1", "loud 2", "loud 3", "loud 4", "loud 5", "loud 6", "loud 7"
        ]
    );
}
