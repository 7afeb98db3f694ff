//! Invented events: number in, event out. No two numbers' events are equal.

use audit::{
    partition::{DAY_MS, Day},
    source::Source,
};

use super::queue::SENT_AT_MS;

/// The event of this number, so many days before its message was sent, and
/// longer by `padding` bytes.
pub(super) fn padded(source: Source, number: u64, days_ago: u64, padding: usize) -> String {
    let at_ms = SENT_AT_MS - days_ago.cast_signed() * DAY_MS;
    let day = Day::of_ms(at_ms);
    let second = number % 60;
    let pad = "x".repeat(padding);
    match source {
        Source::Aws => format!(
            r#"{{"eventVersion":"1.11","userIdentity":{{"type":"IAMUser","arn":"arn:aws:iam::123456789012:user/ada","accountId":"123456789012","userName":"ada"}},"eventTime":"{day}T00:00:{second:02}Z","eventSource":"s3.amazonaws.com","eventName":"GetObject","awsRegion":"eu-central-1","sourceIPAddress":"203.0.113.7","userAgent":"{pad}","eventID":"00000000-0000-4000-8000-{number:012x}"}}"#
        ),
        Source::Github => format!(
            r#"{{"@timestamp":{},"_document_id":"document-{number}","action":"git.clone","actor":"ada","actor_ip":"198.51.100.7","org":"example","repo":"example/engine","user_agent":"{pad}"}}"#,
            at_ms + second.cast_signed() * 1_000
        ),
        Source::Okta => format!(
            r#"{{"uuid":"10000000-0000-4000-8000-{number:012x}","published":"{day}T00:00:{second:02}.000Z","eventType":"user.session.start","actor":{{"id":"00u1","type":"User","alternateId":"ada@example.com"}},"client":{{"ipAddress":"192.0.2.7"}},"outcome":{{"result":"SUCCESS"}},"displayMessage":"{pad}"}}"#
        ),
        Source::Teleport => format!(
            r#"{{"uid":"20000000-0000-4000-8000-{number:012x}","time":"{day}T00:00:{second:02}Z","event":"session.start","code":"T2000I","user":"ada@example.com","login":"root","addr.remote":"[2001:db8::7]:50312","cluster_name":"teleport.example.com","server_hostname":"{pad}"}}"#
        ),
    }
}

pub(super) fn event(source: Source, number: u64, days_ago: u64) -> String {
    padded(source, number, days_ago, 0)
}
