//! What is shown: numbers, from two scrapes of one service.
//!
//! Pure arithmetic. Rates are means between the two scrapes; a counter that is
//! lower than before, or whose process began anew, counts from zero, as
//! Prometheus has it. Sources, actors and calls are those that the metrics
//! name. What a service does not tell is `None`, and shown as unknown.

use actors::metrics as names;
use serde::{Deserialize, Serialize};

use super::pair::{Pair, START_TIME};
use crate::{
    metrics as aws,
    scrape::{Histogram, Samples},
};

/// What `/readyz` says.
#[derive(Clone, PartialEq, Default, Debug, Deserialize)]
pub struct Readiness {
    pub ready: bool,
    pub role: Option<String>,
    pub version: Option<String>,
}

/// What a service said at one moment.
#[derive(Clone, PartialEq, Default, Debug)]
pub struct Scrape {
    /// By a clock that only goes forward.
    pub at_ms: u64,
    pub wall_ms: i64,
    pub readiness: Readiness,
    pub samples: Samples,
}

#[derive(Clone, PartialEq, Default, Debug, Serialize)]
pub struct Model {
    pub version: Option<String>,
    pub ready: bool,
    pub role: Option<String>,
    /// By the clock of whoever looks.
    pub at_ms: i64,
    pub uptime_secs: Option<f64>,
    pub interval_secs: f64,
    /// This process is another than that of the scrape before.
    pub restarted: bool,
    pub journal: Journal,
    pub sources: Vec<Source>,
    pub actors: Vec<Actor>,
    pub memory: Memory,
    pub in_hand: InHand,
    pub lag: Lag,
    pub lake: Lake,
    pub troubles: Troubles,
    pub process: Process,
    pub calls: Vec<Call>,
}

#[derive(Clone, PartialEq, Default, Debug, Serialize)]
pub struct Journal {
    pub leading: Option<bool>,
    pub head: Option<f64>,
    pub commits_per_sec: f64,
    pub bytes_per_sec: f64,
    pub commit_p50_secs: Option<f64>,
    pub commit_p99_secs: Option<f64>,
}

/// Events a second.
#[derive(Clone, PartialEq, Default, Debug, Serialize)]
pub struct Source {
    pub source: String,
    pub received: f64,
    pub stored: f64,
    pub duplicate: f64,
    pub quarantined: f64,
}

#[derive(Clone, PartialEq, Default, Debug, Serialize)]
pub struct Actor {
    pub actor: String,
    pub mailbox_fill: Option<f64>,
    pub mailbox_slots: Option<f64>,
    /// Time that senders waited for it, as a share of the interval; two of them
    /// that wait all the time are 2.
    pub blocked: Option<f64>,
    pub handled_per_sec: Option<f64>,
    /// Of one core.
    pub cpu: Option<f64>,
    /// Since its process began.
    pub restarts: f64,
}

#[derive(Clone, PartialEq, Default, Debug, Serialize)]
pub struct Memory {
    pub credit_available_bytes: Option<f64>,
    pub credit_total_bytes: Option<f64>,
    /// Time that intake waited for credit, as a share of the interval.
    pub credit_blocked: Option<f64>,
    pub state_bytes: Option<f64>,
}

#[derive(Clone, PartialEq, Default, Debug, Serialize)]
pub struct InHand {
    pub messages: Option<f64>,
    pub rows_waiting: Option<f64>,
    pub partitions_open: Option<f64>,
}

/// Of the messages of the last minute.
#[derive(Clone, PartialEq, Default, Debug, Serialize)]
pub struct Lag {
    pub message_age_p50_secs: Option<f64>,
    pub message_age_p99_secs: Option<f64>,
    pub durable_p50_secs: Option<f64>,
    pub durable_p99_secs: Option<f64>,
}

#[derive(Clone, PartialEq, Default, Debug, Serialize)]
pub struct Lake {
    pub files_per_sec: f64,
    pub rows_per_sec: f64,
    pub bytes_per_sec: f64,
}

/// What failed since the process began, and how much of it just now.
#[derive(Clone, PartialEq, Default, Debug, Serialize)]
pub struct Troubles {
    pub restarts: Tally,
    pub queue: Tally,
    pub journal: Tally,
    pub uploads: Tally,
    pub objects: Tally,
    pub aws: Tally,
}

#[derive(Clone, Copy, PartialEq, Default, Debug, Serialize)]
pub struct Tally {
    pub total: f64,
    pub new: f64,
}

#[derive(Clone, PartialEq, Default, Debug, Serialize)]
pub struct Process {
    /// Cores in use.
    pub cpu: Option<f64>,
    pub resident_bytes: Option<f64>,
    pub compute_busy: Option<f64>,
    pub compute_threads: Option<f64>,
    /// Time that actors waited for the compute pool, as a share of the interval.
    pub compute_blocked: Option<f64>,
}

/// Of an AWS service.
#[derive(Clone, PartialEq, Default, Debug, Serialize)]
pub struct Call {
    pub operation: String,
    pub per_sec: f64,
    pub errors: Tally,
}

/// The histograms of one scrape.
#[derive(Clone, PartialEq, Default, Debug)]
pub struct Latencies {
    commit: Option<Histogram>,
    durable: Option<Histogram>,
    age: Option<Histogram>,
}

impl Latencies {
    pub fn of(samples: &Samples) -> Latencies {
        Latencies {
            commit: samples.histogram(names::JOURNAL_COMMIT.name),
            durable: samples.histogram(names::MESSAGE_DURABLE.name),
            age: samples.histogram(names::MESSAGE_AGE.name),
        }
    }
}

fn quantile(then: Option<&Histogram>, now: Option<&Histogram>, q: f64) -> Option<f64> {
    match then {
        Some(then) => now?.since(then).quantile(q),
        None => now?.quantile(q),
    }
}

impl Model {
    /// `minute`: the histograms of about a minute ago, or of as long as is known.
    pub fn between(before: &Scrape, now: &Scrape, minute: &Latencies) -> Model {
        let pair = Pair::new(before, now);
        let latencies = Latencies::of(&now.samples);
        let uptime = |began: f64| (now.wall_ms as f64 / 1e3 - began).max(0.0);
        Model {
            version: now.readiness.version.clone(),
            ready: now.readiness.ready,
            role: now.readiness.role.clone(),
            at_ms: now.wall_ms,
            uptime_secs: pair.gauge(START_TIME).map(uptime),
            interval_secs: pair.secs,
            restarted: pair.restarted,
            journal: Journal::of(&pair, &latencies, minute),
            sources: pair.sources(),
            actors: pair.actors(),
            memory: Memory::of(&pair),
            in_hand: InHand {
                messages: pair.gauge(names::MESSAGES_IN_HAND.name),
                rows_waiting: pair.gauge(names::ROWS_WAITING.name),
                partitions_open: pair.gauge(names::PARTITIONS_OPEN.name),
            },
            lag: Lag::of(&latencies, minute),
            lake: Lake {
                files_per_sec: pair.rate(names::FILES_WRITTEN.name),
                rows_per_sec: pair.rate(names::FILE_ROWS.name),
                bytes_per_sec: pair.rate(names::FILE_BYTES.name),
            },
            troubles: Troubles::of(&pair),
            process: Process::of(&pair),
            calls: pair.calls(),
        }
    }
}

impl Journal {
    fn of(pair: &Pair<'_>, now: &Latencies, minute: &Latencies) -> Journal {
        let commit = |q| quantile(minute.commit.as_ref(), now.commit.as_ref(), q);
        Journal {
            leading: pair.gauge(names::JOURNAL_LEADING.name).map(|one| one > 0.0),
            head: pair.gauge(names::JOURNAL_HEAD.name),
            commits_per_sec: pair.rate(names::JOURNAL_COMMITS.name),
            bytes_per_sec: pair.rate(names::JOURNAL_BYTES.name),
            commit_p50_secs: commit(0.5),
            commit_p99_secs: commit(0.99),
        }
    }
}

impl Memory {
    fn of(pair: &Pair<'_>) -> Memory {
        Memory {
            credit_available_bytes: pair.gauge(names::CREDIT_AVAILABLE.name),
            credit_total_bytes: pair.gauge(names::CREDIT_TOTAL.name),
            credit_blocked: pair.share(names::CREDIT_BLOCKED.name, 1e6),
            state_bytes: pair.gauge(names::STATE_BYTES.name),
        }
    }
}

impl Lag {
    fn of(now: &Latencies, minute: &Latencies) -> Lag {
        let age = |q| quantile(minute.age.as_ref(), now.age.as_ref(), q);
        let durable = |q| quantile(minute.durable.as_ref(), now.durable.as_ref(), q);
        Lag {
            message_age_p50_secs: age(0.5),
            message_age_p99_secs: age(0.99),
            durable_p50_secs: durable(0.5),
            durable_p99_secs: durable(0.99),
        }
    }
}

impl Troubles {
    fn of(pair: &Pair<'_>) -> Troubles {
        Troubles {
            restarts: pair.tally(names::ACTOR_RESTARTS.name),
            queue: pair.tally(names::QUEUE_ERRORS.name),
            journal: pair.tally(names::JOURNAL_ERRORS.name),
            uploads: pair.tally(names::UPLOADS_FAILED.name),
            objects: pair.tally(names::OBJECTS_FAILED.name),
            aws: pair.tally(aws::AWS_ERRORS.name),
        }
    }
}

impl Process {
    fn of(pair: &Pair<'_>) -> Process {
        Process {
            cpu: pair.share("process_cpu_seconds_total", 1.0),
            resident_bytes: pair.gauge("process_resident_memory_bytes"),
            compute_busy: pair.gauge(names::COMPUTE_BUSY.name),
            compute_threads: pair.gauge(names::COMPUTE_THREADS.name),
            compute_blocked: pair.share(names::COMPUTE_BLOCKED.name, 1e6),
        }
    }
}

#[cfg(test)]
mod tests;
