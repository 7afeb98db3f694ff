//! What comes out of a message, for each form that one can have.

mod bombs;
mod feeding;
mod hostile;
mod notifications;
mod packing;
mod samples;
mod splitting;
mod traps;

use std::io::Write as _;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;

use super::*;

/// All that a decoder gives.
pub(super) fn drain(mut decoder: Decoder) -> Result<Parcel, Unreadable> {
    let mut all = Parcel::default();
    while let Pull::Parcel(parcel) = decoder.next_parcel()? {
        add(&mut all, parcel);
    }
    Ok(all)
}

fn add(all: &mut Parcel, parcel: Parcel) {
    all.events.extend(parcel.events);
    all.bad.extend(parcel.bad);
    all.objects.extend(parcel.objects);
    all.skipped += parcel.skipped;
    all.bytes = all.bytes.max(parcel.bytes);
}

pub(super) fn decode(body: &[u8], encoding: Option<&str>) -> Result<Parcel, Unreadable> {
    match Content::of(Bytes::copy_from_slice(body), encoding, &Limits::default())? {
        Content::Events(decoder) => drain(*decoder),
        Content::Payload(pointer) => panic!("{pointer:?}"),
    }
}

pub(super) fn texts(events: &[Event]) -> Vec<&str> {
    events
        .iter()
        .map(|event| std::str::from_utf8(&event.raw).expect("text"))
        .collect()
}

fn check(body: &str, events: &[&str]) {
    let parcel = decode(body.as_bytes(), None).expect(body);
    assert_eq!(texts(&parcel.events), events, "{body}");
    assert_eq!(parcel.bad, [], "{body}");
    for event in &parcel.events {
        let at = usize::try_from(event.offset).expect("small");
        if !body.contains("Notification") {
            assert_eq!(&body.as_bytes()[at..at + event.raw.len()], &event.raw);
        }
    }
}

fn gzip(content: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(content).expect("memory");
    encoder.finish().expect("memory")
}

fn zstd_of(content: &[u8]) -> Vec<u8> {
    zstd::encode_all(content, 1).expect("memory")
}

#[test]
fn plain_forms_give_their_events_byte_for_byte() {
    check(r#"{"a":1}"#, &[r#"{"a":1}"#]);
    check(" \n{ \"a\" : [1, {}] }\n\n", &[r#"{ "a" : [1, {}] }"#]);
    check("\u{feff}{\"a\":1}", &[r#"{"a":1}"#]);
    check(r#"[{"a":1},{"b":2}]"#, &[r#"{"a":1}"#, r#"{"b":2}"#]);
    check("{\"a\":1}\r\n{\"b\":2}\r\n", &[r#"{"a":1}"#, r#"{"b":2}"#]);
    check(
        r#"{"a":1}{"b":2} {"c":3}"#,
        &[r#"{"a":1}"#, r#"{"b":2}"#, r#"{"c":3}"#],
    );
    check(
        r#"{"a":"}]\"{\\"}{"b":2}"#,
        &[r#"{"a":"}]\"{\\"}"#, r#"{"b":2}"#],
    );
    check("[]", &[]);
    check("[{\"a\":1}]\n[{\"b\":2}]", &[r#"{"a":1}"#, r#"{"b":2}"#]);
}

#[test]
fn pretty_printed_events_stay_whole() {
    let wide = "{\n  \"a\": [\n    {\n      \"b\": 1\n    }\n  ],\n  \"c\": {}\n}";
    let flat = "{\n\"a\": [\n{\n\"b\": 1\n},\n{\n}\n]\n}";
    check(&format!("{wide}\n{flat}\n{wide}"), &[wide, flat, wide]);
    check(&format!("[{wide},\n{flat}]"), &[wide, flat]);
    check(&format!("{wide}{flat}"), &[wide, flat]);
}

#[test]
fn envelopes_are_opened() {
    check(
        r#"{"Records":[{"a":1},{"b":2}]}"#,
        &[r#"{"a":1}"#, r#"{"b":2}"#],
    );
    check(
        "{ \"Records\" :\n[\n{\"a\":1}\n,{\"b\":2}]\n}\n",
        &[r#"{"a":1}"#, r#"{"b":2}"#],
    );
    check(
        "{\"Records\":[{\"a\":1}]}\n{\"Records\":[]}",
        &[r#"{"a":1}"#],
    );
    check(r#"{"x":1,"Records":[{"a":1}]}"#, &[r#"{"a":1}"#]);
    check(
        r#"{"version":"0","detail-type":"x","source":"y","detail":{"a": 1}}"#,
        &[r#"{"a": 1}"#],
    );
    let detail = r#"{"version":"0","detail-type":"x","source":"y","detail":{"a":"\u00e9"}}"#;
    for (message, expected) in [
        (r#"{"a":"x\ny"}"#, r#"{"a":"x\ny"}"#),
        (r#"[{"a":1}]"#, r#"{"a":1}"#),
        (r#"{"Records":[{"a":1}]}"#, r#"{"a":1}"#),
        (detail, r#"{"a":"\u00e9"}"#),
    ] {
        let body = serde_json::json!({"Type": "Notification", "Message": message});
        check(&body.to_string(), &[expected]);
    }
}

#[test]
fn compressed_forms_are_told_by_their_first_bytes() {
    let (first, second) = (b"{\"a\":1}\n{\"b\"", b":2}\n[{\"c\":3}]");
    let expected = [r#"{"a":1}"#, r#"{"b":2}"#, r#"{"c":3}"#];
    for packed in [
        [gzip(first), gzip(second)].concat(),
        [zstd_of(first), zstd_of(second)].concat(),
        [
            b"\x50\x2a\x4d\x18\x02\0\0\0hi".to_vec(),
            zstd_of(first),
            zstd_of(second),
        ]
        .concat(),
        [first.to_vec(), second.to_vec()].concat(),
    ] {
        let decoder = Decoder::of_object(packed.clone().into(), &Limits::default());
        let parcel = drain(decoder).expect("reads");
        assert_eq!(texts(&parcel.events), expected);
        for encoding in ["zstd", "gzip"] {
            let body = STANDARD.encode(&packed);
            let parcel = decode(body.as_bytes(), Some(encoding)).expect("reads");
            assert_eq!(texts(&parcel.events), expected);
        }
    }
    let unnamed = STANDARD.encode(gzip(first));
    assert_eq!(
        decode(unnamed.as_bytes(), None)
            .expect("reads")
            .events
            .len(),
        1
    );
}

#[test]
fn notices_are_skipped_and_counted() {
    for body in [
        r#"{"Service":"Amazon S3","Event":"s3:TestEvent","Bucket":"b"}"#,
        r#"{"awsAccountId":"1","digestStartTime":"x"}"#,
    ] {
        let parcel = decode(body.as_bytes(), None).expect(body);
        assert_eq!((parcel.skipped, parcel.events.len()), (1, 0), "{body}");
        assert_eq!(parcel.bad, []);
    }
}

#[test]
fn what_cannot_be_read_says_why() {
    let cut = STANDARD.encode(&gzip(b"{\"a\":1}")[..15]);
    for (body, encoding, expected) in [
        ("", None, Unreadable::Empty),
        (" \n\t\r\n", None, Unreadable::Empty),
        ("\u{feff}", None, Unreadable::Empty),
        ("{}", Some("lz4"), Unreadable::Encoding("lz4".into())),
        ("{}", Some("zstd"), Unreadable::Base64),
        (
            cut.as_str(),
            Some("gzip"),
            Unreadable::Damaged("incomplete deflate stream".into()),
        ),
    ] {
        assert_eq!(decode(body.as_bytes(), encoding), Err(expected), "{body}");
    }
}

#[test]
fn a_pointer_is_handed_to_the_caller() {
    let pointer = Pointer::new("x", b"{}").expect("valid");
    let content = Content::of(pointer.encode().into(), None, &Limits::default());
    assert!(matches!(content, Ok(Content::Payload(found)) if found == pointer));
}

#[test]
fn events_before_damage_are_handed_out_before_the_error() {
    let mut packed = zstd_of(b"{\"a\":1}\n{\"b\":2}\n{\"c");
    packed.extend(b"garbage");
    let mut decoder = Decoder::of_object(packed.into(), &Limits::default());
    let Ok(Pull::Parcel(parcel)) = decoder.next_parcel() else {
        panic!("what came before the damage");
    };
    assert_eq!(texts(&parcel.events), [r#"{"a":1}"#, r#"{"b":2}"#]);
    assert!(matches!(decoder.next_parcel(), Err(Unreadable::Damaged(_))));
    assert!(matches!(decoder.next_parcel(), Err(Unreadable::Damaged(_))));
}
