//! Recognises what is around events, or instead of them, in one JSON object.
//!
//! Told by the keys of its top level. An event shows itself by one of its first
//! keys, mostly the first, so that looking costs nearly nothing. Formats:
//! EventBridge "Events structure", SNS "HTTP/HTTPS notification JSON format", S3
//! "Event message structure", CloudTrail "Digest file structure" and "Configuring
//! SNS notifications", all in the AWS documentation.

use std::ops::Range;

use super::members::Members;

/// What an object is. Ranges are of the object's text.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Shape {
    Event,
    /// EventBridge: the event is inside.
    Detail(Range<usize>),
    /// An array of events inside.
    Records(Range<usize>),
    /// SNS: a JSON string with anything inside.
    Message(Range<usize>),
    /// A notice that has no event.
    Notice,
    /// Says that there are objects to be read.
    Objects,
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

/// Stands in the key of each of CloudTrail's digests.
const DIGEST: &str = "/CloudTrail-Digest/";

#[derive(Default)]
struct Signs {
    detail_type: Option<Range<usize>>,
    detail: Option<Range<usize>>,
    from_s3: bool,
    s3: Option<Range<usize>>,
    records: Option<Range<usize>>,
    is_notification: bool,
    message: Option<Range<usize>>,
    has_bucket: bool,
    object_keys: Option<Range<usize>>,
    is_notice: bool,
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
                b"eventSource" if value != b"\"aws:s3\"" => return Shape::Event,
                b"detail-type" => signs.detail_type = Some(member.value),
                b"detail" if value.starts_with(b"{") => signs.detail = Some(member.value),
                b"source" => signs.from_s3 = value == b"\"aws.s3\"",
                b"s3" if value.starts_with(b"{") => signs.s3 = Some(member.value),
                b"Records" if value.starts_with(b"[") => signs.records = Some(member.value),
                b"Type" => signs.is_notification = value == b"\"Notification\"",
                b"Message" if value.starts_with(b"\"") => signs.message = Some(member.value),
                b"s3Bucket" => signs.has_bucket = true,
                b"s3ObjectKey" => signs.object_keys = Some(member.value),
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
        match (self.detail_type, self.detail) {
            (Some(kind), Some(_))
                if self.from_s3 && text[kind.clone()].starts_with(b"\"Object ") =>
            {
                return Shape::Objects;
            }
            (Some(_), Some(detail)) => return Shape::Detail(detail),
            _ => {}
        }
        if let Some(s3) = self.s3 {
            let is_digest = memchr::memmem::find(&text[s3], DIGEST.as_bytes()).is_some();
            return notice_if(is_digest);
        }
        if let Some(keys) = self.object_keys.filter(|_| self.has_bucket) {
            let keys: Vec<String> = serde_json::from_slice(&text[keys]).unwrap_or_default();
            let all_digests = !keys.is_empty() && keys.iter().all(|key| key.contains(DIGEST));
            return notice_if(all_digests);
        }
        match (self.records, self.message) {
            (Some(records), _) => Shape::Records(records),
            (None, Some(message)) if self.is_notification => Shape::Message(message),
            _ => Shape::Event,
        }
    }
}

fn notice_if(is_notice: bool) -> Shape {
    if is_notice {
        Shape::Notice
    } else {
        Shape::Objects
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        let shown = match Shape::of(text.as_bytes()) {
            Shape::Detail(r) => format!("detail {}", &text[r]),
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
        check(r#"{"owner":"x","Records":[1]}"#, "records [1]");
        check(
            r#"{"Type":"Notification","Message":"[]"}"#,
            r#"message "[]""#,
        );
        check(
            r#"{"Type":"SubscriptionConfirmation","Message":"x"}"#,
            "Event",
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
            r#"{"s3Bucket":"b","s3ObjectKey":["a/CloudTrail-Digest/x.gz"]}"#,
            "Notice",
        );
        check(
            r#"{"s3Bucket":"b","s3ObjectKey":["a/CloudTrail/x.gz"]}"#,
            "Objects",
        );
        check(
            r#"{"eventVersion":"2.1","eventSource":"aws:s3","s3":{"object":{"key":"x"}}}"#,
            "Objects",
        );
        check(
            r#"{"eventVersion":"2.1","eventSource":"aws:s3","s3":{"object":{"key":"x/CloudTrail-Digest/y"}}}"#,
            "Notice",
        );
        check(
            r#"{"detail-type":"Object Created","source":"aws.s3","detail":{"bucket":{}}}"#,
            "Objects",
        );
    }
}
