//! When an event happened.
//!
//! Sources write ISO 8601 with 0 to 9 fraction digits and any offset, or epoch
//! numbers: from 1e12 on milliseconds, from 1e9 on seconds. Times are truncated
//! to milliseconds, never rounded. What cannot be read, and what lies before
//! 1971 (`0001-01-01T00:00:00Z` is how Go prints "no time"), is no usable time:
//! the time at which the message was sent stands in. A time without an offset
//! is taken for UTC, as all four sources write nothing else.

use std::borrow::Cow;

use jiff::{Timestamp, civil::DateTime, tz::TimeZone};

use super::{Reject, json::Number, tolerant::Tolerant};

/// 1971-01-01T00:00:00Z: earlier times are no times.
const USABLE_MS_MIN: i64 = 31_536_000_000;

/// How far a clock at the source may be ahead of the queue's.
const AHEAD_MS_MAX: i64 = 24 * 3_600_000;

/// Four years: what lies further back is stored, but the table's partition
/// projection does not reach it.
const AGE_MS_MAX: i64 = 1_461 * 86_400_000;

/// Milliseconds since 1970, not before 1971.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Millis(i64);

/// An event's time as it goes into the lake.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Resolved {
    pub(super) ms: i64,
    /// The event gives no usable time: `ms` is when its message was sent.
    pub(super) substituted: bool,
    /// Older than four years.
    pub(super) old: bool,
}

impl Millis {
    pub(super) fn get(self) -> i64 {
        self.0
    }

    fn usable(ms: i64) -> Option<Millis> {
        (ms >= USABLE_MS_MIN).then_some(Millis(ms))
    }

    fn of_text(text: &str) -> Option<Millis> {
        let text = text.trim_ascii();
        if let Ok(at) = text.parse::<Timestamp>() {
            return Millis::usable(at.as_millisecond());
        }
        if let Ok(civil) = text.parse::<DateTime>() {
            let at = civil.to_zoned(TimeZone::UTC).ok()?;
            return Millis::usable(at.timestamp().as_millisecond());
        }
        text.parse().ok().and_then(Millis::of_epoch)
    }

    /// Casts from floating point saturate, so that no number is too large.
    fn of_epoch(number: f64) -> Option<Millis> {
        if number >= 1e12 {
            Millis::usable(number as i64)
        } else if number >= 1e9 {
            Millis::usable((number * 1e3) as i64)
        } else {
            None
        }
    }
}

impl<'de> Tolerant<'de> for Option<Millis> {
    fn take_text(&mut self, text: Cow<'de, str>) {
        *self = Millis::of_text(&text);
    }

    fn take_number(&mut self, number: Number<'de>) {
        *self = match number.as_i64() {
            Some(ms) if ms >= 1_000_000_000_000 => Millis::usable(ms),
            _ => number.as_f64().and_then(Millis::of_epoch),
        };
    }
}

/// `sent_ms` is when the message (or S3 object) that brought the event was
/// written.
pub(super) fn resolve(event_ms: Option<i64>, sent_ms: i64) -> Result<Resolved, Reject> {
    let Some(ms) = event_ms else {
        return Ok(Resolved {
            ms: sent_ms,
            substituted: true,
            old: false,
        });
    };
    let ahead = ms.saturating_sub(sent_ms);
    if ahead > AHEAD_MS_MAX {
        return Err(Reject::Ahead {
            hours: ahead / 3_600_000,
        });
    }
    Ok(Resolved {
        ms,
        substituted: false,
        old: ahead < -AGE_MS_MAX,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::normalize::json::read;

    fn check(json: &str, expected: Option<i64>) {
        let read: Option<Millis> = read(json).expect("valid JSON");
        assert_eq!(read.map(Millis::get), expected, "{json}");
    }

    #[test]
    fn times_are_read_in_every_form_that_sources_use() {
        for (json, expected) in [
            (r#""2023-07-10T12:27:31Z""#, 1_688_992_051_000),
            (r#""2023-07-10T12:27:31.4Z""#, 1_688_992_051_400),
            (r#""2023-07-10T12:27:31.999999999Z""#, 1_688_992_051_999),
            (r#""2023-07-10T14:27:31+02:00""#, 1_688_992_051_000),
            (r#""2023-07-10T07:27:31.123-05:00""#, 1_688_992_051_123),
            (r#""2023-07-10 12:27:31.309""#, 1_688_992_051_309),
            (r#""2016-12-31T23:59:60Z""#, 1_483_228_799_000),
            ("1688992051123", 1_688_992_051_123),
            ("1688992051123.0", 1_688_992_051_123),
            ("1688992051", 1_688_992_051_000),
            ("1688992051.5", 1_688_992_051_500),
            (r#""1688992051123""#, 1_688_992_051_123),
            (r#""1971-01-01T00:00:00Z""#, USABLE_MS_MIN),
        ] {
            check(json, Some(expected));
        }
    }

    #[test]
    fn what_is_no_usable_time_is_none() {
        for json in [
            "null",
            "0",
            "123",
            "-1688992051123",
            "999999999",
            "true",
            "{}",
            "[]",
            r#""""#,
            r#""...""#,
            r#""redacted""#,
            r#""0001-01-01T00:00:00Z""#,
            r#""1970-12-31T23:59:59.999Z""#,
            r#""2023-02-30T00:00:00Z""#,
            r#""NaN""#,
        ] {
            check(json, None);
        }
    }

    #[test]
    fn a_time_is_kept_substituted_or_refused_by_its_distance() {
        let sent = 1_700_000_000_000;
        let kept = |ms, old| Resolved {
            ms,
            substituted: false,
            old,
        };
        let edge = sent + AHEAD_MS_MAX;
        let aged = sent - AGE_MS_MAX;
        for (event, expected) in [
            (Some(sent), Ok(kept(sent, false))),
            (Some(edge), Ok(kept(edge, false))),
            (Some(edge + 1), Err(Reject::Ahead { hours: 24 })),
            (Some(aged), Ok(kept(aged, false))),
            (Some(aged - 1), Ok(kept(aged - 1, true))),
            (
                None,
                Ok(Resolved {
                    ms: sent,
                    substituted: true,
                    old: false,
                }),
            ),
        ] {
            assert_eq!(resolve(event, sent), expected, "{event:?}");
        }
    }
}
