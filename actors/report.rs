//! What the stages tell people: each function is one fact, as a log line and
//! its metrics together, per batch and never per event.

mod labels;

use std::time::Duration;

use audit::{accounting::Accounting, columns::Notes, geo::Warning, source::Source, tenant::Tenant};
use metrics::{counter, gauge, histogram};

pub use self::labels::Labels;
use crate::{
    journal::{
        effect::{Answer, Effect, Name, Outcome},
        log::Unreachable,
        replica::Replica,
    },
    metrics::{self as names, CALL, REASON, SOURCE, TENANT},
    ports::{Message, ObjectError, QueueError},
};

/// From this receive on, a message that fails again is told again: it may be its
/// last chance before the dead-letter queue.
const TOLD_AGAIN_FROM: u32 = 3;

/// What was asked of the store for the journal, as a label.
const CALLS: [&str; 4] = ["list", "read", "create", "remove"];
/// Why an object was not read, as a label.
const OBJECT_REASONS: [&str; 4] = ["absent", "forbidden", "unreachable", "unreadable"];

/// Before anything happens: what has not happened yet stands at zero.
pub(crate) fn starting() {
    gauge!(names::JOURNAL_LEADING.name).set(0);
    for fatal in [false, true] {
        counter!(names::UPLOADS_FAILED.name, REASON => kind(fatal)).increment(0);
        for call in CALLS {
            counter!(names::JOURNAL_ERRORS.name, CALL => call, REASON => kind(fatal)).increment(0);
        }
    }
    counter!(names::DEDUP_RECALLS.name).increment(0);
    counter!(names::JOURNAL_KEPT_BYTES.name).increment(0);
    counter!(names::JOURNAL_CHECKPOINTS_FAILED.name).increment(0);
    for reason in OBJECT_REASONS {
        counter!(names::OBJECTS_FAILED.name, REASON => reason).increment(0);
    }
}

pub(crate) fn messages_received(messages: &[Message], now_ms: i64) {
    if messages.is_empty() {
        counter!(names::RECEIVES_EMPTY.name).increment(1);
        return;
    }
    counter!(names::MESSAGES_RECEIVED.name).increment(messages.len() as u64);
    let age = histogram!(names::MESSAGE_AGE.name);
    for message in messages {
        // Clocks differ.
        let age_ms = now_ms.saturating_sub(message.sent_at_ms).max(0);
        age.record(age_ms as f64 / 1_000.0);
    }
}

pub(crate) fn message_alone(message: &Message) {
    counter!(names::MESSAGES_ALONE.name).increment(1);
    tracing::info!(
        message_id = %message.id,
        receives = message.receives,
        "a message came back often: it is processed apart from all others"
    );
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
    if is_told(message.receives) {
        tracing::warn!(
            message_id = %message.id,
            receives = message.receives,
            reason,
            "a message cannot be read and stays in the queue, to its dead-letter rule"
        );
    }
}

fn is_told(receives: u32) -> bool {
    receives <= 1 || receives >= TOLD_AGAIN_FROM
}

pub(crate) fn object_bytes(bytes: u64) {
    counter!(names::OBJECT_BYTES.name).increment(bytes);
}

pub(crate) fn object_read() {
    counter!(names::OBJECTS_READ.name).increment(1);
}

pub(crate) fn object_refused(object: &str, kind: &'static str, reason: &str) {
    counter!(names::OBJECTS_FAILED.name, REASON => kind).increment(1);
    tracing::warn!(
        object,
        reason,
        "an object is not read: its notification is in quarantine"
    );
}

pub(crate) fn object_unavailable(object: &str, error: &ObjectError, receives: u32) {
    let kind = match error {
        ObjectError::Absent(_) => "absent",
        ObjectError::Forbidden(_) | ObjectError::Retry(_) => "unreachable",
    };
    counter!(names::OBJECTS_FAILED.name, REASON => kind).increment(1);
    if is_told(receives) {
        tracing::warn!(
            object,
            receives,
            reason = %error,
            "an object cannot be had: its message stays in the queue, to its dead-letter rule"
        );
    }
}

/// `newest_ms`: the time of the newest event.
pub(crate) fn normalised(
    labels: &Labels,
    (source, tenant): (Source, &Tenant),
    (rows, rejected): (usize, usize),
    newest_ms: Option<i64>,
    notes: &Notes,
) {
    let label = source.name();
    if let Some((tenant, newest_ms)) = newest_ms.map(|ms| labels.newest(source, tenant, ms)) {
        gauge!(names::LAST_EVENT.name, SOURCE => label, TENANT => tenant)
            .set(newest_ms as f64 / 1_000.0);
    }
    counter!(names::EVENTS_NORMALISED.name, SOURCE => label).increment(rows as u64);
    counter!(names::EVENTS_REJECTED.name, SOURCE => label).increment(rejected as u64);
    counter!(names::TIMES_SUBSTITUTED.name, SOURCE => label).increment(notes.time_substituted);
    counter!(names::EVENTS_OLD.name, SOURCE => label).increment(notes.time_old);
    if rejected > 0 {
        tracing::warn!(%source, rejected, "events were set aside for the quarantine");
    }
}

/// `in_use`: whether there is a database; `None` where none is named.
pub(crate) fn places_loaded(outcome: &Result<bool, Warning>, in_use: Option<bool>) {
    if let Some(in_use) = in_use {
        gauge!(names::GEOIP_LOADED.name).set(u8::from(in_use));
    }
    match outcome {
        Ok(false) => {}
        Ok(true) => tracing::info!("another GeoIP database is in use"),
        Err(warning) => places_refused(warning),
    }
}

pub fn places_refused(warning: &Warning) {
    counter!(names::GEOIP_WARNINGS.name).increment(1);
    tracing::warn!(%warning, "GeoIP database not loaded");
}

pub(crate) fn load_dropped(reason: &str) {
    counter!(names::LOADS_DROPPED.name).increment(1);
    tracing::debug!(reason, "a parcel was dropped: its message comes again");
}

pub(crate) fn keys_recalled(keys: usize) {
    counter!(names::DEDUP_RECALLS.name).increment(1);
    tracing::debug!(keys, "keys of the dedup window were read again");
}

pub(crate) fn keys_unread(error: &Unreachable) {
    let kind = kind(error.fatal);
    counter!(names::JOURNAL_ERRORS.name, CALL => "read", REASON => kind).increment(1);
    tracing::warn!(reason = %error, "keys of the dedup window cannot be read: what they are asked for waits, or comes again");
}

pub(crate) fn keys_missing(name: Name, reason: &str) {
    tracing::error!(
        ?name,
        reason,
        "keys of the dedup window are missing: copies of their events become rows; restore the object"
    );
}

pub(crate) fn journal_committed(
    labels: &Labels,
    seq: u64,
    accounting: &Accounting,
    bytes: u64,
    took: Duration,
) {
    counter!(names::JOURNAL_COMMITS.name).increment(1);
    counter!(names::JOURNAL_BYTES.name).increment(bytes);
    histogram!(names::JOURNAL_COMMIT.name).record(took);
    for (account, counts) in &accounting.0 {
        let source = account.source.map_or("unknown", Source::name);
        let tenant = labels.tenant(account.tenant.as_ref());
        // Zeros as well: a share needs both of its parts from the start.
        let count = |name, number: u64| {
            counter!(name, SOURCE => source, TENANT => tenant.clone()).increment(number);
        };
        count(names::EVENTS_RECEIVED.name, counts.received);
        count(names::EVENTS_STORED.name, counts.stored);
        count(names::EVENTS_DUPLICATE.name, counts.duplicate);
        count(names::EVENTS_QUARANTINED.name, counts.quarantined);
        count(names::PIECES_SKIPPED.name, counts.skipped);
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

pub(crate) fn journal_followed(seq: u64) {
    gauge!(names::JOURNAL_LEADING.name).set(0);
    tracing::info!(seq, "journal read: another process leads, this one follows");
}

/// `pause`: of a process that will not follow.
pub(crate) fn journal_fenced(pause: Option<Duration>) {
    counter!(names::JOURNAL_FENCED.name).increment(1);
    gauge!(names::JOURNAL_LEADING.name).set(0);
    match pause.map(|pause| pause.as_secs()) {
        None => tracing::warn!("another process leads this journal: this one follows"),
        Some(pause_secs) => {
            tracing::warn!(
                pause_secs,
                "another process leads this journal: standing back"
            );
        }
    }
}

pub(crate) fn journal_unreachable(call: &'static str, error: &Unreachable, pause: Duration) {
    let (pause_ms, kind) = (pause.as_millis(), kind(error.fatal));
    counter!(names::JOURNAL_ERRORS.name, CALL => call, REASON => kind).increment(1);
    if error.fatal {
        tracing::error!(call, reason = %error, pause_ms, "the journal is refused: nothing is received until this is mended");
    } else {
        tracing::warn!(call, reason = %error, pause_ms, "no answer for the journal");
    }
}

/// Nothing waits for the journal's upkeep.
pub(crate) fn journal_unkept(call: &'static str, error: &Unreachable, pause: Duration) {
    let (pause_ms, kind) = (pause.as_millis(), kind(error.fatal));
    counter!(names::JOURNAL_ERRORS.name, CALL => call, REASON => kind).increment(1);
    tracing::warn!(call, reason = %error, pause_ms, "the journal is not kept short: a start reads more of it until this is mended");
}

fn kind(fatal: bool) -> &'static str {
    if fatal { "fatal" } else { "retry" }
}

/// What came of a step of the journal's upkeep.
pub(crate) fn journal_kept(effect: &Effect, answer: &Answer) {
    match (effect, answer) {
        (Effect::Create { name, object }, Answer::Created(Outcome::Won)) => {
            let bytes = object.len();
            counter!(names::JOURNAL_KEPT_BYTES.name).increment(bytes as u64);
            tracing::debug!(?name, bytes, "written for a checkpoint");
        }
        (Effect::Remove(removal), Answer::Removed { .. }) => {
            tracing::debug!(?removal, "what the journal needs no more was removed");
        }
        _ => {}
    }
}

pub(crate) fn journal_checkpoint_failed(what: &str) {
    counter!(names::JOURNAL_CHECKPOINTS_FAILED.name).increment(1);
    tracing::warn!(
        reason = what,
        "a checkpoint was given up: the next one replaces it"
    );
}

pub(crate) fn journal_foreign(key: &str) {
    tracing::warn!(
        key,
        "not an object of a journal, ignored: find out who wrote it, and remove it"
    );
}

pub(crate) fn state_held(replica: &Replica) {
    let applied_secs = replica.head().written_at_ms as f64 / 1_000.0;
    gauge!(names::JOURNAL_HEAD.name).set(replica.head().seq.0 as f64);
    gauge!(names::JOURNAL_EPOCH.name).set(replica.epoch().0 as f64);
    gauge!(names::JOURNAL_APPLIED.name).set(applied_secs);
    let checkpoint = replica.saved().last().map_or(0, |saved| saved.seq.0);
    gauge!(names::JOURNAL_CHECKPOINT.name).set(checkpoint as f64);
    gauge!(names::JOURNAL_NEEDLESS.name).set(replica.needless().0 as f64);
    gauge!(names::STATE_BYTES.name).set(replica.retained_bytes() as f64);
    gauge!(names::PARTITIONS_OPEN.name).set(replica.waiting().len() as f64);
    gauge!(names::ROWS_WAITING.name).set(replica.rows_waiting() as f64);
    let given_up: u64 = replica.skipped().iter().map(|skip| skip.rows).sum();
    gauge!(names::ROWS_GIVEN_UP.name).set(given_up as f64);
    gauge!(names::DEDUP_KEYS.name).set(replica.known_count() as f64);
    gauge!(names::DEDUP_BYTES.name).set(replica.known_bytes() as f64);
    gauge!(names::DEDUP_WINDOW.name).set(replica.window_held_ms() as f64 / 1_000.0);
}

pub(crate) fn file_written(key: &str, rows: u64, bytes: u64) {
    counter!(names::FILES_WRITTEN.name).increment(1);
    counter!(names::FILE_ROWS.name).increment(rows);
    counter!(names::FILE_BYTES.name).increment(bytes);
    tracing::debug!(key, rows, bytes, "file written");
}

/// A plan's file could not be made from its rows.
pub(crate) fn file_not_made(key: &str, reason: &str, times: u32, pause: Duration) {
    let pause_ms = pause.as_millis();
    tracing::error!(
        key,
        reason,
        times,
        pause_ms,
        "a file cannot be made: its rows stay in memory and journal, all others go on"
    );
}

/// In safe mode, once, when this process leads.
pub(crate) fn safe_mode(left_alone: usize) {
    tracing::warn!(
        left_alone,
        "safe mode: files that were in the making are left alone, `idtrail journal plans` names them"
    );
}

pub(crate) fn plans_set_aside(count: usize) {
    gauge!(names::PLANS_SET_ASIDE.name).set(count as f64);
}

pub(crate) fn upload_failed(key: &str, reason: &str, fatal: bool, pause: Duration) {
    counter!(names::UPLOADS_FAILED.name, REASON => kind(fatal)).increment(1);
    let pause_ms = pause.as_millis();
    if fatal {
        tracing::error!(
            key,
            reason,
            pause_ms,
            "a file is refused: rows stay in memory and journal until this is mended"
        );
    } else {
        tracing::warn!(key, reason, pause_ms, "file not written yet");
    }
}
