//! What the stages tell people: each function is one fact, as a log line and
//! its metrics together, per batch and never per event.

use std::time::Duration;

use audit::{accounting::Accounting, columns::Notes, geo::Warning, source::Source};
use metrics::{counter, gauge};

use crate::{
    metrics as names,
    ports::{Message, QueueError},
};

/// Label of what concerns one source; `unknown` where it could not be told.
const SOURCE: &str = "source";

pub(crate) fn messages_received(messages: &[Message]) {
    counter!(names::MESSAGES_RECEIVED.name).increment(messages.len() as u64);
}

pub(crate) fn messages_deleted(deleted: usize, failed: usize) {
    counter!(names::MESSAGES_DELETED.name).increment(deleted as u64);
    counter!(names::MESSAGES_NOT_DELETED.name).increment(failed as u64);
}

pub(crate) fn delete_failed(count: usize, error: &QueueError) {
    counter!(names::MESSAGES_NOT_DELETED.name).increment(count as u64);
    tracing::warn!(count, %error, "messages could not be deleted: they will come again");
}

pub(crate) fn queue_unreachable(error: &QueueError, pause: Duration) {
    counter!(names::QUEUE_ERRORS.name).increment(1);
    tracing::warn!(%error, pause_ms = pause.as_millis(), "nothing could be received");
}

pub(crate) fn message_unreadable(message: &Message, reason: &str) {
    counter!(names::MESSAGES_UNREADABLE.name).increment(1);
    tracing::warn!(
        message = %message.id,
        receives = message.receives,
        reason,
        "a message cannot be read and stays in the queue, to its dead-letter rule"
    );
}

pub(crate) fn normalised(source: Source, rows: usize, rejected: usize, notes: &Notes) {
    let label = source.name();
    counter!(names::EVENTS_NORMALISED.name, SOURCE => label).increment(rows as u64);
    counter!(names::EVENTS_REJECTED.name, SOURCE => label).increment(rejected as u64);
    counter!(names::TIMES_SUBSTITUTED.name, SOURCE => label).increment(notes.time_substituted);
    counter!(names::EVENTS_OLD.name, SOURCE => label).increment(notes.time_old);
    if rejected > 0 {
        tracing::warn!(%source, rejected, "events were set aside for the quarantine");
    }
}

pub(crate) fn places_loaded(outcome: &Result<bool, Warning>) {
    match outcome {
        Ok(false) => {}
        Ok(true) => {
            gauge!(names::GEOIP_LOADED.name).set(1);
            tracing::info!("another GeoIP database is in use");
        }
        Err(warning) => {
            counter!(names::GEOIP_WARNINGS.name).increment(1);
            tracing::warn!(%warning, "GeoIP database not loaded");
        }
    }
}

pub(crate) fn load_dropped(reason: &str) {
    counter!(names::LOADS_DROPPED.name).increment(1);
    tracing::debug!(reason, "a parcel was dropped: its message comes again");
}

pub(crate) fn journal_committed(seq: u64, accounting: &Accounting, bytes: u64) {
    counter!(names::JOURNAL_COMMITS.name).increment(1);
    counter!(names::JOURNAL_BYTES.name).increment(bytes);
    gauge!(names::JOURNAL_HEAD.name).set(seq as f64);
    for (account, counts) in &accounting.0 {
        let label = account.source.map_or("unknown", Source::name);
        counter!(names::EVENTS_RECEIVED.name, SOURCE => label).increment(counts.received);
        counter!(names::EVENTS_STORED.name, SOURCE => label).increment(counts.stored);
        counter!(names::EVENTS_DUPLICATE.name, SOURCE => label).increment(counts.duplicate);
        counter!(names::EVENTS_QUARANTINED.name, SOURCE => label).increment(counts.quarantined);
        counter!(names::PIECES_SKIPPED.name, SOURCE => label).increment(counts.skipped);
    }
    let total = accounting.total();
    if !total.is_zero() {
        tracing::debug!(
            seq,
            stored = total.stored,
            duplicate = total.duplicate,
            quarantined = total.quarantined,
            bytes,
            "batch committed"
        );
    }
}

pub(crate) fn journal_read(seq: u64, rows_waiting: u64) {
    gauge!(names::JOURNAL_LEADING.name).set(1);
    tracing::info!(seq, rows_waiting, "journal read: leading");
}

pub(crate) fn journal_fenced(pause: Duration) {
    counter!(names::JOURNAL_FENCED.name).increment(1);
    gauge!(names::JOURNAL_LEADING.name).set(0);
    tracing::warn!(
        pause_secs = pause.as_secs(),
        "another process leads this journal: standing back"
    );
}

pub(crate) fn journal_unreachable(call: &'static str, reason: &str, pause: Duration) {
    counter!(names::JOURNAL_ERRORS.name, "call" => call).increment(1);
    tracing::warn!(
        call,
        reason,
        pause_ms = pause.as_millis(),
        "no answer for the journal"
    );
}

pub(crate) fn state_held(retained_bytes: u64, window_ms: i64) {
    gauge!(names::STATE_BYTES.name).set(retained_bytes as f64);
    gauge!(names::DEDUP_WINDOW.name).set(window_ms as f64 / 1_000.0);
}

pub(crate) fn file_written(key: &str, rows: u64, bytes: u64) {
    counter!(names::FILES_WRITTEN.name).increment(1);
    counter!(names::FILE_ROWS.name).increment(rows);
    counter!(names::FILE_BYTES.name).increment(bytes);
    tracing::debug!(key, rows, bytes, "file written");
}

pub(crate) fn upload_failed(key: &str, reason: &str, pause: Duration) {
    counter!(names::UPLOADS_FAILED.name).increment(1);
    tracing::warn!(
        key,
        reason,
        pause_ms = pause.as_millis(),
        "file not written yet"
    );
}
