//! Real events, where they are at hand: `IDTRAIL_SAMPLES`.

use super::*;
use crate::{samples, source::Source};

const FILES: [(&str, Source); 4] = [
    ("aws_cloudtrail", Source::Aws),
    ("github_audit", Source::Github),
    ("okta_system", Source::Okta),
    ("teleport_audit", Source::Teleport),
];

#[test]
fn real_events_are_split_as_their_lines_and_told_by_their_shape() {
    let Some(folder) = samples::folder() else {
        return;
    };
    for (part, least) in [
        ("events", 1.0),
        ("events_restored", 1.0),
        ("events_agpl", 1.0),
        ("events_partial", 0.9),
    ] {
        for (name, source) in FILES {
            let path = folder.join(part).join(name).with_extension("ndjson");
            let Ok(content) = std::fs::read(&path) else {
                assert_ne!(part, "events", "{path:?} is missing");
                continue;
            };
            let lines: Vec<&[u8]> = content.trim_ascii_end().split(|b| *b == b'\n').collect();
            let decoder = Decoder::of_object(content.clone().into(), &Limits::default());
            let parcel = drain(decoder).expect("reads");
            assert_eq!((parcel.bad.len(), parcel.skipped), (0, 0), "{path:?}");
            let found: Vec<&[u8]> = parcel.events.iter().map(|e| &e.raw[..]).collect();
            assert_eq!(found, lines, "{path:?}");
            let told = found.iter().filter(|e| Source::of_event(e) == Some(source));
            let (told, all) = (told.count(), found.len());
            let wrong = found
                .iter()
                .filter(|e| Source::of_event(e).is_some_and(|s| s != source));
            assert_eq!(wrong.count(), 0, "{path:?}");
            assert!(
                told as f64 >= least * all as f64,
                "{path:?}: {told} of {all}"
            );
        }
    }
}
