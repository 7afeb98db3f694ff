//! Times as the four systems write them.

use jiff::{Timestamp, tz::Offset};

use crate::id::put_number;

/// How a time is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Stamp {
    /// `2024-05-01T12:00:00Z`: CloudTrail.
    Seconds,
    /// `2024-05-01T12:00:00.123Z`: Okta and Teleport.
    Millis,
    /// With six digits more: certificates of Teleport.
    Nanos,
    /// Milliseconds since 1970: GitHub.
    EpochMs,
    Epoch,
    /// `2024-05-01`, as keys of objects have it.
    Day,
    /// `2024/05/01`, likewise.
    Folder,
}

pub(crate) fn put(stamp: Stamp, ms: i64, out: &mut Vec<u8>) {
    let ms = ms.max(0);
    match stamp {
        Stamp::EpochMs => return put_number(ms.unsigned_abs(), out),
        Stamp::Epoch => return put_number((ms / 1000).unsigned_abs(), out),
        _ => {}
    }
    let Ok(time) = Timestamp::from_millisecond(ms) else {
        return;
    };
    let at = Offset::UTC.to_datetime(time);
    let between = if stamp == Stamp::Folder { b'/' } else { b'-' };
    put_number(at.year().unsigned_abs().into(), out);
    out.push(between);
    put_two(at.month(), out);
    out.push(between);
    put_two(at.day(), out);
    if matches!(stamp, Stamp::Day | Stamp::Folder) {
        return;
    }
    out.push(b'T');
    put_two(at.hour(), out);
    out.push(b':');
    put_two(at.minute(), out);
    out.push(b':');
    put_two(at.second(), out);
    if stamp != Stamp::Seconds {
        let fraction = (ms % 1000).unsigned_abs();
        out.push(b'.');
        out.push(b'0' + (fraction / 100) as u8);
        put_two((fraction % 100) as i8, out);
    }
    if stamp == Stamp::Nanos {
        // What no clock of ours has: the same for the same millisecond.
        let finer = (ms.unsigned_abs() * 7919) % 900_000 + 100_000;
        put_number(finer, out);
    }
    out.push(b'Z');
}

fn put_two(number: i8, out: &mut Vec<u8>) {
    let number = number.unsigned_abs();
    out.push(b'0' + number / 10);
    out.push(b'0' + number % 10);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_the_sources_do() {
        for (stamp, expected) in [
            (Stamp::Seconds, "2024-05-01T02:03:04Z"),
            (Stamp::Millis, "2024-05-01T02:03:04.056Z"),
            (Stamp::Nanos, "2024-05-01T02:03:04.056539464Z"),
            (Stamp::EpochMs, "1714528984056"),
            (Stamp::Epoch, "1714528984"),
            (Stamp::Day, "2024-05-01"),
            (Stamp::Folder, "2024/05/01"),
        ] {
            let mut out = Vec::new();
            put(stamp, 1_714_528_984_056, &mut out);
            assert_eq!(String::from_utf8_lossy(&out), expected);
        }
    }
}
