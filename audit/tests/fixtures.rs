//! Each rule of the mapping, shown by an event and the row that it must become.
//!
//! A fixture is `audit/fixtures/<source>/<case>.json` and, beside it,
//! `<case>.row.json`: the columns that are not NULL, and no others.

use std::{collections::BTreeMap, fs, path::Path};

use arrow::{
    array::{Array, AsArray},
    datatypes::{Float64Type, TimestampMillisecondType},
};
use audit::{
    columns::{Rows, normalize_all},
    key::Secret,
    message::Event,
    schema::Column,
    source::Source,
    tenant::Tenant,
};
use serde_json::{Value, json};

/// 2024-06-01T00:00:00Z
const SENT_MS: i64 = 1_717_200_000_000;

/// Fewer would mean that the directory was not found.
const FIXTURES_MIN: usize = 12;

fn check(source: Source, case: &Path) {
    let event = Event::of(fs::read(case).expect("a readable fixture").into());
    let tenant = Tenant::parse("acme").expect("a valid id");
    let (rows, rejected, _) = normalize_all(
        source,
        &tenant,
        &Secret([1; 4]),
        std::slice::from_ref(&event),
        SENT_MS,
    );
    assert_eq!(rejected, [], "{}", case.display());
    let facets = [
        Column::AwsAccountId,
        Column::GithubOrganization,
        Column::OktaOrg,
        Column::TeleportCluster,
    ];
    let facet = rows.column(facets[source as usize - 1]).expect("narrow");
    let facet = facet.as_string::<i32>().iter().next().flatten();
    assert_eq!(source.owner_of(&event).as_deref(), facet);
    assert_eq!(*rows.raw[0].as_bytes(), event.raw);

    let expected_file = case.with_extension("row.json");
    let expected = fs::read(&expected_file).unwrap_or_default();
    let expected: Option<Value> = serde_json::from_slice(&expected).ok();
    let shown = shown(&rows);
    if expected.is_none() {
        fs::write(&expected_file, format!("{shown:#}\n")).expect("the fixture is writable");
        return;
    }
    assert_eq!(
        Some(&shown),
        expected.as_ref(),
        "{} does not match its row {shown:#}",
        case.display(),
    );
}

/// The only row, as in a `.row.json`.
fn shown(rows: &Rows) -> Value {
    assert_eq!(rows.len(), 1);
    let mut shown = BTreeMap::new();
    for column in Column::ALL {
        let Some(array) = rows.column(column).filter(|array| array.is_valid(0)) else {
            continue;
        };
        let value = match column {
            Column::Latitude | Column::Longitude => {
                json!(array.as_primitive::<Float64Type>().value(0))
            }
            Column::EventTime => {
                let ms = array.as_primitive::<TimestampMillisecondType>().value(0);
                let at = jiff::Timestamp::from_millisecond(ms).expect("a time in range");
                json!(format!("{at:.3}"))
            }
            _ => json!(array.as_string::<i32>().value(0)),
        };
        shown.insert(column.name(), value);
    }
    json!(shown)
}

fn check_all(source: Source) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fixtures")
        .join(source.name());
    let cases: Vec<_> = fs::read_dir(&folder)
        .expect("a folder of fixtures")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| !path.to_string_lossy().ends_with(".row.json"))
        .collect();
    assert!(
        cases.len() >= FIXTURES_MIN,
        "{} has too few",
        folder.display()
    );
    for case in cases {
        check(source, &case);
    }
}

#[test]
fn cloudtrail_events_become_the_expected_rows() {
    check_all(Source::Aws);
}

#[test]
fn github_events_become_the_expected_rows() {
    check_all(Source::Github);
}

#[test]
fn okta_events_become_the_expected_rows() {
    check_all(Source::Okta);
}

#[test]
fn teleport_events_become_the_expected_rows() {
    check_all(Source::Teleport);
}
