//! No input whatever makes a normalizer panic, and what it accepts is a row.

use std::{fs, path::Path, sync::LazyLock};

use audit::{
    normalize::{Normalised, Reject, normalize},
    source::Source,
};
use proptest::{collection::vec, prelude::*, sample::select};
use serde_json::{Map, Value, json};

/// 2024-06-01T00:00:00Z
const SENT_MS: i64 = 1_717_200_000_000;

static FIXTURES: LazyLock<Vec<(Source, String)>> = LazyLock::new(|| {
    let mut found = Vec::new();
    for source in Source::ALL {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("fixtures")
            .join(source.name());
        for entry in fs::read_dir(folder).expect("a folder of fixtures") {
            let path = entry.expect("an entry").path();
            if !path.to_string_lossy().ends_with(".row.json") {
                found.push((source, fs::read_to_string(path).expect("a fixture")));
            }
        }
    }
    found
});

fn check(source: Source, event: &[u8]) {
    let text = str::from_utf8(event).map_err(Reject::from);
    match text.and_then(|text| normalize(source, text, None, SENT_MS)) {
        Ok(Normalised { row, event_ms, .. }) => {
            assert_eq!(row.event_time, Some(event_ms));
            assert!(row.uid.is_some());
            assert!(
                row.texts()
                    .into_iter()
                    .flatten()
                    .all(|text| !text.is_empty())
            );
        }
        Err(Reject::NotJson(_)) => {
            let valid = serde_json::from_slice::<&serde_json::value::RawValue>(event).is_ok();
            assert!(
                !valid,
                "valid JSON refused: {}",
                String::from_utf8_lossy(event)
            );
        }
        Err(Reject::NotUtf8(_) | Reject::NotAnObject | Reject::Ahead { .. }) => {}
    }
}

/// Any JSON, with texts that mean something to a normalizer now and then.
fn any_json() -> impl Strategy<Value = Value> {
    let telling = select(vec![
        "AssumedRole",
        "arn:aws:sts::1:assumed-role/",
        "a@b.c",
        "[::1]:1",
        "2024-05-01T12:00:00Z",
        "https://a.okta.com",
        ":",
        "/",
        "0",
    ]);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(|number| json!(number)),
        any::<String>().prop_map(Value::from),
        telling.prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 6, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..6).prop_map(Value::from),
            vec((any::<String>(), inner), 0..6)
                .prop_map(|entries| Value::Object(entries.into_iter().collect())),
        ]
    })
}

/// All places in a document that hold a value, by their JSON pointers.
fn pointers(value: &Value, at: &str, found: &mut Vec<String>) {
    found.push(at.to_owned());
    let escaped = |key: &str| key.replace('~', "~0").replace('/', "~1");
    match value {
        Value::Object(object) => object
            .iter()
            .for_each(|(key, value)| pointers(value, &format!("{at}/{}", escaped(key)), found)),
        Value::Array(list) => list
            .iter()
            .enumerate()
            .for_each(|(index, value)| pointers(value, &format!("{at}/{index}"), found)),
        _ => {}
    }
}

proptest! {
    #[test]
    fn arbitrary_bytes_are_refused_or_become_a_row(
        source in select(&Source::ALL[..]),
        event in vec(any::<u8>(), 0..256),
    ) {
        check(source, &event);
        check(source, &[b"{", &event[..], b"}"].concat());
    }

    #[test]
    fn an_arbitrary_object_is_never_refused_for_its_content(
        source in select(&Source::ALL[..]),
        content in any_json(),
    ) {
        let mut event = Map::new();
        event.insert("userIdentity".to_owned(), content.clone());
        event.insert("actor".to_owned(), content.clone());
        event.insert("user".to_owned(), content.clone());
        event.insert("data".to_owned(), content);
        check(source, Value::Object(event).to_string().as_bytes());
    }

    #[test]
    fn a_fixture_with_another_value_in_any_place_is_never_refused_for_it(
        which in any::<prop::sample::Index>(),
        place in any::<prop::sample::Index>(),
        value in any_json(),
    ) {
        let (source, fixture) = which.get(&FIXTURES);
        let mut event: Value = serde_json::from_str(fixture).expect("a fixture is JSON");
        let mut places = Vec::new();
        pointers(&event, "", &mut places);
        let place: &String = place.get(&places);
        *event.pointer_mut(place).expect("a place in it") = value;
        check(*source, event.to_string().as_bytes());
    }

    #[test]
    fn a_damaged_fixture_is_refused_or_becomes_a_row(
        which in any::<prop::sample::Index>(),
        damage in vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
    ) {
        let (source, fixture) = which.get(&FIXTURES);
        let mut event = fixture.clone().into_bytes();
        for (at, byte) in damage {
            *at.get_mut(&mut event) = byte;
        }
        check(*source, &event);
    }
}
