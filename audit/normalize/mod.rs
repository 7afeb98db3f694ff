//! From a source's event to a row of the lake.
//!
//! One module per source reads the event's facts; what all sources share is
//! here: time, uid, and what is refused. An event that is a JSON object always
//! becomes a row, whatever is missing from it or of the wrong type; a fact that
//! it does not give is absent. Refused is only what is no JSON object in UTF-8,
//! and what claims to come from the future. Depth and number of keys are
//! bounded before events come here ([`crate::message`]). Rows of a parcel go on
//! as Arrow columns ([`crate::columns`]).

mod address;
mod aws;
mod aws_target;
mod country;
mod github;
mod github_target;
mod json;
mod okta;
mod owner;
mod teleport;
mod teleport_target;
mod text;
mod time;
mod tolerant;

use std::{borrow::Cow, str::Utf8Error};

use highway::{HighwayHash, HighwayHasher};

use crate::{row::Row, source::Source};

/// Why an event cannot become a row.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum Reject {
    #[error("not UTF-8 from byte {0} on: send events as JSON text in UTF-8")]
    NotUtf8(usize),
    #[error("not a JSON object: send each event as one object in braces")]
    NotAnObject,
    #[error("not valid JSON: {0}")]
    NotJson(String),
    #[error(
        "its time is {hours} h ahead of the message that brought it, allowed are 24: check the clock of its source"
    )]
    Ahead { hours: i64 },
}

/// A row with what should be counted about it.
#[derive(Clone, PartialEq, Debug)]
pub struct Normalised<'a> {
    /// `uid` and `event_time` are always there.
    pub row: Row<'a>,
    pub event_ms: i64,
    /// The event gives no usable time: `substitute_ms` stands in.
    pub time_substituted: bool,
    /// Older than four years, so that the table's projection does not show it.
    pub time_old: bool,
}

impl From<Utf8Error> for Reject {
    fn from(error: Utf8Error) -> Reject {
        Reject::NotUtf8(error.valid_up_to())
    }
}

/// The row of one event. `owner` is whose it is where only what it came in says
/// so. `substitute_ms` is when the message that brought it was sent (of an S3
/// object, when it was last modified).
pub fn normalize<'a>(
    source: Source,
    event: &'a str,
    owner: Option<&'a str>,
    substitute_ms: i64,
) -> Result<Normalised<'a>, Reject> {
    let mut row = read(source, event, owner)?;
    let time = time::resolve(row.event_time, substitute_ms)?;
    row.event_time = Some(time.ms);
    row.uid
        .get_or_insert_with(|| Cow::Owned(fingerprint(event.as_bytes())));
    Ok(Normalised {
        row,
        event_ms: time.ms,
        time_substituted: time.substituted,
        time_old: time.old,
    })
}

fn read<'a>(source: Source, text: &'a str, owner: Option<&'a str>) -> Result<Row<'a>, Reject> {
    if !text.trim_ascii_start().starts_with('{') {
        return Err(Reject::NotAnObject);
    }
    let row = match source {
        Source::Aws => json::read(text).map(aws::row),
        Source::Github => json::read(text).map(github::row),
        Source::Okta => json::read(text).map(|event| okta::row(event, owner)),
        Source::Teleport => json::read(text).map(teleport::row),
    };
    row.map_err(|error| Reject::NotJson(error.to_string()))
}

/// The uid of an event that has none: `h-` and 128 bits of HighwayHash over its
/// bytes, as 32 hexadecimal digits. The hash key is public and fixed for ever,
/// so that the same event has the same uid in every lake.
fn fingerprint(event: &[u8]) -> String {
    const KEY: highway::Key = highway::Key([
        u64::from_be_bytes(*b"idtrail "),
        u64::from_be_bytes(*b"event   "),
        u64::from_be_bytes(*b"uid     "),
        u64::from_be_bytes(*b"v1      "),
    ]);
    let [low, high] = HighwayHasher::new(KEY).hash128(event);
    format!("h-{high:016x}{low:016x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    const SENT_MS: i64 = 1_717_200_000_000;

    fn check(source: Source, event: &[u8], expected: Result<&str, &str>) {
        let normalised = str::from_utf8(event)
            .map_err(Reject::from)
            .and_then(|event| normalize(source, event, None, SENT_MS))
            .map_err(|reject| reject.to_string());
        let shown = match &normalised {
            Ok(normalised) => Ok(normalised.row.action.as_deref().unwrap_or("none")),
            Err(reason) => Err(reason.as_str()),
        };
        assert_eq!(shown, expected, "{}", String::from_utf8_lossy(event));
    }

    #[test]
    fn only_what_is_no_json_object_is_refused() {
        let not_an_object = "not a JSON object: send each event as one object in braces";
        for source in Source::ALL {
            for (event, expected) in [
                (&b"{}"[..], Ok("none")),
                (b" \n{\"x\":[[[{}]]]} ", Ok("none")),
                (b"", Err(not_an_object)),
                (b"[]", Err(not_an_object)),
                (b"\"event\"", Err(not_an_object)),
                (b"null", Err(not_an_object)),
                (
                    b"{",
                    Err("not valid JSON: the text ends too early at byte 1"),
                ),
                (
                    b"{} {}",
                    Err("not valid JSON: there is more after the value at byte 3"),
                ),
                (
                    b"{\"a\":\"\xff\"}",
                    Err("not UTF-8 from byte 6 on: send events as JSON text in UTF-8"),
                ),
            ] {
                check(source, event, expected);
            }
        }
    }

    #[test]
    fn lone_surrogates_and_numbers_of_any_size_are_json() {
        for (source, event, expected) in [
            (Source::Github, r#"{"action":"a\ud800b"}"#, "a\u{fffd}b"),
            (Source::Github, r#"{"action":"\ud83d\ude00"}"#, "\u{1f600}"),
            (Source::Teleport, r#"{"\udfff":1,"event":"exec"}"#, "exec"),
            (
                Source::Aws,
                r#"{"eventTime":1e999,"eventName":"Get"}"#,
                "Get",
            ),
            (Source::Okta, r#"{"actor":-1e999,"eventType":"a.b"}"#, "a.b"),
        ] {
            check(source, event.as_bytes(), Ok(expected));
        }
    }

    #[test]
    fn an_okta_event_that_names_no_org_has_that_of_its_log_stream() {
        let own =
            r#"{"debugContext":{"debugData":{"origin":"https://beta-admin.oktapreview.com"}}}"#;
        for (event, stream, expected) in [
            ("{}", None, (None, None)),
            ("{}", Some("acme"), (Some("acme"), Some("acme.okta.com"))),
            (
                "{}",
                Some("login.example.com"),
                (Some("login.example.com"), Some("login.example.com")),
            ),
            (
                own,
                Some("acme"),
                (Some("beta"), Some("beta.oktapreview.com")),
            ),
        ] {
            let normalised = normalize(Source::Okta, event, stream, SENT_MS);
            let row = normalised.expect("an object").row;
            let found = (row.okta_org.as_deref(), row.origin.as_deref());
            assert_eq!(found, expected, "{event} {stream:?}");
        }
    }

    #[test]
    fn an_event_from_the_future_is_refused_with_its_distance() {
        let event = br#"{"event":"exec","time":"2024-06-08T00:00:00Z"}"#;
        let reason = "its time is 168 h ahead of the message that brought it, allowed are 24: \
                      check the clock of its source";
        check(Source::Teleport, event, Err(reason));
    }

    #[test]
    fn t4_hostile_json_is_refused_or_read_as_the_last_of_its_keys_says() {
        let deep = format!("{}1{}", r#"{"a":"#.repeat(64), "}".repeat(64));
        let lists = format!(
            r#"{{"action":"x","a":{}{}}}"#,
            "[".repeat(63),
            "]".repeat(63)
        );
        for (event, expected) in [
            (&br#"{"action":"a","action":"b"}"#[..], Ok("b")),
            (br#"{"action":"a","\u0061ction":"b"}"#, Ok("b")),
            (deep.as_bytes(), Ok("none")),
            (lists.as_bytes(), Ok("x")),
            (
                br#"{"action":NaN}"#,
                Err("not valid JSON: a value is expected at byte 10"),
            ),
            (
                br#"{"action":-Infinity}"#,
                Err("not valid JSON: a digit is expected at byte 11"),
            ),
            (
                b"{\"action\":\"\xc0\xaf\"}",
                Err("not UTF-8 from byte 11 on: send events as JSON text in UTF-8"),
            ),
        ] {
            check(Source::Github, event, expected);
        }
    }

    /// Golden: the uids of the events that are in lakes already never change.
    #[test]
    fn the_uid_of_an_event_without_one_is_a_hash_of_its_bytes() {
        let uid = |event: &str| {
            let normalised = normalize(Source::Okta, event, None, SENT_MS).expect("an object");
            normalised.row.uid.expect("always there").into_owned()
        };
        assert_eq!(uid("{}"), "h-195809e051bd9b6fe44fa49368358f50");
        assert_eq!(uid(r#"{"uuid":""}"#), uid(r#"{"uuid":""}"#));
        assert_ne!(uid(r#"{"uuid":""}"#), uid(r#"{"uuid": ""}"#));
        assert_eq!(uid(r#"{"uuid":"u-1"}"#), "u-1");
    }
}
