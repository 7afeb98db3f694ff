//! Content that arrives in chunks gives what it gives as a whole, however it is
//! cut, and a decoder that waits for a chunk holds little.

use std::{fs, path::Path};

use proptest::prelude::*;

use super::*;

/// Feeds `content` cut into pieces of these lengths, over and over.
pub(super) fn drain_fed(
    content: &[u8],
    lengths: &[usize],
    limits: &Limits,
) -> Result<Parcel, Unreadable> {
    let mut decoder = Decoder::of_chunks(limits);
    let (mut rest, mut lengths) = (content, lengths.iter().cycle());
    let mut all = Parcel::default();
    loop {
        match decoder.next_parcel()? {
            Pull::Parcel(parcel) => add(&mut all, parcel),
            Pull::Hungry if rest.is_empty() => decoder.close(),
            Pull::Hungry => {
                let length = lengths.next().map_or(1, |length| *length).min(rest.len());
                let (chunk, behind) = rest.split_at(length);
                decoder.feed(Bytes::copy_from_slice(chunk));
                rest = behind;
            }
            Pull::End => return Ok(all),
        }
    }
}

fn check(content: &[u8], lengths: &[usize]) {
    let limits = Limits::default();
    let whole = drain(Decoder::of_object(Bytes::copy_from_slice(content), &limits));
    let mut fed = drain_fed(content, lengths, &limits);
    if let (Ok(whole), Ok(fed)) = (&whole, &mut fed) {
        // How much comes at once is the only thing that may differ.
        fed.bytes = whole.bytes;
    }
    let shown = String::from_utf8_lossy(&content[..content.len().min(40)]);
    assert_eq!(fed, whole, "{shown:?} in pieces of {lengths:?}");
}

/// The content as it is, and in each compressed form, one and many members.
fn forms(content: &[u8]) -> [Vec<u8>; 5] {
    let (first, second) = content.split_at(content.len() / 2);
    [
        content.to_vec(),
        gzip(content),
        zstd_of(content),
        [gzip(first), gzip(b""), gzip(second)].concat(),
        [
            b"\x50\x2a\x4d\x18\x02\0\0\0hi".to_vec(),
            zstd_of(first),
            zstd_of(b""),
            zstd_of(second),
        ]
        .concat(),
    ]
}

#[test]
fn fixtures_byte_by_byte_give_what_they_give_as_a_whole() {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    let mut events = Vec::new();
    for source in crate::source::Source::ALL {
        for entry in fs::read_dir(fixtures.join(source.name())).expect("a folder") {
            events.push(fs::read(entry.expect("an entry").path()).expect("readable"));
        }
    }
    for event in &events {
        for form in forms(event) {
            check(&form, &[1]);
        }
    }
    for form in forms(&events.concat()) {
        check(&form, &[7, 1, 4_096]);
    }
}

#[test]
fn short_damaged_and_empty_content_ends_alike() {
    let packed = gzip(b"{\"a\":1}\n{\"b\":2}");
    for content in [
        &b""[..],
        b" \n",
        b"{",
        b"\x1f",
        b"\x1f\x8b",
        b"\x28\xb5\x2f",
        b"\x28\xb5\x2f\xfdx",
        &packed[..packed.len() - 3],
        &packed[..12],
        &[&packed[..], b"garbage"].concat(),
    ] {
        check(content, &[1]);
        check(content, &[3]);
    }
}

#[test]
fn events_come_out_before_the_next_chunk_is_there() {
    let mut decoder = Decoder::of_chunks(&Limits::default());
    assert_eq!(decoder.next_parcel(), Ok(Pull::Hungry));
    assert_eq!(decoder.next_parcel(), Ok(Pull::Hungry));
    let text = format!("{{\"a\":1}}\n{}{{\"b\":", " ".repeat(64));
    decoder.feed(text.into());
    let Ok(Pull::Parcel(parcel)) = decoder.next_parcel() else {
        panic!("an event is complete");
    };
    assert_eq!(texts(&parcel.events), [r#"{"a":1}"#]);
    assert_eq!(decoder.next_parcel(), Ok(Pull::Hungry));
    decoder.feed(Bytes::from_static(b"2}"));
    decoder.close();
    let Ok(Pull::Parcel(parcel)) = decoder.next_parcel() else {
        panic!("the rest");
    };
    assert_eq!(texts(&parcel.events), [r#"{"b":2}"#]);
    assert_eq!(decoder.next_parcel(), Ok(Pull::End));
}

#[test]
fn what_waits_for_a_chunk_stays_within_a_parcel_and_the_largest_event() {
    let line = format!("{{\"a\":\"{}\"}}\n", "x".repeat(1_000));
    let content = line.repeat(20_000);
    let limits = Limits {
        ratio: u64::MAX,
        ..Limits::default()
    };
    for form in [gzip(content.as_bytes()), zstd_of(content.as_bytes())] {
        let mut decoder = Decoder::of_chunks(&limits);
        let (mut events, mut chunks) = (0, form.chunks(4_096));
        loop {
            match decoder.next_parcel().expect("reads") {
                Pull::Parcel(parcel) => {
                    assert!(parcel.bytes <= limits.parcel_bytes + line.len());
                    events += parcel.events.len();
                }
                Pull::Hungry => match chunks.next() {
                    Some(chunk) => decoder.feed(Bytes::copy_from_slice(chunk)),
                    None => decoder.close(),
                },
                Pull::End => break,
            }
        }
        assert_eq!(events, 20_000);
    }
}

proptest! {
    #[test]
    fn any_content_in_any_chunks_gives_what_it_gives_as_a_whole(
        events in proptest::collection::vec(splitting::event(), 0..6),
        tail in "[{}a\n\\[\\]]{0,8}",
        framing in 0..3u8,
        form in 0..5usize,
        lengths in proptest::collection::vec(1..80usize, 1..8),
    ) {
        let body = match framing {
            0 => events.join("\n"),
            1 => format!("[{}]", events.join(",")),
            _ => format!("{{\"Records\":[{}]}}", events.join(",")),
        };
        check(&forms((body + &tail).as_bytes())[form], &lengths);
    }
}
