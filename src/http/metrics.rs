//! What the listener tells people and machines: each function is one fact, as
//! metrics and, where somebody should know, a log line.

use actors::metrics::{self as names, Metric};
use audit::source::Source;
use axum::http::StatusCode;
use metrics::{Unit, counter, gauge};

const REQUESTS: Metric = names::counter(
    "idtrail_ingest_requests_total",
    "Pushes answered, by source and status",
)
.by(&[SOURCE, STATUS]);
const EVENTS: Metric = names::counter(
    "idtrail_ingest_events_total",
    "Events of pushes that were answered with success, by source",
)
.by(&[SOURCE]);
const BYTES: Metric = names::counter_of(
    Unit::Bytes,
    "idtrail_ingest_bytes_total",
    "Bodies of pushes that were answered with success, as received, by source",
)
.by(&[SOURCE]);
const IN_HAND: Metric = names::gauge(
    "idtrail_ingest_in_hand",
    "Pushes that are being read, decoded or sent; never more than http.ingest_concurrency",
);
const AUTH_FAILURES: Metric = names::counter(
    "idtrail_ingest_auth_failures_total",
    "Pushes without a token or certificate that is admitted",
);
const CONNECTIONS: Metric = names::gauge(
    "idtrail_http_connections",
    "Open connections to the HTTP listener",
);
const HANDSHAKES_FAILED: Metric = names::counter(
    "idtrail_tls_handshakes_failed_total",
    "Connections that ended before TLS was agreed on",
);
const CERTIFICATE_EXPIRY: Metric = names::gauge_of(
    Unit::Seconds,
    "idtrail_tls_certificate_expiry_timestamp_seconds",
    "When the certificate in use expires, seconds since 1970",
);
const RELOADS_FAILED: Metric = names::counter(
    "idtrail_tls_reloads_failed_total",
    "Changed certificate files that cannot be used; the old ones stay in use",
);

/// Every metric of the listener.
pub const ALL: &[Metric] = &[
    REQUESTS,
    EVENTS,
    BYTES,
    IN_HAND,
    AUTH_FAILURES,
    CONNECTIONS,
    HANDSHAKES_FAILED,
    CERTIFICATE_EXPIRY,
    RELOADS_FAILED,
];

/// Label: a source's name, or `unknown`.
const SOURCE: &str = "source";
const STATUS: &str = "status";

pub(super) fn push_answered(source: Option<Source>, status: StatusCode) {
    let source = source.map_or("unknown", Source::name);
    counter!(REQUESTS.name, SOURCE => source, STATUS => status.as_str().to_owned()).increment(1);
}

pub(super) fn push_accepted(source: Source, sender: &str, events: u64, messages: u64, bytes: u64) {
    counter!(EVENTS.name, SOURCE => source.name()).increment(events);
    counter!(BYTES.name, SOURCE => source.name()).increment(bytes);
    tracing::debug!(
        source = source.name(),
        sender,
        events,
        messages,
        bytes,
        "push accepted"
    );
}

pub(super) fn push_not_sent(source: Source, reason: &str) {
    tracing::warn!(
        source = source.name(),
        reason,
        "a push could not be sent on: its sender was told to try again"
    );
}

/// As long as it lives, a push is in hand.
pub(super) struct InHand;

impl InHand {
    pub(super) fn new() -> InHand {
        gauge!(IN_HAND.name).increment(1);
        InHand
    }
}

impl Drop for InHand {
    fn drop(&mut self) {
        gauge!(IN_HAND.name).decrement(1);
    }
}

/// `told`: not one of very many.
pub(super) fn auth_failed(reason: &'static str, told: bool) {
    counter!(AUTH_FAILURES.name).increment(1);
    if told {
        tracing::warn!(reason, "a push was refused");
    }
}

pub(super) fn connections(open: usize) {
    gauge!(CONNECTIONS.name).set(open as f64);
}

pub(super) fn accept_failed(error: &std::io::Error) {
    tracing::warn!(%error, "no connection can be accepted: raise the limit of open files");
}

pub(super) fn handshake_failed(error: &dyn std::fmt::Display) {
    counter!(HANDSHAKES_FAILED.name).increment(1);
    tracing::debug!(%error, "no TLS handshake");
}

pub(super) fn certificate_loaded(expires_at_secs: u64) {
    gauge!(CERTIFICATE_EXPIRY.name).set(expires_at_secs as f64);
    tracing::info!(expires_at_secs, "certificate loaded");
}

pub(super) fn reload_failed(reason: &dyn std::fmt::Display) {
    counter!(RELOADS_FAILED.name).increment(1);
    tracing::warn!(%reason, "changed certificate files cannot be used: the old ones stay in use");
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn names_follow_the_convention_and_are_unique() {
        let names: BTreeSet<_> = ALL.iter().map(|metric| metric.name).collect();
        assert_eq!(names.len(), ALL.len());
        for metric in ALL {
            assert!(metric.name.starts_with("idtrail_"), "{}", metric.name);
            let is_total = metric.name.ends_with("_total");
            assert_eq!(
                is_total,
                metric.kind == names::Kind::Counter,
                "{}",
                metric.name
            );
        }
    }
}
