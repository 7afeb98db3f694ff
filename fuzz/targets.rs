//! The targets, one for each decoder.

use std::collections::BTreeMap;

use actors::base::Topology;
use audit::{
    journal::{Checkpoint, Keys, Object, Record},
    lake::{self, Footer},
    message::{Bad, Content, Decoder, Event, Limits, Object as Named, Pull, Unreadable},
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
        name: "chunks",
        run: chunks,
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
        name: "checkpoint",
        run: checkpoint,
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
/// comes out does not depend on how it is cut into parcels, unless it is
/// damaged: what was read before the damage has been handed out already.
fn message(input: &[u8]) {
    let Some((choice, body)) = input.split_first() else {
        return;
    };
    let encoding = [None, Some("zstd"), Some("gzip"), Some("br")][usize::from(*choice % 4)];
    let whole = Decoded::of(body, encoding, 1 << 20);
    let cut = Decoded::of(body, encoding, 64);
    assert_eq!(whole.failed, cut.failed);
    if whole.failed.is_none() {
        assert_eq!(whole, cut);
    }
    for event in whole.events {
        assert_eq!(event.raw.first(), Some(&b'{'), "an event's bytes");
        if let Some(source) = Source::of_event(&event.raw) {
            source.owner_of(&event);
        }
    }
    for object in whole.objects {
        let again = Decoded::of(&object.raw, None, 1 << 20).objects;
        assert_eq!(again.len(), 1, "a notice of it alone");
        assert_eq!(
            (&again[0].bucket, &again[0].key),
            (&object.bucket, &object.key)
        );
    }
}

/// The first two bytes are the lengths of chunks, by turns. What comes out does
/// not depend on them, again unless it is damaged.
fn chunks(input: &[u8]) {
    let [first, second, content @ ..] = input else {
        return;
    };
    let limits = Decoded::limits(1 << 20);
    let whole = Decoded::from(
        Decoder::of_object(Bytes::copy_from_slice(content), &limits),
        [],
    );
    let (mut rest, mut lengths) = (content, [*first, *second].into_iter().cycle());
    let pieces = std::iter::from_fn(|| {
        let length = lengths
            .next()
            .map_or(1, |length| usize::from(length).max(1));
        let (piece, behind) = rest.split_at(length.min(rest.len()));
        rest = behind;
        (!piece.is_empty()).then(|| Bytes::copy_from_slice(piece))
    });
    let fed = Decoded::from(Decoder::of_chunks(&limits), pieces);
    assert_eq!(whole.failed, fed.failed);
    if whole.failed.is_none() {
        // A piece that is too large is given up before or after it is known to be bad.
        let [whole, fed] = [whole, fed].map(|decoded| decoded.but_for_large(limits.event_bytes));
        assert!(whole == fed, "cut otherwise, it decodes otherwise");
    }
}

#[derive(Default, PartialEq, Debug)]
struct Decoded {
    events: Vec<Event>,
    bad: Vec<Bad>,
    objects: Vec<Named>,
    skipped: u64,
    failed: Option<Unreadable>,
}

impl Decoded {
    /// Without the reasons of pieces this large, and what is kept of them beyond.
    fn but_for_large(mut self, bytes: usize) -> Decoded {
        for piece in self.bad.iter_mut().filter(|piece| piece.raw.len() >= bytes) {
            piece.reason.clear();
            piece.raw.truncate(bytes);
        }
        self
    }

    fn limits(parcel_bytes: usize) -> Limits {
        Limits {
            event_bytes: 4 << 10,
            unpacked_bytes: 1 << 20,
            parcel_bytes,
            ..Limits::default()
        }
    }

    fn of(body: &[u8], encoding: Option<&str>, parcel_bytes: usize) -> Decoded {
        let limits = Decoded::limits(parcel_bytes);
        match Content::of(Bytes::copy_from_slice(body), encoding, &limits) {
            Ok(Content::Events(decoder)) => Decoded::from(*decoder, []),
            Ok(Content::Payload(_)) => Decoded::default(),
            Err(why) => Decoded {
                failed: Some(why),
                ..Decoded::default()
            },
        }
    }

    fn from(decoder: Decoder, chunks: impl IntoIterator<Item = Bytes>) -> Decoded {
        let mut decoded = Decoded::default();
        decoded.failed = decoded.take(decoder, chunks.into_iter()).err();
        decoded
    }

    fn take(
        &mut self,
        mut decoder: Decoder,
        mut chunks: impl Iterator<Item = Bytes>,
    ) -> Result<(), Unreadable> {
        loop {
            match decoder.next_parcel()? {
                Pull::Parcel(parcel) => {
                    self.events.extend(parcel.events);
                    self.bad.extend(parcel.bad);
                    self.objects.extend(parcel.objects);
                    self.skipped += parcel.skipped;
                }
                Pull::Hungry => match chunks.next() {
                    Some(chunk) => decoder.feed(chunk),
                    None => decoder.close(),
                },
                Pull::End => return Ok(()),
            }
        }
    }
}

/// A row has its uid, its time, and no text that only looks like a fact.
fn normalizer(source: Source, event: &[u8]) {
    let Ok(event) = str::from_utf8(event) else {
        return;
    };
    let Ok(normalised) = normalize(source, event, None, SENT_MS) else {
        return;
    };
    let row = &normalised.row;
    assert!(row.uid.is_some() && row.event_time == Some(normalised.event_ms));
    assert!(
        row.texts().iter().flatten().all(|text| !text.is_empty()),
        "{row:?}"
    );
}

fn sealed(input: &[u8]) -> Bytes {
    let mut object = input.to_vec();
    object.extend(Sha256::digest(input));
    object.into()
}

fn checkpoint(input: &[u8]) {
    let object = sealed(input);
    if let Ok(checkpoint) = Checkpoint::decode(&object) {
        assert_eq!(checkpoint.encode().bytes, object, "read and written");
    }
    if let Ok(keys) = Keys::decode(&object) {
        assert_eq!(keys.encode().bytes, object, "read and written");
    }
}

/// The checksum is made good, since chance would never find it.
fn journal(input: &[u8]) {
    let object = sealed(input);
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
