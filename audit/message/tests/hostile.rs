//! Threats T4 and T5 (more of it in `bombs`): what an attacker, or a bad disk, sends. Work is counted in
//! bytes, not in time.

use proptest::prelude::*;

use super::*;

/// Bytes looked at for each byte that came: see the splitter's header.
const WORK_MAX: u64 = 65;

struct Outcome {
    events: usize,
    reasons: Vec<String>,
    scanned: u64,
}

fn outcome(content: &[u8], limits: &Limits) -> Outcome {
    let content = Bytes::copy_from_slice(content);
    let mut decoder = Decoder::of_object(content, limits);
    let (mut events, mut reasons) = (0, Vec::new());
    while let Pull::Parcel(parcel) = decoder.next_parcel().expect("reads") {
        events += parcel.events.len();
        reasons.extend(parcel.bad.into_iter().map(|bad| bad.reason));
    }
    Outcome {
        events,
        reasons,
        scanned: decoder.scanned(),
    }
}

/// `content` between two good lines: both come out, and the rest gives so many
/// events and these reasons, at the cost of looking at each byte `work` times.
fn check(content: &[u8], events: usize, reasons: &[&str], work: u64) {
    let good = b"{\"action\":\"x\"}";
    let all = [good, content, good].join(&b'\n');
    let found = outcome(&all, &Limits::default());
    let shown = String::from_utf8_lossy(&content[..content.len().min(40)]).into_owned();
    assert_eq!(found.events, events + 2, "{shown}");
    assert_eq!(
        found.reasons.len(),
        reasons.len(),
        "{shown}: {:?}",
        found.reasons
    );
    for (reason, expected) in found.reasons.iter().zip(reasons) {
        assert!(reason.contains(expected), "{shown}: {reason}");
    }
    assert!(
        found.scanned <= work * all.len() as u64,
        "{shown}: {}",
        found.scanned
    );
}

#[test]
fn t4_hostile_json_is_bad_alone_and_costs_little() {
    let many_keys = {
        let keys: Vec<String> = (0..1_000_000).map(|i| format!("\"k{i}\":1")).collect();
        format!("{{{}}}", keys.join(","))
    };
    let deep = format!("{}1{}", "{\"a\":".repeat(65), "}".repeat(65));
    let allowed = format!("{}1{}", "{\"a\":".repeat(64), "}".repeat(64));
    check(
        "[".repeat(100_000).as_bytes(),
        0,
        &["not a JSON object", "the array is not closed"],
        2,
    );
    check(
        "{\"a\":".repeat(100_000).as_bytes(),
        0,
        &["nested too deeply"],
        2,
    );
    check(many_keys.as_bytes(), 0, &["too many keys"], 2);
    check(deep.as_bytes(), 0, &["nested too deeply"], 3);
    // The normalizer says what is wrong with these, each by itself.
    check(allowed.as_bytes(), 1, &[], 3);
    check(br#"{"action":NaN}"#, 1, &[], 4);
    check(br#"{"a":1,"a":2}"#, 1, &[], 4);
    check(b"{\"a\":\"\xff\xfe\"}", 1, &[], 4);
    check(br#"{"a":"\ud800"}"#, 1, &[], 4);
    check(b"\xff\xfe{\x00", 0, &["not a JSON object"], 4);
}

#[test]
fn t4_going_back_costs_no_more_than_the_depth_allows() {
    let long = format!("{{\"a\":\"{}\",\"b\":[\n", "x".repeat(500));
    let content = long.repeat(300);
    let found = outcome(content.as_bytes(), &Limits::default());
    assert_eq!((found.events, found.reasons.len()), (0, 300));
    assert!(
        found.scanned > 10 * content.len() as u64,
        "this is the dear case"
    );
    assert!(found.scanned <= WORK_MAX * content.len() as u64);
}

#[test]
fn t4_an_event_that_is_too_large_is_cut_and_the_next_goes_on() {
    let limits = Limits {
        event_bytes: 3 << 20,
        ..Limits::default()
    };
    let large = format!("{{\"a\":\"{}\"}}", "x".repeat(5 << 20));
    let pretty = large.replace(':', ":\n ");
    let text = "y".repeat(5 << 20);
    for content in [&large, &pretty, &text] {
        let body = format!("{{\"b\":1}}\n{content}\n{{\"b\":2}}\n{{\"b\":3}}");
        let mut decoder = Decoder::of_object(body.clone().into(), &limits);
        let (mut events, mut bad) = (Vec::new(), Vec::new());
        while let Pull::Parcel(parcel) = decoder.next_parcel().expect("reads") {
            assert!(parcel.bytes <= limits.event_bytes + 2 * limits.parcel_bytes);
            events.extend(parcel.events);
            bad.extend(parcel.bad);
        }
        assert_eq!(texts(&events), [r#"{"b":1}"#, r#"{"b":2}"#, r#"{"b":3}"#]);
        assert_eq!(bad.len(), 1);
        assert_eq!(&bad[0].raw, &content.as_bytes()[..BAD_BYTES_MAX]);
        assert!(bad[0].reason.contains("too large"), "{}", bad[0].reason);
        assert!(decoder.scanned() <= 2 * body.len() as u64);
    }
}

/// Reads a bomb to its end: what was unpacked, and why it stopped.
fn explode(bomb: Vec<u8>, limits: &Limits) -> (u64, Unreadable) {
    let mut decoder = Decoder::of_object(bomb.into(), limits);
    loop {
        match decoder.next_parcel() {
            Ok(Pull::Parcel(parcel)) => assert!(parcel.bytes <= 2 * limits.parcel_bytes),
            Ok(Pull::Hungry | Pull::End) => panic!("the bomb was read to its end"),
            Err(error) => return (decoder.unpacked(), error),
        }
    }
}

#[test]
fn t5_bombs_stop_at_the_ratio() {
    let spaces = vec![b' '; 64 << 20];
    let events = b"{\"action\":\"x\"}\n".repeat(4 << 20);
    for content in [spaces, events] {
        for bomb in [gzip(&content), zstd_of(&content)] {
            assert!(bomb.len() * 200 < content.len());
            let packed = bomb.len() as u64;
            let (unpacked, error) = explode(bomb, &Limits::default());
            assert_eq!(error, Unreadable::Ratio(200));
            assert!(
                unpacked <= (200 * packed).max(2 << 20),
                "{unpacked} of {packed}"
            );
        }
    }
}

#[test]
fn t5_sizes_stop_at_their_limits() {
    let content = b"{\"action\":\"x\"}\n".repeat(1 << 18);
    let limits = Limits {
        ratio: u64::MAX,
        unpacked_bytes: 2 << 20,
        ..Limits::default()
    };
    let (unpacked, error) = explode(zstd_of(&content), &limits);
    assert_eq!(error, Unreadable::Unpacked(2 << 20));
    assert!(unpacked <= 3 << 20);

    let limits = Limits {
        compressed_bytes: 100,
        ..Limits::default()
    };
    let (unpacked, error) = explode(gzip(&content), &limits);
    assert_eq!(error, Unreadable::Compressed(100));
    assert!(unpacked <= 1 << 20);

    let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), 1).expect("level");
    encoder.window_log(27).expect("allowed");
    encoder.write_all(&content).expect("memory");
    let (unpacked, error) = explode(encoder.finish().expect("memory"), &Limits::default());
    assert!(matches!(error, Unreadable::Damaged(_)), "{error}");
    assert_eq!(unpacked, 0);
}

#[test]
fn t5_an_archive_in_an_archive_is_not_unpacked() {
    let archive = gzip(&zstd_of(b"{\"a\":1}"));
    let parcel = drain(Decoder::of_object(archive.into(), &Limits::default())).expect("reads");
    assert_eq!((parcel.events.len(), parcel.bad.len()), (0, 1));
}

proptest! {
    #[test]
    fn any_body_is_decoded_without_a_panic(
        body in proptest::collection::vec(any::<u8>(), 0..400),
        encoding in proptest::sample::select(vec![None, Some("zstd"), Some("gzip"), Some("x")]),
        wrap in 0..4u8,
    ) {
        let body = match wrap {
            0 => body,
            1 => STANDARD.encode(gzip(&body)).into_bytes(),
            2 => STANDARD.encode([&b"\x28\xb5\x2f\xfd"[..], &body].concat()).into_bytes(),
            _ => serde_json::json!({"Type": "Notification", "Message": String::from_utf8_lossy(&body)})
                .to_string().into_bytes(),
        };
        // Any outcome will do.
        drop(decode(&body, encoding));
    }

    #[test]
    fn json_like_text_is_decoded_at_bounded_cost(
        text in proptest::collection::vec(
            proptest::sample::select(b"{{{}}}[[]\"\\::,,\n\n a".to_vec()), 1..2000),
        event_bytes in 1..300usize,
        parcel_bytes in 1..300usize,
    ) {
        let limits = Limits { event_bytes, parcel_bytes, ..Limits::default() };
        let mut decoder = Decoder::of_object(text.clone().into(), &limits);
        while let Ok(Pull::Parcel(_)) = decoder.next_parcel() {}
        prop_assert!(decoder.scanned() <= WORK_MAX * text.len() as u64);
    }
}
