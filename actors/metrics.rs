//! The names of all metrics of this package, each with its kind, unit, labels and
//! meaning.
//!
//! A metric is used through its constant, so that a name that is not described
//! here cannot be emitted and a dashboard can be checked against [`ALL`].
//! Waiting is measured as time blocked, not as the length of a queue: a full
//! queue in front of a fast stage is harmless. [`describe`] tells the recorder;
//! call it once, after the recorder is installed and before the tree is built,
//! because mailboxes look their handles up when they are made.

mod metric;

use metrics::Unit;

use self::metric::seconds;
pub use self::metric::{Kind, Metric, counter, counter_of, describe, gauge, gauge_of};

/// Seconds that a commit, or all of a message, should take: 2 s is the promise.
const LATENCIES: &[f64] = &[
    0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0, 60.0,
];

/// Seconds that a message may wait in a queue: up to the retention of 14 days.
const AGES: &[f64] = &[
    1.0,
    5.0,
    15.0,
    60.0,
    300.0,
    900.0,
    3_600.0,
    21_600.0,
    86_400.0,
    345_600.0,
    1_209_600.0,
];

/// Label of every metric of one actor.
pub const ACTOR: &str = "actor";
/// Label of what concerns one source; `unknown` where it could not be told.
pub const SOURCE: &str = "source";
/// Label of what concerns one tenant: the first [`TENANTS_MAX`] that had events,
/// then `other`; `invalid` where none could be told.
pub const TENANT: &str = "tenant";
/// Label of what failed: why.
pub const REASON: &str = "reason";
/// Label of [`JOURNAL_ERRORS`]: what was asked of the store.
pub const CALL: &str = "call";

/// Tenants that get a label of their own, for each process.
pub const TENANTS_MAX: usize = 200;

pub const MAILBOX_FILL: Metric = gauge(
    "idtrail_mailbox_fill",
    "Messages that wait in this actor's mailbox; never more than its slots",
)
.by(&[ACTOR]);
pub const MAILBOX_SLOTS: Metric = gauge(
    "idtrail_mailbox_slots",
    "Messages that may wait in this actor's mailbox",
)
.by(&[ACTOR]);
pub const MAILBOX_BLOCKED: Metric = counter_of(
    Unit::Microseconds,
    "idtrail_mailbox_blocked_microseconds_total",
    "Time that senders were blocked by this actor's full mailbox or its restart",
)
.by(&[ACTOR]);
pub const ACTOR_HANDLED: Metric = counter(
    "idtrail_actor_handled_total",
    "Messages that this actor began to handle, its own timers among them",
)
.by(&[ACTOR]);
pub const ACTOR_CPU: Metric = counter_of(
    Unit::Nanoseconds,
    "idtrail_actor_cpu_nanoseconds_total",
    "CPU time used for this actor, its compute jobs among them; file I/O and the runtime itself are nobody's",
)
.by(&[ACTOR]);
pub const ACTOR_RESTARTS: Metric = counter(
    "idtrail_actor_restarts_total",
    "Failures of this actor or supervisor that its supervisor answered with a restart",
)
.by(&[ACTOR]);
pub const CREDIT_AVAILABLE: Metric = gauge_of(
    Unit::Bytes,
    "idtrail_credit_available_bytes",
    "Memory that intake may still take; below zero, it is shut until rows are in files",
);
pub const CREDIT_TOTAL: Metric = gauge_of(
    Unit::Bytes,
    "idtrail_credit_total_bytes",
    "Memory for all that is in hand, from the receive until its rows are in a file",
);
pub const CREDIT_BLOCKED: Metric = counter_of(
    Unit::Microseconds,
    "idtrail_credit_blocked_microseconds_total",
    "Time that intake was blocked for want of credit",
);
pub const COMPUTE_BUSY: Metric = gauge(
    "idtrail_compute_busy",
    "Compute threads that run a job at this moment",
);
pub const COMPUTE_THREADS: Metric = gauge("idtrail_compute_threads", "Threads of the compute pool");
pub const COMPUTE_BLOCKED: Metric = counter_of(
    Unit::Microseconds,
    "idtrail_compute_blocked_microseconds_total",
    "Time that actors waited for a free place in front of the compute pool",
);
pub const COMPUTE_PANICS: Metric = counter(
    "idtrail_compute_panics_total",
    "Jobs of the compute pool that panicked",
);

pub const MESSAGES_RECEIVED: Metric = counter(
    "idtrail_messages_received_total",
    "Messages received from the queue, redeliveries among them",
);
pub const MESSAGES_DELETED: Metric = counter(
    "idtrail_messages_deleted_total",
    "Messages deleted from the queue, all their events durable",
);
pub const MESSAGES_NOT_DELETED: Metric = counter(
    "idtrail_messages_not_deleted_total",
    "Deletes that failed; the messages come again and are recognised",
);
pub const MESSAGES_UNREADABLE: Metric = counter(
    "idtrail_messages_unreadable_total",
    "Receives of messages that cannot be read, left to the dead-letter rule",
);
pub const MESSAGES_IN_HAND: Metric = gauge(
    "idtrail_messages_in_hand",
    "Messages that were received and are not yet durable",
);
pub const MESSAGES_ALONE: Metric = counter(
    "idtrail_messages_alone_total",
    "Messages received three times or more, and therefore processed with nothing else in hand but others of their kind; from the fourth time on, alone",
);
pub const MESSAGE_AGE: Metric = seconds(
    AGES,
    "idtrail_message_age_seconds",
    "Time between the sending of a message and its receive",
);
pub const MESSAGE_DURABLE: Metric = seconds(
    LATENCIES,
    "idtrail_message_durable_seconds",
    "Time between the receive of a message and the commit of its last event",
);
pub const RECEIVES_EMPTY: Metric = counter(
    "idtrail_receives_empty_total",
    "Long polls that brought no message",
);
pub const QUEUE_ERRORS: Metric = counter("idtrail_queue_errors_total", "Receives that failed");
pub const OBJECTS_READ: Metric = counter(
    "idtrail_objects_read_total",
    "Objects of source buckets that were read to their end",
);
pub const OBJECT_BYTES: Metric = counter_of(
    Unit::Bytes,
    "idtrail_object_bytes_total",
    "Bytes read of objects of source buckets, as they are stored",
);
pub const OBJECTS_FAILED: Metric = counter(
    "idtrail_objects_failed_total",
    "Objects that could not be read, by reason: forbidden and unreadable are in quarantine, absent and unreachable leave their message in the queue",
)
.by(&[REASON]);
pub const EVENTS_NORMALISED: Metric = counter(
    "idtrail_events_normalised_total",
    "Events that became rows, by source, copies among them",
)
.by(&[SOURCE]);
pub const EVENTS_REJECTED: Metric = counter(
    "idtrail_events_rejected_total",
    "Events that a normalizer could not make a row of, by source",
)
.by(&[SOURCE]);
pub const TIMES_SUBSTITUTED: Metric = counter(
    "idtrail_event_times_substituted_total",
    "Events without a usable time of their own, by source: the time of their message stands in",
)
.by(&[SOURCE]);
pub const EVENTS_OLD: Metric = counter(
    "idtrail_events_old_total",
    "Events older than four years, by source: stored, but not shown by the table's projection",
)
.by(&[SOURCE]);
pub const EVENTS_RECEIVED: Metric = counter(
    "idtrail_events_received_total",
    "Events accounted for, by source and tenant (the first 200 by name, then other): stored + duplicate + quarantined",
)
.by(&[SOURCE, TENANT]);
pub const EVENTS_STORED: Metric = counter(
    "idtrail_events_stored_total",
    "Events that are durable as a row, by source and tenant (the first 200 by name, then other)",
)
.by(&[SOURCE, TENANT]);
pub const EVENTS_DUPLICATE: Metric = counter(
    "idtrail_events_duplicate_total",
    "Copies of known events, by source and tenant (the first 200 by name, then other)",
)
.by(&[SOURCE, TENANT]);
pub const EVENTS_QUARANTINED: Metric = counter(
    "idtrail_events_quarantined_total",
    "Events put aside with their reason, by source and tenant (the first 200 by name, then other)",
)
.by(&[SOURCE, TENANT]);
pub const PIECES_SKIPPED: Metric = counter(
    "idtrail_pieces_skipped_total",
    "Test notices and digests, which hold no event, by source and tenant (the first 200 by name, then other)",
)
.by(&[SOURCE, TENANT]);
pub const LAST_EVENT: Metric = gauge_of(
    Unit::Seconds,
    "idtrail_last_event_timestamp_seconds",
    "Time of the newest event seen, by source and tenant, in seconds since 1970; the first 200 tenants seen by name, the rest as other",
)
.by(&[SOURCE, TENANT]);
pub const GEOIP_LOADED: Metric = gauge(
    "idtrail_geoip_loaded",
    "1 while the GeoIP database that the settings name is in use, 0 while it cannot be; absent where none is named",
);
pub const GEOIP_WARNINGS: Metric = counter(
    "idtrail_geoip_warnings_total",
    "GeoIP files that were refused: missing, of another kind, or broken",
);
pub const LOADS_DROPPED: Metric = counter(
    "idtrail_loads_dropped_total",
    "Parcels dropped, for leadership was lost or their work panicked; their messages come again",
);
pub const JOURNAL_COMMITS: Metric = counter(
    "idtrail_journal_commits_total",
    "Journal objects written by this process",
);
pub const JOURNAL_BYTES: Metric = counter_of(
    Unit::Bytes,
    "idtrail_journal_bytes_total",
    "Size of the journal objects written by this process",
);
pub const JOURNAL_COMMIT: Metric = seconds(
    LATENCIES,
    "idtrail_journal_commit_seconds",
    "Time from the first try to write a journal object until it is known to be written",
);
pub const JOURNAL_HEAD: Metric = gauge(
    "idtrail_journal_head",
    "Slot of the newest journal object applied",
);
pub const JOURNAL_LEADING: Metric = gauge(
    "idtrail_journal_leading",
    "1 while this process leads the journal",
);
pub const JOURNAL_EPOCH: Metric = gauge(
    "idtrail_journal_epoch",
    "Slot of the newest fence: it grows with each change of leaders, and is the same in all replicas",
);
pub const JOURNAL_APPLIED: Metric = gauge_of(
    Unit::Seconds,
    "idtrail_journal_applied_timestamp_seconds",
    "When the newest journal object applied was written, by the leader's clock, in seconds since 1970: how far behind a follower is",
);
pub const JOURNAL_CHECKPOINT: Metric = gauge(
    "idtrail_journal_checkpoint",
    "Slot of the newest checkpoint: a start reads what came after it",
);
pub const JOURNAL_NEEDLESS: Metric = gauge(
    "idtrail_journal_needless",
    "Slot up to which the log is needed by nobody, and goes when it is old enough",
);
pub const JOURNAL_KEPT_BYTES: Metric = counter_of(
    Unit::Bytes,
    "idtrail_journal_checkpoint_bytes_total",
    "Size of the checkpoints, and of their keys, written by this process",
);
pub const JOURNAL_CHECKPOINTS_FAILED: Metric = counter(
    "idtrail_journal_checkpoints_failed_total",
    "Checkpoints given up, since what was read back was not what was written",
);
pub const JOURNAL_FENCED: Metric = counter(
    "idtrail_journal_fenced_total",
    "Times that another process took the journal over",
);
pub const JOURNAL_ERRORS: Metric = counter(
    "idtrail_journal_errors_total",
    "Calls for the journal that got no answer, by call and reason: retry, or fatal where a person must act",
)
.by(&[CALL, REASON]);
pub const STATE_BYTES: Metric = gauge_of(
    Unit::Bytes,
    "idtrail_state_bytes",
    "Memory of rows that are durable and not yet in a file",
);
pub const PARTITIONS_OPEN: Metric = gauge(
    "idtrail_partitions_open",
    "Partitions with rows that are durable and that no file is planned for yet",
);
pub const ROWS_WAITING: Metric = gauge(
    "idtrail_rows_waiting",
    "Rows that are durable and not yet in a file",
);
pub const DEDUP_RECALLS: Metric = counter(
    "idtrail_dedup_recalls_total",
    "Filters of the dedup window whose keys were read again, to tell a copy from an event that only looks like one",
);
pub const DEDUP_KEYS: Metric = gauge(
    "idtrail_dedup_keys",
    "Events that would be recognised if they came again",
);
pub const DEDUP_BYTES: Metric = gauge_of(
    Unit::Bytes,
    "idtrail_dedup_bytes",
    "Memory of the dedup window",
);
pub const DEDUP_WINDOW: Metric = gauge_of(
    Unit::Seconds,
    "idtrail_dedup_window_seconds",
    "How far back copies are recognised",
);
pub const FILES_WRITTEN: Metric =
    counter("idtrail_files_written_total", "Files written into the lake");
pub const FILE_ROWS: Metric = counter("idtrail_file_rows_total", "Rows in the files written");
pub const FILE_BYTES: Metric = counter_of(
    Unit::Bytes,
    "idtrail_file_bytes_total",
    "Size of the files written",
);
pub const UPLOADS_FAILED: Metric = counter(
    "idtrail_uploads_failed_total",
    "Tries to write a file that failed, by reason: retry, or fatal where a person must act; each is tried again",
)
.by(&[REASON]);

pub const PLANS_SET_ASIDE: Metric = gauge(
    "idtrail_plans_set_aside",
    "Files that could not be made from their rows, twice or more often; others go on, these are tried again within an hour or, in safe mode, not by this process",
);

pub const ROWS_GIVEN_UP: Metric = gauge(
    "idtrail_rows_given_up",
    "Rows in no file, since a person gave up files that could not be made, since the journal began",
);

/// Every metric that this package emits.
pub const ALL: &[Metric] = &[
    MAILBOX_FILL,
    MAILBOX_SLOTS,
    MAILBOX_BLOCKED,
    ACTOR_HANDLED,
    ACTOR_CPU,
    ACTOR_RESTARTS,
    CREDIT_AVAILABLE,
    CREDIT_TOTAL,
    CREDIT_BLOCKED,
    COMPUTE_BUSY,
    COMPUTE_THREADS,
    COMPUTE_BLOCKED,
    COMPUTE_PANICS,
    MESSAGES_RECEIVED,
    MESSAGES_DELETED,
    MESSAGES_NOT_DELETED,
    MESSAGES_UNREADABLE,
    MESSAGES_IN_HAND,
    MESSAGES_ALONE,
    MESSAGE_AGE,
    MESSAGE_DURABLE,
    RECEIVES_EMPTY,
    QUEUE_ERRORS,
    OBJECTS_READ,
    OBJECT_BYTES,
    OBJECTS_FAILED,
    EVENTS_NORMALISED,
    EVENTS_REJECTED,
    TIMES_SUBSTITUTED,
    EVENTS_OLD,
    EVENTS_RECEIVED,
    EVENTS_STORED,
    EVENTS_DUPLICATE,
    EVENTS_QUARANTINED,
    PIECES_SKIPPED,
    LAST_EVENT,
    GEOIP_LOADED,
    GEOIP_WARNINGS,
    LOADS_DROPPED,
    JOURNAL_COMMITS,
    JOURNAL_BYTES,
    JOURNAL_COMMIT,
    JOURNAL_HEAD,
    JOURNAL_LEADING,
    JOURNAL_EPOCH,
    JOURNAL_CHECKPOINT,
    JOURNAL_NEEDLESS,
    JOURNAL_KEPT_BYTES,
    JOURNAL_CHECKPOINTS_FAILED,
    JOURNAL_APPLIED,
    JOURNAL_FENCED,
    JOURNAL_ERRORS,
    STATE_BYTES,
    PARTITIONS_OPEN,
    ROWS_WAITING,
    DEDUP_RECALLS,
    DEDUP_KEYS,
    DEDUP_BYTES,
    DEDUP_WINDOW,
    FILES_WRITTEN,
    FILE_ROWS,
    FILE_BYTES,
    UPLOADS_FAILED,
    PLANS_SET_ASIDE,
    ROWS_GIVEN_UP,
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn names_follow_the_convention_and_are_unique() {
        let mut seen = BTreeSet::new();
        for metric in ALL {
            assert!(seen.insert(metric.name), "{} stands twice", metric.name);
            assert!(metric.name.starts_with("idtrail_"), "{}", metric.name);
            assert_eq!(
                metric.name.ends_with("_total") && metric.kind == Kind::Counter,
                metric.kind == Kind::Counter,
                "{}: a counter ends in _total",
                metric.name
            );
            assert!(!metric.description.is_empty(), "{}", metric.name);
            if let Kind::Histogram(buckets) = metric.kind {
                assert!(buckets.is_sorted() && buckets[0] > 0.0, "{}", metric.name);
                assert_eq!(metric.unit, Unit::Seconds, "{}", metric.name);
            }
        }
    }
}
