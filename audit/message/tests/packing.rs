//! What is packed is what is decoded.

use proptest::prelude::*;

use super::{splitting::event, *};

/// Packs, checks each message, and returns the events that come out of them.
fn round_trip(events: &[String], body_bytes: usize) -> (Vec<String>, usize, Vec<String>) {
    let mut packer = Packer::new(body_bytes);
    let (mut messages, mut large) = (Vec::new(), Vec::new());
    for event in events {
        match packer.push(event.as_bytes()) {
            Full::No => {}
            Full::Message(body) => messages.push(body),
            Full::TooLarge => large.push(event.clone()),
        }
    }
    messages.extend(packer.finish());
    assert_eq!(packer.finish(), None);
    let mut decoded = Vec::new();
    for body in &messages {
        assert!(body.len() <= body_bytes, "{} of {body_bytes}", body.len());
        let parcel = decode(body.as_bytes(), Some(ENCODING)).expect("reads");
        assert_eq!(parcel.bad, []);
        decoded.extend(texts(&parcel.events).into_iter().map(str::to_owned));
    }
    (decoded, messages.len(), large)
}

proptest! {
    #[test]
    fn packed_events_come_out_byte_for_byte(
        events in proptest::collection::vec(event(), 0..40),
        body_bytes in 300..6_000usize,
    ) {
        let (mut decoded, _, mut large) = round_trip(&events, body_bytes);
        decoded.append(&mut large);
        decoded.sort();
        let mut events = events;
        events.sort();
        prop_assert_eq!(decoded, events);
    }
}

#[test]
fn a_message_is_filled() {
    let event = |i: u32| {
        let noise = i.wrapping_mul(2_654_435_761);
        format!(
            r#"{{"action":"x","id":"{noise:08x}{:08x}"}}"#,
            noise.rotate_left(13) ^ i
        )
    };
    let events: Vec<String> = (0..20_000).map(event).collect();
    let (decoded, messages, large) = round_trip(&events, 64 << 10);
    assert_eq!((decoded, large.len()), (events, 0));
    assert!(messages <= 8, "{messages}");
}

#[test]
fn equal_events_stay_within_the_ratio() {
    let events = vec![format!(r#"{{"action":"{}"}}"#, "x".repeat(500)); 20_000];
    let (decoded, messages, _) = round_trip(&events, 1 << 20);
    assert_eq!(decoded.len(), events.len());
    assert!(messages <= 12, "{messages}");
}

#[test]
fn an_event_larger_than_a_message_is_left_to_the_caller() {
    let large = format!(r#"{{"action":"{}"}}"#, "x".repeat(4_000));
    let small = r#"{"action":"y"}"#.to_owned();
    let (decoded, messages, left) =
        round_trip(&[small.clone(), large.clone(), small.clone()], 4_000);
    assert_eq!(
        (decoded, messages, left),
        (vec![small.clone(), small], 1, vec![large])
    );
}

/// A file of this line again and again.
struct Lines {
    line: &'static [u8],
    at: usize,
    end: usize,
}

impl std::io::Read for Lines {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        let rest = &self.line[self.at % self.line.len()..];
        let count = rest.len().min(out.len()).min(self.end - self.at);
        out[..count].copy_from_slice(&rest[..count]);
        self.at += count;
        Ok(count)
    }
}

#[test]
fn a_file_is_read_as_a_stream() {
    let line = b"{\"action\":\"x\"}\n";
    let lines = Lines {
        line,
        at: 0,
        end: 2_000_000 * line.len(),
    };
    let mut decoder = Decoder::of_reader(lines, &Limits::default());
    let mut events = 0;
    while let Pull::Parcel(parcel) = decoder.next_parcel().expect("reads") {
        assert!(parcel.bytes <= 2 << 20);
        events += parcel.events.len();
    }
    assert_eq!(events, 2_000_000);
}

/// Whoever unpacks it keeps no more at hand than a core's cache has room for.
#[test]
fn a_message_refers_no_further_back_than_its_window() {
    let mut packer = Packer::new(1 << 20);
    let mut number = 1_u64;
    for _ in 0..2_000 {
        number = number
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        let event = format!(r#"{{"id":"{number:016x}","text":"{}"}}"#, "x".repeat(1_000));
        assert_eq!(packer.push(event.as_bytes()), Full::No);
    }
    let body = packer.finish().expect("a message");
    let frame = STANDARD.decode(body).expect("base64");
    let unpacked = |window_log| {
        let mut decoder = zstd::stream::read::Decoder::new(&frame[..]).expect("a frame");
        decoder.window_log_max(window_log).expect("a window");
        std::io::copy(&mut decoder, &mut std::io::sink())
    };
    assert!(unpacked(19).expect("it fits") > 1 << 20);
    assert!(unpacked(18).is_err(), "it has use for all of its window");
}
