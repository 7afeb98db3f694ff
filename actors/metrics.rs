//! The names of all metrics of this package, each with its kind, unit and meaning.
//!
//! A metric is used through its constant, so that a name that is not described
//! here cannot be emitted and a dashboard can be checked against [`ALL`].
//! Waiting is measured as time blocked, not as the length of a queue: a full
//! queue in front of a fast stage is harmless. [`describe_all`] tells the
//! recorder; call it once, after the recorder is installed and before the tree
//! is built, because mailboxes look their handles up when they are made.

use metrics::Unit;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Counter,
    Gauge,
}

#[derive(Clone, Copy, Debug)]
pub struct Metric {
    pub name: &'static str,
    pub kind: Kind,
    pub unit: Unit,
    pub description: &'static str,
}

/// Label of every metric of one actor.
pub const ACTOR: &str = "actor";
/// Label: `bytes` or `messages`.
pub const RESOURCE: &str = "resource";

pub const MAILBOX_FILL: Metric = Metric {
    name: "idtrail_mailbox_fill",
    kind: Kind::Gauge,
    unit: Unit::Count,
    description: "Messages that wait in this actor's mailbox; never more than its slots",
};
pub const MAILBOX_SLOTS: Metric = Metric {
    name: "idtrail_mailbox_slots",
    kind: Kind::Gauge,
    unit: Unit::Count,
    description: "Messages that may wait in this actor's mailbox",
};
pub const MAILBOX_BLOCKED: Metric = Metric {
    name: "idtrail_mailbox_blocked_microseconds_total",
    kind: Kind::Counter,
    unit: Unit::Microseconds,
    description: "Time that senders were blocked by this actor's full mailbox or its restart",
};
pub const ACTOR_HANDLED: Metric = Metric {
    name: "idtrail_actor_handled_total",
    kind: Kind::Counter,
    unit: Unit::Count,
    description: "Messages that this actor began to handle, its own timers among them",
};
pub const ACTOR_RESTARTS: Metric = Metric {
    name: "idtrail_actor_restarts_total",
    kind: Kind::Counter,
    unit: Unit::Count,
    description: "Failures of this actor or supervisor that its supervisor answered with a restart",
};
pub const CREDIT_AVAILABLE: Metric = Metric {
    name: "idtrail_credit_available",
    kind: Kind::Gauge,
    unit: Unit::Count,
    description: "Credit that is left, by resource; below zero, intake is shut until rows are in files",
};
pub const CREDIT_TOTAL: Metric = Metric {
    name: "idtrail_credit_total",
    kind: Kind::Gauge,
    unit: Unit::Count,
    description: "The whole budget, by resource",
};
pub const CREDIT_BLOCKED: Metric = Metric {
    name: "idtrail_credit_blocked_microseconds_total",
    kind: Kind::Counter,
    unit: Unit::Microseconds,
    description: "Time that intake was blocked for want of credit",
};
pub const COMPUTE_BUSY: Metric = Metric {
    name: "idtrail_compute_busy",
    kind: Kind::Gauge,
    unit: Unit::Count,
    description: "Compute threads that run a job at this moment",
};
pub const COMPUTE_THREADS: Metric = Metric {
    name: "idtrail_compute_threads",
    kind: Kind::Gauge,
    unit: Unit::Count,
    description: "Threads of the compute pool",
};
pub const COMPUTE_BLOCKED: Metric = Metric {
    name: "idtrail_compute_blocked_microseconds_total",
    kind: Kind::Counter,
    unit: Unit::Microseconds,
    description: "Time that actors waited for a free place in front of the compute pool",
};
pub const COMPUTE_PANICS: Metric = Metric {
    name: "idtrail_compute_panics_total",
    kind: Kind::Counter,
    unit: Unit::Count,
    description: "Jobs of the compute pool that panicked",
};

pub const MESSAGES_RECEIVED: Metric = Metric {
    name: "idtrail_messages_received_total",
    kind: Kind::Counter,
    unit: Unit::Count,
    description: "Messages received from the queue, redeliveries among them",
};
pub const MESSAGES_DELETED: Metric = Metric {
    name: "idtrail_messages_deleted_total",
    kind: Kind::Counter,
    unit: Unit::Count,
    description: "Messages deleted from the queue, all their events durable",
};
pub const MESSAGES_NOT_DELETED: Metric = Metric {
    name: "idtrail_messages_not_deleted_total",
    kind: Kind::Counter,
    unit: Unit::Count,
    description: "Deletes that failed; the messages come again and are recognised",
};
pub const MESSAGES_UNREADABLE: Metric = Metric {
    name: "idtrail_messages_unreadable_total",
    kind: Kind::Counter,
    unit: Unit::Count,
    description: "Receives of messages that cannot be read, left to the dead-letter rule",
};
pub const QUEUE_ERRORS: Metric = Metric {
    name: "idtrail_queue_errors_total",
    kind: Kind::Counter,
    unit: Unit::Count,
    description: "Receives that failed",
};
pub const EVENTS_NORMALISED: Metric = Metric {
    name: "idtrail_events_normalised_total",
    kind: Kind::Counter,
    unit: Unit::Count,
    description: "Events that became rows, by source, copies among them",
};
pub const EVENTS_REJECTED: Metric = Metric {
    name: "idtrail_events_rejected_total",
    kind: Kind::Counter,
    unit: Unit::Count,
    description: "Events that a normalizer could not make a row of, by source",
};
pub const TIMES_SUBSTITUTED: Metric = Metric {
    name: "idtrail_event_times_substituted_total",
    kind: Kind::Counter,
    unit: Unit::Count,
    description: "Events without a usable time of their own, by source: the time of their message stands in",
};
pub const EVENTS_OLD: Metric = Metric {
    name: "idtrail_events_old_total",
    kind: Kind::Counter,
    unit: Unit::Count,
    description: "Events older than four years, by source: stored, but not shown by the table's projection",
};
pub const EVENTS_RECEIVED: Metric = Metric {
    name: "idtrail_events_received_total",
    kind: Kind::Counter,
    unit: Unit::Count,
    description: "Events accounted for, by source: stored + duplicate + quarantined",
};
pub const EVENTS_STORED: Metric = Metric {
    name: "idtrail_events_stored_total",
    kind: Kind::Counter,
    unit: Unit::Count,
    description: "Events that are durable as a row, by source",
};
pub const EVENTS_DUPLICATE: Metric = Metric {
    name: "idtrail_events_duplicate_total",
    kind: Kind::Counter,
    unit: Unit::Count,
    description: "Copies of known events, by source",
};
pub const EVENTS_QUARANTINED: Metric = Metric {
    name: "idtrail_events_quarantined_total",
    kind: Kind::Counter,
    unit: Unit::Count,
    description: "Events put aside with their reason, by source",
};
pub const PIECES_SKIPPED: Metric = Metric {
    name: "idtrail_pieces_skipped_total",
    kind: Kind::Counter,
    unit: Unit::Count,
    description: "Test notices and digests, which hold no event, by source",
};
pub const GEOIP_LOADED: Metric = Metric {
    name: "idtrail_geoip_loaded",
    kind: Kind::Gauge,
    unit: Unit::Count,
    description: "1 while a GeoIP database is in use",
};
pub const GEOIP_WARNINGS: Metric = Metric {
    name: "idtrail_geoip_warnings_total",
    kind: Kind::Counter,
    unit: Unit::Count,
    description: "GeoIP files that were refused: missing, of another kind, or broken",
};
pub const LOADS_DROPPED: Metric = Metric {
    name: "idtrail_loads_dropped_total",
    kind: Kind::Counter,
    unit: Unit::Count,
    description: "Parcels dropped, for leadership was lost or their work panicked; their messages come again",
};
pub const JOURNAL_COMMITS: Metric = Metric {
    name: "idtrail_journal_commits_total",
    kind: Kind::Counter,
    unit: Unit::Count,
    description: "Journal objects written by this process",
};
pub const JOURNAL_BYTES: Metric = Metric {
    name: "idtrail_journal_bytes_total",
    kind: Kind::Counter,
    unit: Unit::Bytes,
    description: "Size of the journal objects written by this process",
};
pub const JOURNAL_HEAD: Metric = Metric {
    name: "idtrail_journal_head",
    kind: Kind::Gauge,
    unit: Unit::Count,
    description: "Slot of the newest journal object applied",
};
pub const JOURNAL_LEADING: Metric = Metric {
    name: "idtrail_journal_leading",
    kind: Kind::Gauge,
    unit: Unit::Count,
    description: "1 while this process leads the journal",
};
pub const JOURNAL_FENCED: Metric = Metric {
    name: "idtrail_journal_fenced_total",
    kind: Kind::Counter,
    unit: Unit::Count,
    description: "Times that another process took the journal over",
};
pub const JOURNAL_ERRORS: Metric = Metric {
    name: "idtrail_journal_errors_total",
    kind: Kind::Counter,
    unit: Unit::Count,
    description: "Calls for the journal that got no answer, by call",
};
pub const STATE_BYTES: Metric = Metric {
    name: "idtrail_state_bytes",
    kind: Kind::Gauge,
    unit: Unit::Bytes,
    description: "Memory of rows that are durable and not yet in a file",
};
pub const DEDUP_WINDOW: Metric = Metric {
    name: "idtrail_dedup_window_seconds",
    kind: Kind::Gauge,
    unit: Unit::Seconds,
    description: "How far back copies are recognised",
};
pub const FILES_WRITTEN: Metric = Metric {
    name: "idtrail_files_written_total",
    kind: Kind::Counter,
    unit: Unit::Count,
    description: "Files written into the lake",
};
pub const FILE_ROWS: Metric = Metric {
    name: "idtrail_file_rows_total",
    kind: Kind::Counter,
    unit: Unit::Count,
    description: "Rows in the files written",
};
pub const FILE_BYTES: Metric = Metric {
    name: "idtrail_file_bytes_total",
    kind: Kind::Counter,
    unit: Unit::Bytes,
    description: "Size of the files written",
};
pub const UPLOADS_FAILED: Metric = Metric {
    name: "idtrail_uploads_failed_total",
    kind: Kind::Counter,
    unit: Unit::Count,
    description: "Tries to write a file that failed; each is tried again",
};

/// Every metric that this package emits.
pub const ALL: &[Metric] = &[
    MAILBOX_FILL,
    MAILBOX_SLOTS,
    MAILBOX_BLOCKED,
    ACTOR_HANDLED,
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
    QUEUE_ERRORS,
    EVENTS_NORMALISED,
    EVENTS_REJECTED,
    TIMES_SUBSTITUTED,
    EVENTS_OLD,
    EVENTS_RECEIVED,
    EVENTS_STORED,
    EVENTS_DUPLICATE,
    EVENTS_QUARANTINED,
    PIECES_SKIPPED,
    GEOIP_LOADED,
    GEOIP_WARNINGS,
    LOADS_DROPPED,
    JOURNAL_COMMITS,
    JOURNAL_BYTES,
    JOURNAL_HEAD,
    JOURNAL_LEADING,
    JOURNAL_FENCED,
    JOURNAL_ERRORS,
    STATE_BYTES,
    DEDUP_WINDOW,
    FILES_WRITTEN,
    FILE_ROWS,
    FILE_BYTES,
    UPLOADS_FAILED,
];

/// Tells the installed recorder what every metric of this package means.
pub fn describe_all() {
    describe(ALL);
}

/// Tells the installed recorder what these metrics mean.
pub fn describe(metrics: &[Metric]) {
    for metric in metrics {
        match metric.kind {
            Kind::Counter => {
                metrics::describe_counter!(metric.name, metric.unit, metric.description);
            }
            Kind::Gauge => metrics::describe_gauge!(metric.name, metric.unit, metric.description),
        }
    }
}

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
        }
    }
}
