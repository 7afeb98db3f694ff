//! Whose events they are, all the way to the lake.

use std::collections::{BTreeMap, BTreeSet};

use audit::{source::Source, tenant::Tenant};
use proptest::{
    prelude::any,
    strategy::{Strategy, ValueTree},
    test_runner::TestRunner,
};

use super::{events::event, world::World};
use crate::{base::Probe, ports::Outgoing};

#[tokio::test(start_paused = true)]
async fn t1_any_tenant_id_is_one_segment_of_a_key_or_goes_to_the_quarantine() {
    let mut runner = TestRunner::deterministic();
    let telling = "[a-zA-Z0-9._/%\\\\\u{0}\u{ff0e}-]{0,70}";
    let mut ids: BTreeSet<String> = ["..", "../x", "a/b", "%2e%2e", "a\0", "_quarantine", "ok"]
        .map(str::to_owned)
        .into();
    for _ in 0..100 {
        let any = any::<String>().new_tree(&mut runner).expect("a string");
        let near = telling.new_tree(&mut runner).expect("a string");
        ids.extend([any.current(), near.current()]);
    }
    ids.retain(|id| id.chars().count() <= 128);
    let mut world = World::new(&[]);
    for (number, id) in (0..).zip(&ids) {
        world.send(id, None, &[event(Source::Okta, number, 0)]);
    }
    let pipeline = world.start(Probe::none()).await;
    let reading = world.finish(pipeline).await;

    let valid: BTreeSet<&str> = ids
        .iter()
        .map(String::as_str)
        .filter(|id| Tenant::parse(id).is_ok())
        .collect();
    assert!(valid.len() > 1 && valid.len() < ids.len());
    assert_eq!(reading.counts.stored, valid.len() as u64);
    for key in world.lake.objects().keys() {
        let segments: Vec<&str> = key.split('/').collect();
        let ["data", area, _day, _file] = segments[..] else {
            panic!("{key:?} has other segments");
        };
        assert!(area == "_quarantine" || valid.contains(area), "{key:?}");
    }
}

/// The events of one message go to the tenants of their owners.
#[tokio::test(start_paused = true)]
async fn events_of_many_owners_in_one_message_find_their_tenants() {
    let mut world = World::new(&[]);
    let tenants = |owner: &str, id: &str| {
        let tenant = Tenant::parse(id).expect("a valid id");
        BTreeMap::from([(owner.to_owned(), tenant)])
    };
    world.tenants.owners = [
        tenants("123456789012", "accounts"),
        tenants("example", "repositories"),
        BTreeMap::new(),
        tenants("teleport.example.com", "servers"),
    ];
    let expected = ["accounts", "repositories", "default", "servers"];
    let events: Vec<String> = Source::ALL.map(|source| event(source, 1, 0)).into();
    let number = world.queue.put(Outgoing {
        body: events.join("\n"),
        attributes: BTreeMap::new(),
    });
    world.expect(number, expected.into_iter().zip(&events));
    let pipeline = world.start(Probe::none()).await;
    let reading = world.finish(pipeline).await;
    assert_eq!(reading.counts.stored, 4);
}
