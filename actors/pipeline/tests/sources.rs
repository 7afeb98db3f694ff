//! Objects that messages name: read once and whole, or their notification is
//! set aside, or the message stays.

use std::time::Duration;

use audit::source::Source;
use bytes::Bytes;
use tokio::time::{sleep, timeout};

use super::{
    events::{event, padded},
    objects::{STRETCH, WRITTEN_AT_MS},
    pressure::TIGHT,
    readback::{Reading, durable},
    weather::Weather,
    world::{MOMENT, World, leads, notification},
};
use crate::{base::Probe, ingest::object_reader::AT_ONCE};

/// So many events that a stretch holds 16 of them.
fn large(numbers: std::ops::Range<u64>) -> Vec<String> {
    let event = |n| padded(Source::Okta, n, n % 3, STRETCH / 16 - 512);
    numbers.map(event).collect()
}

fn okta(numbers: std::ops::Range<u64>) -> Vec<String> {
    numbers.map(|n| event(Source::Okta, n, 0)).collect()
}

#[tokio::test(start_paused = true)]
async fn an_object_that_outlasts_the_visibility_timeout_is_read_and_stored_once() {
    let mut world = World::new(&[("rows = 50_000", "rows = 20")]);
    let events = large(0..320);
    world.send_object("one", "slow.json", &events);
    world.objects.slow("slow.json", MOMENT);
    let pipeline = world.start(Probe::none()).await;
    let reading = world.finish(pipeline).await;

    let tally = world.queue.tally();
    assert!(tally.received >= 4, "redelivered {} times", tally.received);
    assert_eq!(tally.deleted.len(), 1, "with its newest receipt");
    let bytes = events.join("\n").len() as u64;
    assert_eq!(world.objects.asked().bytes, bytes, "it was read once");
    assert_eq!((reading.counts.stored, reading.counts.duplicate), (320, 0));
}

#[tokio::test(start_paused = true)]
async fn an_object_that_spans_batches_survives_a_kill_between_them() {
    let mut world = World::new(&[("rows = 50_000", "rows = 20")]);
    world.send_object("one", "slow.json", &large(0..320));
    world.objects.slow("slow.json", MOMENT / 2);
    let pipeline = world.start(Probe::none()).await;
    while durable(&world.journal) < 100 {
        sleep(MOMENT / 20).await;
    }
    drop(pipeline);
    let before = durable(&world.journal);
    assert!(before < 320, "it was killed too late");
    assert_eq!(world.queue.count(), 1, "it was deleted too early");

    world.assert_is_quiet().await;
    let pipeline = world.start(Probe::none()).await;
    let reading = world.finish(pipeline).await;
    assert_eq!(reading.counts.duplicate, before as u64);
}

#[tokio::test(start_paused = true)]
async fn a_stop_in_the_middle_of_an_object_is_in_time_and_loses_nothing() {
    let mut world = World::new(&[("rows = 50_000", "rows = 20")]);
    world.send_object("one", "slow.json", &large(0..320));
    world.objects.slow("slow.json", MOMENT);
    let pipeline = world.start(Probe::none()).await;
    sleep(4 * MOMENT).await;
    let stopping = pipeline.stop(Duration::from_secs(30));
    timeout(2 * MOMENT, stopping)
        .await
        .expect("it need not wait");
    let reading = Reading::of(&world.journal, &world.lake);
    assert!(reading.is_released && reading.counts.stored > 0);
    assert_eq!(world.queue.count(), 1, "it is not done");
    let pipeline = world.start(Probe::none()).await;
    world.finish(pipeline).await;
}

#[tokio::test(start_paused = true)]
async fn slow_objects_do_not_stop_the_others() {
    let mut world = World::new(&[]);
    world.objects.slow("stuck.json", 3_000 * MOMENT);
    for _ in 1..AT_ONCE {
        world.send_object("one", "stuck.json", &okta(0..1));
    }
    for number in 1..30 {
        world.send_object("one", &format!("{number}.json"), &okta(number..number + 1));
        world.send("one", None, &okta(100 + number..101 + number));
    }
    let pipeline = world.start(Probe::none()).await;
    let watch = pipeline.watch();
    sleep(4 * MOMENT).await;
    assert_eq!(watch.counts().stored, 58);
    world.objects.slow("stuck.json", Duration::ZERO);
    drop(watch);
    world.finish(pipeline).await;
}

#[tokio::test(start_paused = true)]
async fn when_an_object_was_written_stands_in_for_the_time_of_its_events() {
    let mut world = World::new(&[]);
    let timeless = r#"{"uuid":"1","eventType":"user.session.start","actor":{"id":"00u1"}}"#;
    world.send_object("one", "a.json", &[timeless.to_owned()]);
    let pipeline = world.start(Probe::none()).await;
    world.finish(pipeline).await;
    let day = audit::partition::Day::of_ms(WRITTEN_AT_MS);
    let files = world.lake.objects();
    let expected = format!("data/one/{day}/");
    assert!(
        files.keys().all(|key| key.starts_with(&expected)),
        "{files:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_had_now_stays_in_the_queue() {
    let mut world = World::new(&[]);
    world.objects.sky.set(Weather::Down);
    world.send_object("one", "late.json", &okta(0..3));
    world.send("one", None, &okta(3..6));
    let pipeline = world.start(Probe::none()).await;
    sleep(60 * MOMENT).await;
    assert_eq!(world.queue.count(), 1);
    world.objects.sky.set(Weather::Fair);
    let reading = world.finish(pipeline).await;
    assert_eq!(reading.counts.stored, 6);
}

#[tokio::test(start_paused = true)]
async fn a_message_whose_object_is_absent_goes_to_the_dead_letters_alone() {
    let mut world = World::new(&[]);
    world.queue.set(|manners| manners.receives_max = Some(5));
    world.send_object("one", "there.json", &okta(0..3));
    let absent = world.notify("one", "logs", "absent.json", &[]);
    let pipeline = world.start(Probe::none()).await;
    let reading = world.finish(pipeline).await;
    assert_eq!(world.queue.tally().dead, [(absent, "5".to_owned())]);
    assert_eq!((reading.counts.stored, reading.counts.quarantined), (3, 0));
}

/// One object of this content between two good ones: these of its events are
/// stored, and one entry with this reason names it.
async fn check(content: Bytes, stored: &[String], set_aside: String, reason: &str) -> World {
    let mut world = World::new(&[]);
    world.send_object("one", "before.json", &okta(100..103));
    world.objects.put("logs", "bad.json", content);
    let facts: Vec<String> = stored.iter().cloned().chain([set_aside]).collect();
    world.notify("one", "logs", "bad.json", &facts);
    world.send_object("one", "after.json", &okta(103..106));
    let pipeline = world.start(Probe::none()).await;
    let reading = world.finish(pipeline).await;
    assert_eq!(reading.counts.stored, 6 + stored.len() as u64);
    let entry = &reading.quarantined[0];
    assert_eq!(entry.object.as_deref(), Some("s3://logs/bad.json"));
    assert!(entry.reason.contains(reason), "{}", entry.reason);
    world
}

#[tokio::test(start_paused = true)]
async fn an_object_that_cannot_be_read_is_set_aside_by_its_notification() {
    let named = || notification("logs", "bad.json");
    let damaged = Bytes::from_static(b"\x1f\x8b\x08\x00 and then nothing of the kind");
    check(damaged, &[], named(), "damaged").await;
    check(Bytes::new(), &[], named(), "empty").await;
    let good = okta(0..40);
    let packed = zstd::encode_all(good.join("\n").as_bytes(), 1).expect("memory");
    let cut = Bytes::copy_from_slice(&packed[..packed.len() - 20]);
    check(cut, &[], named(), "damaged").await;
    let inner = notification("logs", "before.json");
    check(inner.clone().into(), &[], inner, "names another object").await;
    let bad = r#"{"who":"nobody knows"}"#.to_owned();
    let content = [&good[0], &bad, &good[1]].map(String::as_str).join("\n");
    check(content.into(), &good[..2], bad, "no recognisable source").await;
}

#[tokio::test(start_paused = true)]
async fn t5_a_bomb_is_given_up_early_and_its_neighbours_pass() {
    let good = okta(0..3);
    let mut bomb = zstd::encode_all(good.join("\n").as_bytes(), 1).expect("memory");
    let blank = zstd::encode_all(&vec![b' '; 1 << 20][..], 1).expect("memory");
    while bomb.len() < 32 * STRETCH {
        bomb.extend_from_slice(&blank);
    }
    let unpacked = (bomb.len() / blank.len()) << 20;
    assert!(unpacked > 10 << 30, "{unpacked} bytes of nothing");
    let named = notification("logs", "bad.json");
    let world = check(bomb.into(), &good, named, "no audit log does").await;
    let read = world.objects.asked().bytes;
    assert!(read < 3 * STRETCH as u64, "{read} bytes were read");
}

#[tokio::test(start_paused = true)]
async fn t7_a_foreign_bucket_is_not_asked_and_its_notification_is_set_aside() {
    let mut world = World::new(&[]);
    let named = notification("elsewhere", "a.json");
    world.notify("one", "elsewhere", "a.json", std::slice::from_ref(&named));
    world.send("one", None, &okta(0..3));
    let pipeline = world.start(Probe::none()).await;
    let reading = world.finish(pipeline).await;
    assert_eq!(world.objects.asked().reads, 0);
    assert_eq!((reading.counts.stored, reading.counts.quarantined), (3, 1));
    let entry = &reading.quarantined[0];
    assert_eq!(entry.raw, named.as_bytes());
    assert_eq!(entry.object.as_deref(), Some("s3://elsewhere/a.json"));
    assert!(
        entry.reason.contains("no source bucket"),
        "{}",
        entry.reason
    );
}

#[tokio::test(start_paused = true)]
async fn t33_many_large_objects_are_held_a_few_stretches_each() {
    let mut world = World::new(&TIGHT);
    let pipeline = world.start(Probe::none()).await;
    let watch = pipeline.watch();
    leads(&watch).await;
    world.journal.sky.set(Weather::Down);
    for first in 0..40 {
        let events = large(first * 64..first * 64 + 64);
        world.send_object("one", &format!("{first}.json"), &events);
    }
    sleep(30 * MOMENT).await;
    let before = (world.objects.asked(), watch.desk.budget().available());
    let most = 2 * (AT_ONCE * STRETCH) as u64;
    let read = before.0.bytes;
    assert!(read > 0 && read <= most, "{read} bytes were read");
    for _ in 0..10 {
        sleep(30 * MOMENT).await;
        let now = (world.objects.asked(), watch.desk.budget().available());
        assert_eq!(now, before, "what is held is not flat");
    }
    world.journal.sky.set(Weather::Fair);
    drop(watch);
    world.finish(pipeline).await;
}
