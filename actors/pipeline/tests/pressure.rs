//! Bounds: mailboxes and credit hold whatever comes, and nothing stands still
//! for good.

use std::time::Duration;

use audit::{
    partition::{Area, Partition},
    source::Source,
    tenant::Tenant,
};
use tokio::time::sleep;

use super::{
    events::{event, padded},
    readback::{Reading, days_ago},
    weather::Weather,
    world::{Handled, MOMENT, World, leads},
};
use crate::base::Probe;

/// The smallest budget that a topology admits: ten parcels. A parcel is smaller
/// than most messages here, the budget smaller than some.
pub(super) const TIGHT: [(&str, &str); 4] = [
    (
        "bytes = \"256 MiB\"\nmessages = 20_000",
        "bytes = \"10 KiB\"\nmessages = 50",
    ),
    ("bytes = \"1 MiB\"", "bytes = \"1 KiB\""),
    ("raw_bytes = \"48 MiB\"", "raw_bytes = \"10 KiB\""),
    ("rows = 50_000", "rows = 20"),
];

fn okta(numbers: std::ops::Range<u64>) -> Vec<String> {
    numbers.map(|n| event(Source::Okta, n, n % 3)).collect()
}

#[tokio::test(start_paused = true)]
async fn while_the_journal_hangs_each_mailbox_holds_its_slots_and_no_more() {
    let mut world = World::new(&[("rows = 50_000", "rows = 1")]);
    let handled = Handled::default();
    let pipeline = world.start(handled.probe()).await;
    let watch = pipeline.watch();
    leads(&watch).await;
    world.journal.sky.set(Weather::Hung);
    for event in okta(0..200) {
        world.send("one", Some(Source::Okta), &[event]);
    }
    sleep(2 * MOMENT).await;

    // Each event is a batch. An actor that waits for a slot holds one message
    // a worker, and what is in its mailbox stands behind.
    let mut behind = 0;
    for name in ["appender", "batcher", "enricher", "okta_normalizer"] {
        let spec = world.topology().actor(name).expect("it is in the topology");
        behind += spec.count;
        let taken = handled.by(name);
        let own = match name {
            // The first beat; the first look at the database.
            "appender" | "enricher" => 1,
            _ => 0,
        };
        assert_eq!(taken, (behind + own) as u64, "{name}");
        behind += spec.slots;
    }
    let pollers = world
        .topology()
        .actor("poller")
        .map_or(0, |spec| spec.count);
    assert_eq!(watch.in_flight.count(), behind + pollers, "one with each");
    assert_eq!(behind + pollers, 23);
    let received = world.queue.tally().received as usize;
    // One with each poller, and what waits in the lobby.
    let most = behind + pollers + 10 * pollers;
    assert!(received <= most, "{received} were received");

    world.journal.sky.set(Weather::Fair);
    world.finish(pipeline).await;
}

/// Takes away one store under a load much larger than the budget; intake must
/// stop and stay stopped, and all must go on when it is back.
async fn starve(world: &mut World, fail: impl Fn(&World, Weather)) {
    let handled = Handled::default();
    let pipeline = world.start(handled.probe()).await;
    let watch = pipeline.watch();
    leads(&watch).await;
    fail(world, Weather::Down);
    for first in 0..300 {
        world.send("one", None, &okta(first * 4..first * 4 + 4));
    }
    sleep(30 * MOMENT).await;
    let budget = watch.desk.budget();
    assert!(budget.starved(), "credit lasted");
    let before = (world.queue.tally().received, watch.in_flight.count());
    let held = budget.available();
    // Small events weigh more as columns than as text, so the ledger may overdraw.
    let all = world.topology().limits().budget.bytes;
    assert!(held.unsigned_abs() < 2 * all, "{held:?} is left of {all}");
    assert!(before.0 < 100, "received {}", before.0);
    for _ in 0..20 {
        sleep(30 * MOMENT).await;
        let now = (world.queue.tally().received, watch.in_flight.count());
        assert_eq!(now, before, "intake went on");
        assert_eq!(budget.available(), held, "memory is not flat");
    }
    fail(world, Weather::Fair);
    world.finish(pipeline).await;
}

#[tokio::test(start_paused = true)]
async fn t33_memory_is_bounded_while_the_journal_cannot_be_written() {
    let mut world = World::new(&TIGHT);
    starve(&mut world, |world, weather| world.journal.sky.set(weather)).await;
}

#[tokio::test(start_paused = true)]
async fn t33_memory_is_bounded_while_the_lake_cannot_be_written() {
    let mut world = World::new(&TIGHT);
    starve(&mut world, |world, weather| world.lake.sky.set(weather)).await;
}

#[tokio::test(start_paused = true)]
async fn a_stop_releases_the_journal_while_memory_is_full() {
    let mut world = World::new(&TIGHT);
    let pipeline = world.start(Probe::none()).await;
    let watch = pipeline.watch();
    leads(&watch).await;
    world.lake.sky.set(Weather::Down);
    // One message, whose end waits for credit that nobody gives back.
    world.send("one", None, &okta(0..300));
    sleep(30 * MOMENT).await;
    assert!(watch.desk.budget().starved(), "credit lasted");
    assert_eq!(watch.in_flight.count(), 1, "it was taken in whole");
    drop(watch);
    // As long as a release may take, and no longer.
    world.journal.sky.set(Weather::Slow(4 * MOMENT));
    pipeline.stop(10 * MOMENT).await;
    let left = Reading::of(&world.journal, &world.lake);
    assert!(left.is_released, "whoever comes next waits for a silence");

    world.journal.sky.set(Weather::Fair);
    world.lake.sky.set(Weather::Fair);
    let pipeline = world.start(Probe::none()).await;
    world.finish(pipeline).await;
}

#[tokio::test(start_paused = true)]
async fn under_pressure_the_heaviest_partitions_are_sealed_first() {
    let mut world = World::new(&TIGHT);
    world.lake.sky.set(Weather::Slow(3 * MOMENT));
    for number in 0..40 {
        let heavy = number % 2 == 0;
        let (days, padding) = if heavy { (1, 800) } else { (number, 0) };
        let event = padded(Source::Okta, number, days, padding);
        world.send("one", None, &[event]);
    }
    let pipeline = world.start(Probe::none()).await;
    let reading = world.finish(pipeline).await;
    let tenant = Tenant::parse("one").expect("it is valid");
    let heavy = Partition::tenant(tenant, days_ago(1));
    assert_eq!(reading.plans[0].1.partition, heavy);
    let first = reading.plans[0].0;
    let together = reading.plans.iter().filter(|(seq, _)| *seq == first);
    assert_eq!(together.count(), 1, "half of the weight is enough");
}

#[tokio::test(start_paused = true)]
async fn a_budget_smaller_than_one_message_makes_progress() {
    let mut world = World::new(&TIGHT);
    for first in [0, 300] {
        let events = okta(first..first + 300);
        assert!(events.iter().map(String::len).sum::<usize>() > 5 * (10 << 10));
        world.send("one", None, &events);
    }
    let pipeline = world.start(Probe::none()).await;
    world.finish(pipeline).await;
}

#[tokio::test(start_paused = true)]
async fn an_event_larger_than_its_parcel_takes_its_own_credit() {
    let mut world = World::new(&TIGHT);
    let pipeline = world.start(Probe::none()).await;
    let watch = pipeline.watch();
    leads(&watch).await;
    world.journal.sky.set(Weather::Hung);
    // The budget has room for one of eight KiB, and none for one of fifty.
    for (number, padding) in (0..12).zip([8 << 10, 50 << 10].into_iter().cycle()) {
        world.send("one", None, &[padded(Source::Okta, number, 0, padding)]);
    }
    sleep(MOMENT).await;
    let in_flight = watch.in_flight.count();
    assert!(
        in_flight <= 2,
        "{in_flight} in hand: one, and one that waits"
    );
    world.journal.sky.set(Weather::Fair);
    world.finish(pipeline).await;
}

#[tokio::test(start_paused = true)]
async fn t23_a_thousand_dates_never_open_more_plans_than_the_limit() {
    for slow in [Duration::from_millis(1), Duration::from_millis(350)] {
        let mut world = World::new(&[
            ("rows = 100_000", "rows = 1"),
            ("rows = 50_000", "rows = 1_000"),
        ]);
        world.journal.sky.set(Weather::Slow(slow));
        world.lake.sky.set(Weather::Slow(Duration::from_millis(10)));
        for round in 0..3 {
            let number = |days| round * 1_000 + days;
            let events: Vec<String> = (0..1_000)
                .map(|days| event(Source::Okta, number(days), days))
                .collect();
            world.send("one", None, &events);
        }
        let pipeline = world.start(Probe::none()).await;
        let reading = world.finish(pipeline).await;
        let tenant = Area::Tenant(Tenant::parse("one").expect("it is valid"));
        let most = reading.open_plans_max[&tenant];
        let limit = world.topology().limits().seal.open_days_max;
        assert!(most <= limit, "{most} plans were open");
        assert!(reading.files >= 1_000);
    }
}

#[tokio::test(start_paused = true)]
async fn no_more_messages_are_in_hand_than_the_budget_names() {
    let mut world = World::new(&[(
        "bytes = \"256 MiB\"\nmessages = 20_000",
        "bytes = \"256 MiB\"\nmessages = 25",
    )]);
    let pipeline = world.start(Probe::none()).await;
    let watch = pipeline.watch();
    leads(&watch).await;
    world.journal.sky.set(Weather::Hung);
    for event in okta(0..100) {
        world.send("one", None, &[event]);
    }
    sleep(2 * MOMENT).await;
    assert_eq!(watch.in_flight.count(), 25);
    world.journal.sky.set(Weather::Fair);
    world.finish(pipeline).await;
}
