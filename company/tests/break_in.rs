//! What [`company::BreakIn`] tells is what the events show, on any day, for any
//! seed, among any number of others.

use std::collections::BTreeMap;

use audit::{
    geo::{Database, Lookup as _, Places},
    normalize::normalize,
    row::{Row, Status},
    source::Source,
};
use company::{BreakIn, Company};
use jiff::civil::{Date, date};

const EVENTS: u64 = 20_000;

/// The City database of a company, opened as idtrail does.
fn places(company: &Company, name: &str) -> Places {
    let path = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::write(&path, company.city_database()).expect("writes");
    let (database, warning) = Database::open(Some(path));
    assert_eq!(warning, None);
    Places::new(database)
}

fn rows(company: &Company, until: Date, events: u64) -> Vec<(Row<'static>, i64)> {
    let row = |event: company::Event| {
        let ms = event.time.as_millisecond();
        let raw = str::from_utf8(&event.raw).expect("text");
        let row = normalize(event.source, raw, None, ms).expect("a row");
        (row.row.into_owned(), ms)
    };
    company.history(until, events).map(row).collect()
}

/// By an address of the intruder's; the VPN is everybody's.
fn is_abroad(row: &Row<'_>, facts: &BreakIn) -> bool {
    let abroad = &facts.addresses[..facts.addresses.len() - 1];
    let ip = row.ip.as_ref().and_then(|ip| ip.parse().ok());
    ip.is_some_and(|ip| abroad.contains(&ip))
}

fn check(seed: u64, until: Date, events: u64) -> BreakIn {
    let company = Company::found(seed);
    let facts = company.break_in(until);
    let mut places = places(&company, &format!("{seed}-{until}-{events}.mmdb"));
    let (mut failed, mut failed_of_victim, mut denied) = (0, 0, 0);
    let mut abroad: BTreeMap<Source, usize> = BTreeMap::new();
    let mut touched = facts.touched.clone();
    for (row, ms) in rows(&company, until, events) {
        let place = row
            .ip
            .as_deref()
            .map(|ip| places.lookup(ip).expect("known"));
        let country = place.and_then(|place| place.country);
        assert_eq!(
            country == Some(facts.country.as_str()),
            is_abroad(&row, &facts)
        );
        if !is_abroad(&row, &facts) {
            continue;
        }
        assert!(facts.began.as_millisecond() <= ms && ms <= facts.ended.as_millisecond());
        *abroad.entry(row.source).or_default() += 1;
        let who = row.identity_id.as_deref().expect("known");
        assert!(facts.tried.iter().any(|tried| tried == who), "{who}");
        let action = row.action.as_deref().unwrap_or_default();
        if action == "user.session.start" && row.status == Status::Failure {
            failed += 1;
            failed_of_victim += usize::from(who == facts.victim);
        } else {
            assert_eq!(who, facts.victim, "{action}");
        }
        if action == "user.authentication.auth_via_mfa" && row.status == Status::Failure {
            denied += 1;
        }
        touched.retain(|thing| {
            let name = row.target.resource.as_deref().unwrap_or_default();
            thing.source != row.source || !name.to_lowercase().contains(thing.name)
        });
    }
    assert_eq!(failed, facts.failed_logins);
    assert_eq!(failed_of_victim, facts.failed_logins_of_victim);
    assert_eq!(denied, facts.denied_pushes);
    assert_eq!(abroad.get(&Source::Aws), Some(&facts.events[0]));
    assert_eq!(abroad.get(&Source::Github), Some(&facts.events[1]));
    let in_aws = touched.iter().filter(|thing| thing.source == Source::Aws);
    assert_eq!(in_aws.count(), 0, "not in any row: {touched:?}");
    let days = |facts: &BreakIn| BreakIn {
        began: jiff::Timestamp::UNIX_EPOCH,
        ended: jiff::Timestamp::UNIX_EPOCH,
        ..facts.clone()
    };
    days(&facts)
}

#[test]
fn the_facts_are_those_of_the_events_whatever_the_day() {
    let facts = check(1, date(2026, 6, 30), EVENTS);
    // A Sunday, a leap day, and no event besides.
    assert_eq!(check(1, date(2026, 6, 28), EVENTS), facts);
    assert_eq!(
        check(1, date(2028, 2, 29), Company::found(1).staged_events()),
        facts
    );
    let other = check(9, date(2026, 6, 30), EVENTS);
    assert_eq!(other.failed_logins, facts.failed_logins);
    assert_eq!(other.touched, facts.touched);
    assert!(facts.failed_logins >= 20 && facts.events.iter().all(|events| *events > 5));
}

#[test]
fn the_victim_is_one_identity_in_all_four_sources() {
    let company = Company::found(1);
    let facts = company.break_in(date(2026, 6, 30));
    let mut of_victim: BTreeMap<Source, (usize, usize)> = BTreeMap::new();
    for (row, _) in rows(&company, date(2026, 6, 30), EVENTS) {
        if row.identity_id.as_deref() == Some(facts.victim.as_str()) {
            let (all, foreign) = of_victim.entry(row.source).or_default();
            *all += 1;
            *foreign += usize::from(is_abroad(&row, &facts));
        }
    }
    for source in Source::ALL {
        let (all, foreign) = of_victim.get(&source).copied().unwrap_or_default();
        assert!(all > foreign + 10, "{source}: {all}, {foreign} from abroad");
    }
}

#[test]
fn every_address_is_of_a_place() {
    let company = Company::found(5);
    let mut places = places(&company, "every.mmdb");
    let mut cities = std::collections::BTreeSet::new();
    for event in company.history(date(2026, 6, 30), EVENTS) {
        let value: serde_json::Value = serde_json::from_slice(&event.raw).expect("JSON");
        let mut texts = Vec::new();
        list_texts(&value, &mut texts);
        for text in texts {
            let host = text.parse().map(|socket: std::net::SocketAddr| socket.ip());
            if let Ok(ip) = host.or_else(|_| text.parse()) {
                let place = places.lookup(&ip.to_string());
                let place = place.unwrap_or_else(|| panic!("{ip} is nowhere: {value}"));
                cities.insert(place.city.expect("a city").to_owned());
            }
        }
    }
    assert!(cities.len() >= 18, "{cities:?}");
}

fn list_texts<'a>(value: &'a serde_json::Value, texts: &mut Vec<&'a str>) {
    match value {
        serde_json::Value::Object(members) => {
            members.values().for_each(|value| list_texts(value, texts));
        }
        serde_json::Value::Array(items) => items.iter().for_each(|it| list_texts(it, texts)),
        serde_json::Value::String(text) => texts.push(text),
        _ => {}
    }
}
