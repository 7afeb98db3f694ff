//! The targets, one for each decoder.

use std::collections::BTreeMap;

use actors::base::Topology;
use audit::{
    journal::{Object, Record},
    lake::{self, Footer},
    message::{Bad, Content, Decoder, Event, Limits, Unreadable},
    normalize::normalize,
    source::Source,
};
use bytes::Bytes;
use idtrail::settings::Settings;
use sha2::{Digest as _, Sha256};

#[derive(Debug)]
pub struct Target {
    pub name: &'static str,
    pub run: fn(&[u8]),
}

pub const TARGETS: &[Target] = &[
    Target {
        name: "message",
        run: message,
    },
    Target {
        name: "normalize_aws",
        run: |event| normalizer(Source::Aws, event),
    },
    Target {
        name: "normalize_github",
        run: |event| normalizer(Source::Github, event),
    },
    Target {
        name: "normalize_okta",
        run: |event| normalizer(Source::Okta, event),
    },
    Target {
        name: "normalize_teleport",
        run: |event| normalizer(Source::Teleport, event),
    },
    Target {
        name: "journal",
        run: journal,
    },
    Target {
        name: "lake",
        run: lake,
    },
    Target {
        name: "settings",
        run: settings,
    },
    Target {
        name: "topology",
        run: topology,
    },
];

/// When the message was sent, for all that needs a time: 2026-01-01.
const SENT_MS: i64 = 1_767_225_600_000;

/// The first byte chooses the attribute `encoding`, the rest is the body. What
/// comes out does not depend on how it is cut into parcels.
fn message(input: &[u8]) {
    let Some((choice, body)) = input.split_first() else {
        return;
    };
    let encoding = [None, Some("zstd"), Some("gzip"), Some("br")][usize::from(*choice % 4)];
    let decoded = |parcel_bytes| {
        let limits = Limits {
            event_bytes: 4 << 10,
            unpacked_bytes: 1 << 20,
            parcel_bytes,
            ..Limits::default()
        };
        match Content::of(Bytes::copy_from_slice(body), encoding, &limits) {
            Ok(Content::Events(decoder)) => Some(drained(*decoder)),
            Ok(Content::Payload(_)) | Err(_) => None,
        }
    };
    let (whole, cut) = (decoded(1 << 20), decoded(64));
    assert_eq!(whole, cut, "parcels of 1 MiB and of 64 bytes");
    for event in whole.iter().flat_map(|(events, ..)| events) {
        let braces = (event.raw.first(), event.raw.last());
        assert_eq!(braces, (Some(&b'{'), Some(&b'}')), "an event's bytes");
        Source::of_event(&event.raw);
    }
}

fn drained(mut decoder: Decoder) -> (Vec<Event>, Vec<Bad>, Option<Unreadable>) {
    let (mut events, mut bad) = (Vec::new(), Vec::new());
    loop {
        match decoder.next_parcel() {
            Ok(Some(parcel)) => {
                events.extend(parcel.events);
                bad.extend(parcel.bad);
            }
            Ok(None) => return (events, bad, None),
            Err(why) => return (events, bad, Some(why)),
        }
    }
}

/// A row has its uid, its time, and no text that only looks like a fact.
fn normalizer(source: Source, event: &[u8]) {
    let Ok(normalised) = normalize(source, event, SENT_MS) else {
        return;
    };
    let row = &normalised.row;
    assert!(row.uid.is_some() && row.event_time == Some(normalised.event_ms));
    assert!(
        row.texts().iter().flatten().all(|text| !text.is_empty()),
        "{row:?}"
    );
}

/// The checksum is made good, since chance would never find it.
fn journal(input: &[u8]) {
    let mut object = input.to_vec();
    object.extend(Sha256::digest(input));
    let object = Bytes::from(object);
    let Ok((decoded, digest)) = Object::decode(&object) else {
        return;
    };
    let sealed = decoded.encode();
    assert_eq!(
        (sealed.bytes, sealed.digest),
        (object, digest),
        "read and written"
    );
    for record in &decoded.records {
        if let Record::Batch(batch) = record {
            batch.columns().ok();
            for slice in &batch.slices {
                batch.raw(slice.row_start..slice.row_end).ok();
            }
        }
    }
}

fn lake(input: &[u8]) {
    let file = Bytes::copy_from_slice(input);
    Footer::read(&file).ok();
    if let Ok(events) = lake::scan(&file) {
        // A few bytes can claim any number of equal rows.
        events.take(1_000).for_each(drop);
    }
}

fn settings(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    if let Err(issues) = Settings::parse("idtrail.yaml", &text, &BTreeMap::new()) {
        assert!(!issues.is_empty(), "refused for nothing");
    }
}

fn topology(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    match Topology::parse("topology.toml", &text) {
        Ok(topology) => {
            topology.tree();
            topology.picture();
        }
        Err(issues) => assert!(!issues.is_empty(), "refused for nothing"),
    }
}
