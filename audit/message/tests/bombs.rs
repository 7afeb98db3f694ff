//! Threat T5: what unpacks to far more than it weighs, in objects that arrive in
//! chunks. What is unpacked is counted, the rest of the bomb is never asked for.

use flate2::{Compression, write::GzEncoder};

use super::*;

const MIB: u64 = 1 << 20;

/// Makes a gzip bomb of any size a little at a time.
struct Bomb {
    encoder: Option<GzEncoder<Vec<u8>>>,
    filler: Vec<u8>,
    left: u64,
}

impl Bomb {
    fn of(filler: Vec<u8>, bytes: u64) -> Bomb {
        Bomb {
            encoder: Some(GzEncoder::new(Vec::new(), Compression::default())),
            filler,
            left: bytes,
        }
    }
}

impl Iterator for Bomb {
    type Item = Vec<u8>;

    fn next(&mut self) -> Option<Vec<u8>> {
        let encoder = self.encoder.as_mut()?;
        if self.left == 0 {
            return Some(self.encoder.take()?.finish().expect("memory"));
        }
        encoder.write_all(&self.filler).expect("memory");
        self.left = self.left.saturating_sub(self.filler.len() as u64);
        Some(std::mem::take(encoder.get_mut()))
    }
}

/// Feeds chunks to the end: bytes fed, bytes unpacked, and why it stopped.
fn explode(
    chunks: impl IntoIterator<Item = Vec<u8>>,
    limits: &Limits,
) -> (u64, u64, Option<Unreadable>) {
    let mut decoder = Decoder::of_chunks(limits);
    let (mut fed, mut chunks) = (0, chunks.into_iter());
    loop {
        match decoder.next_parcel() {
            Ok(Pull::Parcel(parcel)) => assert!(parcel.bytes <= 2 * limits.parcel_bytes),
            Ok(Pull::Hungry) => match chunks.next() {
                Some(chunk) => {
                    fed += chunk.len() as u64;
                    decoder.feed(chunk.into());
                }
                None => decoder.close(),
            },
            Ok(Pull::End) => return (fed, decoder.unpacked(), None),
            Err(error) => return (fed, decoder.unpacked(), Some(error)),
        }
    }
}

#[test]
fn t5_of_ten_gigabytes_only_the_first_are_unpacked() {
    let lines = b"{\"action\":\"x\"}\n".repeat(70_000);
    for filler in [vec![b' '; 1 << 20], lines] {
        let bomb = || Bomb::of(filler.clone(), 10 << 30);
        let (fed, unpacked, error) = explode(bomb(), &Limits::default());
        assert_eq!(error, Some(Unreadable::Ratio(200)));
        assert!(unpacked <= 4 * MIB && fed <= MIB, "{unpacked} of {fed}");

        let limits = Limits {
            ratio: u64::MAX,
            unpacked_bytes: 16 * MIB,
            ..Limits::default()
        };
        let (fed, unpacked, error) = explode(bomb(), &limits);
        assert_eq!(error, Some(Unreadable::Unpacked(16 * MIB)));
        assert!(unpacked <= 17 * MIB && fed <= MIB, "{unpacked} of {fed}");
    }
}

#[test]
fn t5_a_bomb_in_many_members_is_one_bomb() {
    let member = gzip(&vec![b' '; 1 << 20]);
    let frame = zstd_of(&vec![b' '; 1 << 20]);
    for piece in [member, frame] {
        let pieces = std::iter::repeat_n(piece, 10_000);
        let (_, unpacked, error) = explode(pieces, &Limits::default());
        assert_eq!(error, Some(Unreadable::Ratio(200)));
        assert!(unpacked <= 4 * MIB, "{unpacked}");
    }
}

#[test]
fn t5_members_of_nothing_stop_at_the_compressed_size() {
    let limits = Limits {
        compressed_bytes: MIB,
        ..Limits::default()
    };
    let skippable = [&b"\x50\x2a\x4d\x18\x00\x04\0\0"[..], &[0; 1_024]].concat();
    for piece in [gzip(b""), zstd_of(b""), skippable] {
        let chunk = piece.repeat((64 << 10) / piece.len());
        let (fed, unpacked, error) = explode(std::iter::repeat_n(chunk, 1_000), &limits);
        assert_eq!(error, Some(Unreadable::Compressed(MIB)));
        assert!(unpacked == 0 && fed <= 2 * MIB, "{unpacked} of {fed}");
    }
}

#[test]
fn t5_a_window_beyond_eight_mebibytes_is_refused_before_it_is_taken() {
    for (log, refused) in [(23, false), (24, true), (27, true)] {
        let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), 1).expect("level");
        encoder.window_log(log).expect("allowed");
        encoder.write_all(b"{\"action\":\"x\"}").expect("memory");
        encoder.flush().expect("memory");
        let frame = encoder.finish().expect("memory");
        let (_, unpacked, error) = explode([frame], &Limits::default());
        assert_eq!(error.is_some(), refused, "2^{log}: {error:?}");
        assert_eq!(unpacked == 0, refused);
    }
}

#[test]
fn t5_bombs_inside_of_sns_are_bad_alone() {
    let message = STANDARD.encode(gzip(&vec![b' '; 1 << 20]));
    let envelope = serde_json::json!({"Type": "Notification", "Message": message}).to_string();
    let body = format!("{envelope}\n").repeat(200) + "{\"action\":\"x\"}";
    let bytes = body.len();
    let parcel = drain(Decoder::of_object(body.into(), &Limits::default())).expect("reads");
    assert_eq!((parcel.bad.len(), parcel.events.len()), (200, 1));
    assert!(parcel.bytes <= bytes, "nothing of it is kept");
    let reason = &parcel.bad[0].reason;
    assert!(reason.contains("decompressed: split it"), "{reason}");
}

#[test]
fn events_of_several_parcels_come_out_before_the_damage_is_told() {
    let line: String = (0..400)
        .map(|i| format!("\"k{i}\":\"{}\",", i * 7_919))
        .collect();
    let content = format!("{{{line}\"z\":0}}\n").repeat(2_000);
    let limits = Limits {
        ratio: u64::MAX,
        ..Limits::default()
    };
    for whole in [gzip(content.as_bytes()), zstd_of(content.as_bytes())] {
        let mut cut = Decoder::of_object(whole[..whole.len() - 20].to_vec().into(), &limits);
        let (mut parcels, mut events) = (0, 0);
        let error = loop {
            match cut.next_parcel() {
                Ok(Pull::Parcel(parcel)) => {
                    assert_eq!(parcel.bad, [], "the event that was cut off is not blamed");
                    parcels += 1;
                    events += parcel.events.len();
                }
                Ok(other) => panic!("{other:?}"),
                Err(error) => break error,
            }
        };
        assert!(matches!(error, Unreadable::Damaged(_)), "{error}");
        assert!(parcels > 4 && events > 1_500, "{parcels} {events}");
    }
}
