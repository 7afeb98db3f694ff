//! The limits of `topology.toml`, typed and with their units gone into the types.

use std::time::Duration;

use audit::journal::Format;

use super::read::Section;

/// A receive asks for up to ten messages: the most that SQS gives at once.
pub const RECEIVE_MESSAGES_MAX: u64 = 10;

/// Beyond these a number is a slip of the finger that would eat the machine.
pub(super) const WORKERS_MAX: usize = 256;
pub(super) const SLOTS_MAX: usize = 65_536;
const THREADS_MAX: usize = 1_024;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    pub budget: BudgetLimits,
    pub parcel: ParcelLimits,
    pub batch: BatchLimits,
    pub journal: JournalLimits,
    pub seal: SealLimits,
    pub dedup: DedupLimits,
    pub compute: ComputeLimits,
    pub shutdown: ShutdownLimits,
}

/// What the process may hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BudgetLimits {
    pub bytes: u64,
    pub messages: u64,
}

/// Decoded content for which credit is taken at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParcelLimits {
    pub bytes: u64,
}

/// When a batch closes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BatchLimits {
    pub age: Duration,
    pub raw_bytes: u64,
    pub rows: u64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JournalLimits {
    pub attempt_timeout: Duration,
    pub heartbeat: Duration,
    /// A follower leads when the journal has stood still for so long.
    pub silence: Duration,
    /// A follower applies records as they come.
    pub warm: bool,
    /// Nothing is received while the newest commit is older and something is pending.
    pub commit_stale: Duration,
    /// A checkpoint is due so long after the one before, or after so many objects.
    pub checkpoint_age: Duration,
    pub checkpoint_objects: u64,
    /// Objects that nobody needs are removed when they are older.
    pub keep: Duration,
    /// What a leader writes, if the journal is not in a later format already.
    pub write_format: Format,
}

/// When a partition's rows become a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealLimits {
    pub age: Duration,
    pub rows: u64,
    pub raw_bytes: u64,
    pub open_days_max: usize,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DedupLimits {
    pub window: Duration,
    pub bytes_max: u64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ComputeLimits {
    /// 0: one per core.
    pub threads: usize,
    pub slots: usize,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShutdownLimits {
    /// What has not ended so long after it was asked to is killed.
    pub stop: Duration,
}

impl Limits {
    pub(super) const SECTIONS: [&str; 8] = [
        "budget", "parcel", "batch", "journal", "seal", "dedup", "compute", "shutdown",
    ];

    pub(super) fn read(root: &mut Section<'_>) -> Self {
        Self {
            budget: root.section("budget", |section| BudgetLimits {
                bytes: section.size("bytes"),
                messages: section.count("messages"),
            }),
            parcel: root.section("parcel", |section| ParcelLimits {
                bytes: section.size("bytes"),
            }),
            batch: root.section("batch", |section| BatchLimits {
                age: section.millis("age_ms"),
                raw_bytes: section.size("raw_bytes"),
                rows: section.count("rows"),
            }),
            journal: root.section("journal", |section| JournalLimits {
                attempt_timeout: section.millis("attempt_timeout_ms"),
                heartbeat: section.millis("heartbeat_ms"),
                silence: section.millis("silence_ms"),
                warm: section.switch("warm"),
                commit_stale: section.millis("commit_stale_ms"),
                checkpoint_age: section.millis("checkpoint_ms"),
                checkpoint_objects: section.count("checkpoint_objects"),
                keep: section.secs("keep_secs"),
                write_format: section.format("write_format"),
            }),
            seal: root.section("seal", |section| SealLimits {
                age: section.secs("age_secs"),
                rows: section.count("rows"),
                raw_bytes: section.size("raw_bytes"),
                open_days_max: section.places("open_days_max", SLOTS_MAX),
            }),
            dedup: root.section("dedup", |section| DedupLimits {
                window: section.hours("window_hours"),
                bytes_max: section.size("bytes_max"),
            }),
            compute: root.section("compute", |section| ComputeLimits {
                threads: section.places_or_zero("threads", THREADS_MAX),
                slots: section.places("slots", SLOTS_MAX),
            }),
            shutdown: root.section("shutdown", |section| ShutdownLimits {
                stop: section.millis("stop_ms"),
            }),
        }
    }
}
