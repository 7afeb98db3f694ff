//! Whatever form events come in, each is a row once; again in another form, it is
//! recognised.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
};

use audit::source::Source;
use serde_json::json;

use super::{
    cloud::cloud,
    senders::{Form, Senders},
    site::Site,
};
use crate::{events, readers};

/// Of each source and form.
const EVENTS: u64 = 25;

/// Sends each form a share of the events, and then each form the share of the
/// form before it.
fn check(events: &BTreeMap<Source, Vec<String>>) {
    let Some(cloud) = cloud() else {
        return;
    };
    let site = Site::new(cloud, "");
    let senders = Senders::new(&site);
    let mut service = site.serve();
    let forms = Form::ALL.len();
    let mut shares: BTreeMap<(Source, usize), Vec<String>> = BTreeMap::new();
    for (source, lines) in events {
        for (index, line) in lines.iter().enumerate() {
            let share = shares.entry((*source, index % forms)).or_default();
            share.push(line.clone());
        }
    }
    for ((source, form), share) in &mut shares {
        *share = senders.send(Form::ALL[*form], *source, share);
    }
    site.settle(&mut service);
    let sent: usize = shares.values().map(Vec::len).sum();
    assert_eq!(service.count("idtrail_events_stored_total"), sent);
    assert_eq!(service.count("idtrail_events_duplicate_total"), 0);

    for ((source, form), share) in &shares {
        // EventBridge writes JSON its own way: only its own events stay as they are.
        let next = match Form::ALL[*form] {
            Form::Bridge => *form,
            _ => (form + 1) % (forms - 1),
        };
        senders.send(Form::ALL[next], *source, share);
    }
    site.settle(&mut service);
    assert_eq!(service.count("idtrail_events_stored_total"), sent);
    assert_eq!(service.count("idtrail_events_duplicate_total"), sent);
    assert_eq!(service.terminate().code, Some(0));

    let folder = site.deployment.path("events");
    for source in events.keys() {
        let lines: Vec<&str> = shares
            .iter()
            .filter(|((of, _), _)| of == source)
            .flat_map(|(_, share)| share.iter().map(String::as_str))
            .collect();
        events::write_text(&folder, *source, &lines.join("\n"));
    }
    site.check_rows(&folder);
    assert_eq!(site.dead_letters(), 0);
}

#[test]
fn events_in_every_form_are_rows_once() {
    let numbers = 0..EVENTS * Form::ALL.len() as u64;
    let events = Source::ALL.into_iter().map(|source| {
        let lines = numbers.clone().map(|number| events::event(source, number));
        (source, lines.collect())
    });
    check(&events.collect());
}

#[test]
fn sample_events_in_every_form_are_rows_once() {
    let Some(samples) = readers::samples() else {
        return;
    };
    let events = readers::sample_files(&samples).map(|(source, file)| {
        let text = fs::read_to_string(file).expect("samples can be read");
        // A line that stands there twice is one event.
        let lines: BTreeSet<&str> = text.lines().collect();
        (source, lines.into_iter().map(str::to_owned).collect())
    });
    check(&events.collect());
}

#[test]
fn an_event_of_five_megabytes_goes_by_way_of_large_files() {
    let Some(cloud) = cloud() else {
        return;
    };
    let site = Site::new(cloud, "");
    let filler = "ö ".repeat(5_000_000 / 3);
    let event = events::event(Source::Okta, 1).replace("User login", &filler);
    assert!(event.len() > 5_000_000);
    let folder = site.deployment.path("events");
    let file = events::write_text(&folder, Source::Okta, &event);
    assert_eq!(
        site.deployment.publish(Source::Okta, &file),
        json!({"events": 1, "messages": 1, "offloaded": 1})
    );
    let mut service = site.serve();
    site.settle(&mut service);
    assert_eq!(service.terminate().code, Some(0));
    site.check_rows(&folder);
}
