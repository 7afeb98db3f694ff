//! Tells which system an event is from by its own shape: the keys of its top
//! level.
//!
//! Only used when the message does not say. Some keys are one system's alone;
//! others are shared and count as hints, of which two are needed and more than
//! for any other system. What stays unclear is not guessed.

use super::members::Members;
use crate::source::Source;

/// Keys that no other system's events have.
const SURE: &[(&str, Source)] = &[
    ("awsRegion", Source::Aws),
    ("eventCategory", Source::Aws),
    ("eventName", Source::Aws),
    ("eventSource", Source::Aws),
    ("eventVersion", Source::Aws),
    ("recipientAccountId", Source::Aws),
    ("userIdentity", Source::Aws),
    ("_document_id", Source::Github),
    ("actor_id", Source::Github),
    ("actor_ip", Source::Github),
    ("actor_location", Source::Github),
    ("operation_type", Source::Github),
    ("programmatic_access_type", Source::Github),
    ("authenticationContext", Source::Okta),
    ("debugContext", Source::Okta),
    ("displayMessage", Source::Okta),
    ("legacyEventType", Source::Okta),
    ("published", Source::Okta),
    ("securityContext", Source::Okta),
    ("addr.local", Source::Teleport),
    ("addr.remote", Source::Teleport),
    ("cluster_name", Source::Teleport),
    ("ei", Source::Teleport),
];

/// Keys that make a system likely.
const HINTS: &[(&str, Source)] = &[
    ("eventTime", Source::Aws),
    ("eventType", Source::Aws),
    ("requestParameters", Source::Aws),
    ("responseElements", Source::Aws),
    ("sourceIPAddress", Source::Aws),
    ("@timestamp", Source::Github),
    ("action", Source::Github),
    ("actor", Source::Github),
    ("business", Source::Github),
    ("created_at", Source::Github),
    ("org", Source::Github),
    ("repo", Source::Github),
    ("actor", Source::Okta),
    ("client", Source::Okta),
    ("eventType", Source::Okta),
    ("outcome", Source::Okta),
    ("severity", Source::Okta),
    ("target", Source::Okta),
    ("transaction", Source::Okta),
    ("uuid", Source::Okta),
    ("code", Source::Teleport),
    ("event", Source::Teleport),
    ("time", Source::Teleport),
    ("uid", Source::Teleport),
];

impl Source {
    /// The system that records events of this shape.
    pub fn of_event(event: &[u8]) -> Option<Source> {
        if event.first() != Some(&b'{') {
            return None;
        }
        let mut hints = [0u32; Source::ALL.len()];
        for member in Members::of(event) {
            if let Some((_, source)) = SURE.iter().find(|(k, _)| k.as_bytes() == member.key) {
                return Some(*source);
            }
            for (_, source) in HINTS.iter().filter(|(k, _)| k.as_bytes() == member.key) {
                hints[*source as usize - 1] += 1;
            }
        }
        let most = hints.iter().copied().max().filter(|most| *most >= 2)?;
        let mut likely = Source::ALL
            .into_iter()
            .filter(|source| hints[*source as usize - 1] == most);
        match (likely.next(), likely.next()) {
            (Some(source), None) => Some(source),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_source_is_told_by_the_keys() {
        for (event, expected) in [
            (r#"{"eventVersion":"1.11"}"#, Some(Source::Aws)),
            (
                r#"{"eventTime":"x","requestParameters":null}"#,
                Some(Source::Aws),
            ),
            (
                r#"{"action":"repo.create","actor":"mona"}"#,
                Some(Source::Github),
            ),
            (
                r#"{"actor":{},"eventType":"user.session.start"}"#,
                Some(Source::Okta),
            ),
            (
                r#"{"event":"user.login","code":"T1000I"}"#,
                Some(Source::Teleport),
            ),
            (
                r#"{"time":"x","action":1,"event":"scp"}"#,
                Some(Source::Teleport),
            ),
            (r#"{"actor":"mona"}"#, None),
            (r#"{"eventType":"x"}"#, None),
            (r#"{"message":{"eventName":"x"}}"#, None),
            ("{}", None),
            ("", None),
            ("[1]", None),
        ] {
            assert_eq!(Source::of_event(event.as_bytes()), expected, "{event}");
        }
    }
}
