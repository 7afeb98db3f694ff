//! Recognises what is around events, or instead of them, in one JSON object.
//!
//! Told by the keys of its top level. An event shows itself by one of its first
//! keys, mostly the first, so that looking costs nearly nothing. Formats:
//! EventBridge "Events structure", SNS "HTTP/HTTPS notification JSON format",
//! CloudTrail "Digest file structure", all in the AWS documentation, Okta "Add an
//! AWS EventBridge log stream"; [`super::notification`] has those of notices.

use std::{ops::Range, sync::Arc};

use super::{members::Members, notification::Form};

/// What an object is. Ranges are of the object's text.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Shape {
    Event,
    /// EventBridge: the event is inside, its owner may be named outside.
    Detail {
        event: Range<usize>,
        owner: Option<Arc<str>>,
    },
    /// An array of events inside.
    Records(Range<usize>),
    /// SNS: a JSON string with anything inside.
    Message(Range<usize>),
    /// A notice that has no event.
    Notice,
    /// Says that there are objects to be read.
    Notification(Form),
    /// SNS wants to hear that the queue wants its messages.
    Confirmation,
}

/// No envelope has these, so that what has one is an event.
const EVENT_KEYS: &[&[u8]] = &[
    b"@timestamp",
    b"_document_id",
    b"action",
    b"actor",
    b"code",
    b"ei",
    b"event",
    b"eventType",
    b"published",
    b"uuid",
];

/// How EventBridge names Okta's log streams; the org follows.
const OKTA_STREAM: &[u8] = b"\"aws.partner/okta.com/";

#[derive(Default)]
struct Signs {
    detail_type: Option<Range<usize>>,
    detail: Option<Range<usize>>,
    source: Option<Range<usize>>,
    has_s3: bool,
    records: Option<Range<usize>>,
    kind: SnsKind,
    message: Option<Range<usize>>,
    has_bucket: bool,
    has_object_keys: bool,
    is_notice: bool,
}

#[derive(Default, PartialEq, Eq)]
enum SnsKind {
    #[default]
    Unknown,
    Notification,
    Confirmation,
}

impl Shape {
    pub(super) fn of(text: &[u8]) -> Shape {
        let mut signs = Signs::default();
        for member in Members::of(text) {
            let value = &text[member.value.clone()];
            match member.key {
                key if EVENT_KEYS.contains(&key) => return Shape::Event,
                // CloudTrail counts 1.x, S3's notifications 2.x.
                b"eventVersion" if !value.starts_with(b"\"2.") => return Shape::Event,
                // `aws:s3`, and what other stores write.
                b"eventSource" if !value.ends_with(b":s3\"") => return Shape::Event,
                b"detail-type" => signs.detail_type = Some(member.value),
                b"detail" if is_object(value) => signs.detail = Some(member.value),
                b"source" => signs.source = Some(member.value),
                b"s3" if value.starts_with(b"{") => signs.has_s3 = true,
                b"Records" if value.starts_with(b"[") && value.ends_with(b"]") => {
                    signs.records = Some(member.value);
                }
                b"Type" => signs.kind = SnsKind::of(value),
                b"Message" if value.starts_with(b"\"") => signs.message = Some(member.value),
                b"s3Bucket" => signs.has_bucket = true,
                b"s3ObjectKey" => signs.has_object_keys = true,
                b"Event" => signs.is_notice |= value == b"\"s3:TestEvent\"",
                b"digestS3Bucket" | b"digestStartTime" => signs.is_notice = true,
                _ => {}
            }
        }
        signs.shape(text)
    }
}

impl Signs {
    fn shape(self, text: &[u8]) -> Shape {
        if self.is_notice {
            return Shape::Notice;
        }
        if let (Some(kind), Some(detail)) = (self.detail_type, self.detail) {
            let source = self.source.map_or(&b""[..], |source| &text[source]);
            if source == b"\"aws.s3\"" && text[kind].starts_with(b"\"Object ") {
                return Shape::Notification(Form::EventBridge);
            }
            return Shape::Detail {
                event: detail,
                owner: okta_org(source),
            };
        }
        if self.has_s3 {
            return Shape::Notification(Form::S3);
        }
        if self.has_bucket && self.has_object_keys {
            return Shape::Notification(Form::CloudTrail);
        }
        match (self.records, self.message) {
            (Some(records), _) => Shape::Records(records),
            (None, Some(message)) if self.kind == SnsKind::Notification => Shape::Message(message),
            (None, Some(_)) if self.kind == SnsKind::Confirmation => Shape::Confirmation,
            _ => Shape::Event,
        }
    }
}

/// Where brackets do not match, a value may end with another.
fn is_object(value: &[u8]) -> bool {
    value.starts_with(b"{") && value.ends_with(b"}")
}

impl SnsKind {
    fn of(value: &[u8]) -> SnsKind {
        match value {
            b"\"Notification\"" => SnsKind::Notification,
            b"\"SubscriptionConfirmation\"" | b"\"UnsubscribeConfirmation\"" => {
                SnsKind::Confirmation
            }
            _ => SnsKind::Unknown,
        }
    }
}

/// The org whose log stream this is: a name, as it may stand in a host.
fn okta_org(source: &[u8]) -> Option<Arc<str>> {
    let name = source.strip_prefix(OKTA_STREAM)?;
    let end = name.iter().position(|b| matches!(b, b'/' | b'"'))?;
    let name = std::str::from_utf8(&name[..end]).ok()?;
    let is_name = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
    (!name.is_empty() && name.bytes().all(is_name)).then(|| name.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        let shown = match Shape::of(text.as_bytes()) {
            Shape::Detail { event, owner } => {
                let owner = owner.map_or(String::new(), |org| format!(" of {org}"));
                format!("detail {}{owner}", &text[event])
            }
            Shape::Records(r) => format!("records {}", &text[r]),
            Shape::Message(r) => format!("message {}", &text[r]),
            other => format!("{other:?}"),
        };
        assert_eq!(shown, expected, "{text}");
    }

    #[test]
    fn envelopes_are_told_from_events() {
        check(r#"{"eventVersion":"1.11","Records":[]}"#, "Event");
        check(r#"{"action":"x","detail-type":"y","detail":{}}"#, "Event");
        check("{}", "Event");
        check(
            r#"{"version":"0","detail-type":"AWS API Call via CloudTrail","source":"aws.s3","detail":{"a":1}}"#,
            r#"detail {"a":1}"#,
        );
        check(r#"{"detail-type":"x","detail":"text"}"#, "Event");
        for (detail, expected) in [
            (r#"{"a":[1]}  "#, r#"detail {"a":[1]}"#),
            ("{ }\n ", "detail { }"),
            (r#"{"a":"]}"}"#, r#"detail {"a":"]}"}"#),
            (r#"{"a":1]"#, "Event"),
            ("[{}]", "Event"),
        ] {
            check(
                &format!(r#"{{"detail-type":"x","detail":{detail}}}"#),
                expected,
            );
        }
        check(r#"{"owner":"x","Records":[1]}"#, "records [1]");
        check(r#"{"owner":"x","Records":[1}}"#, "Event");
        check(
            r#"{"Type":"Notification","Message":"[]"}"#,
            r#"message "[]""#,
        );
        check(
            r#"{"Type":"SubscriptionConfirmation","Message":"x"}"#,
            "Confirmation",
        );
    }

    #[test]
    fn notices_and_pointers_to_objects_are_told_from_events() {
        check(
            r#"{"Service":"Amazon S3","Event":"s3:TestEvent","Bucket":"b"}"#,
            "Notice",
        );
        check(
            r#"{"awsAccountId":"1","digestStartTime":"x","logFiles":[]}"#,
            "Notice",
        );
        check(
            r#"{"s3Bucket":"b","s3ObjectKey":["a/CloudTrail/x.gz"]}"#,
            "Notification(CloudTrail)",
        );
        check(
            r#"{"eventVersion":"2.1","eventSource":"aws:s3","s3":{"object":{"key":"x"}}}"#,
            "Notification(S3)",
        );
        check(
            r#"{"eventVersion":"2.0","eventSource":"minio:s3","s3":{}}"#,
            "Notification(S3)",
        );
        check(
            r#"{"detail-type":"Object Created","source":"aws.s3","detail":{"bucket":{}}}"#,
            "Notification(EventBridge)",
        );
        check(
            r#"{"detail-type":"AWS API Call via CloudTrail","source":"aws.s3","detail":{}}"#,
            "detail {}",
        );
    }

    #[test]
    fn the_owner_of_an_okta_log_stream_is_told() {
        for (source, expected) in [
            ("aws.partner/okta.com/acme/audit", "detail {} of acme"),
            ("aws.partner/okta.com/acme", "detail {} of acme"),
            ("aws.partner/okta.com//audit", "detail {}"),
            ("aws.partner/okta.com/a\\u0041/x", "detail {}"),
            ("aws.partner/example.com/acme/x", "detail {}"),
            ("okta.com/acme", "detail {}"),
        ] {
            check(
                &format!(r#"{{"detail-type":"x","source":"{source}","detail":{{}}}}"#),
                expected,
            );
        }
    }
}
