//! What a run took, as numbers, and as text for people.

use std::fmt::{self, Display};

use actors::metrics as names;
use audit::accounting::Counts;
use serde::{Deserialize, Serialize};

use super::{counted::Calls, yardstick::Yardstick};
use crate::scrape::Samples;

/// What was sent to the queue, before the measurement.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fed {
    pub(super) events: u64,
    pub(super) bytes: u64,
    pub(super) messages: u64,
    pub(super) cpu_seconds: f64,
}

/// What the measured part used.
#[derive(Clone, Copy, Debug)]
pub(super) struct Used {
    pub(super) cpu_seconds: f64,
    pub(super) wall_seconds: f64,
    pub(super) peak_rss_bytes: Option<u64>,
    pub(super) yardstick: Option<Yardstick>,
}

/// One run. Seconds of a core are CPU time, user and system, of all threads.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Report {
    pub version: String,
    pub events: u64,
    pub event_bytes: u64,
    pub messages: u64,
    pub stored: u64,
    pub duplicate: u64,
    pub quarantined: u64,
    pub cpu_seconds: f64,
    pub wall_seconds: f64,
    pub events_per_core_second: f64,
    pub microseconds_per_event: f64,
    pub peak_rss_bytes: Option<u64>,
    /// How fast the machine was meanwhile; nothing, of a run too short to tell.
    pub yardstick: Option<Yardstick>,
    pub stages: Vec<Stage>,
    /// CPU time of no stage: files, the runtime, the progress bar.
    pub other_microseconds_per_event: f64,
    /// Time that actors waited for a thread of the compute pool, summed.
    pub compute_blocked_seconds: f64,
    /// Time that intake waited for memory, summed.
    pub credit_blocked_seconds: f64,
    pub lake: Written,
    pub journal: Written,
    pub calls_per_million_events: Calls,
    /// From the receive of a message until its last event was durable.
    pub durable_seconds: Latency,
    /// CPU time to pack and send an event, before the measurement.
    pub send_microseconds_per_event: f64,
}

#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Stage {
    pub actor: String,
    pub microseconds_per_event: f64,
    /// Of all CPU time.
    pub share: f64,
    /// Time that senders waited for a slot in its mailbox, summed.
    pub blocked_seconds: f64,
    pub handled: u64,
}

#[derive(Clone, Copy, PartialEq, Default, Debug, Serialize, Deserialize)]
pub struct Written {
    pub objects: u64,
    pub bytes: u64,
    pub bytes_per_event: f64,
}

/// Quantiles, interpolated in the buckets of the histogram.
#[derive(Clone, Copy, PartialEq, Default, Debug, Serialize, Deserialize)]
pub struct Latency {
    pub p50: Option<f64>,
    pub p90: Option<f64>,
    pub p99: Option<f64>,
}

impl Report {
    pub(super) fn new(
        fed: &Fed,
        counts: &Counts,
        used: &Used,
        calls: Calls,
        samples: &Samples,
    ) -> Report {
        let events = counts.received.max(1) as f64;
        let stages = stages(samples, used.cpu_seconds, events);
        let staged: f64 = stages.iter().map(|stage| stage.share).sum();
        let microseconds = used.cpu_seconds * 1e6 / events;
        let written = |objects: &str, bytes: &str| Written {
            objects: samples.sum(objects) as u64,
            bytes: samples.sum(bytes) as u64,
            bytes_per_event: samples.sum(bytes) / events,
        };
        let quantile = |q| samples.quantile(names::MESSAGE_DURABLE.name, q);
        let seconds = |name: &str| samples.sum(name) / 1e6;
        Report {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            events: counts.received,
            event_bytes: fed.bytes,
            messages: fed.messages,
            stored: counts.stored,
            duplicate: counts.duplicate,
            quarantined: counts.quarantined,
            cpu_seconds: used.cpu_seconds,
            wall_seconds: used.wall_seconds,
            events_per_core_second: events / used.cpu_seconds,
            microseconds_per_event: microseconds,
            peak_rss_bytes: used.peak_rss_bytes,
            yardstick: used.yardstick,
            stages,
            other_microseconds_per_event: microseconds * (1.0 - staged).max(0.0),
            compute_blocked_seconds: seconds(names::COMPUTE_BLOCKED.name),
            credit_blocked_seconds: seconds(names::CREDIT_BLOCKED.name),
            lake: written(names::FILES_WRITTEN.name, names::FILE_BYTES.name),
            journal: written(names::JOURNAL_COMMITS.name, names::JOURNAL_BYTES.name),
            calls_per_million_events: calls,
            durable_seconds: Latency {
                p50: quantile(0.5),
                p90: quantile(0.9),
                p99: quantile(0.99),
            },
            send_microseconds_per_event: fed.cpu_seconds * 1e6 / fed.events.max(1) as f64,
        }
    }
}

/// By what they cost, the dearest first.
fn stages(samples: &Samples, cpu_seconds: f64, events: f64) -> Vec<Stage> {
    let by_actor = |name: &str| samples.by(name, names::ACTOR);
    let blocked = by_actor(names::MAILBOX_BLOCKED.name);
    let handled = by_actor(names::ACTOR_HANDLED.name);
    let mut stages: Vec<Stage> = by_actor(names::ACTOR_CPU.name)
        .into_iter()
        .map(|(actor, nanoseconds)| Stage {
            microseconds_per_event: nanoseconds / 1e3 / events,
            share: nanoseconds / 1e9 / cpu_seconds,
            blocked_seconds: blocked.get(&actor).copied().unwrap_or(0.0) / 1e6,
            handled: handled.get(&actor).copied().unwrap_or(0.0) as u64,
            actor,
        })
        .collect();
    stages.sort_by(|a, b| b.share.total_cmp(&a.share));
    stages
}

impl Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mib = |bytes: f64| bytes / f64::from(1 << 20);
        let bytes = self.event_bytes as f64;
        writeln!(
            f,
            "{} events, {:.1} MiB, in {} messages: {} stored, {} duplicate, {} quarantined",
            self.events,
            mib(bytes),
            self.messages,
            self.stored,
            self.duplicate,
            self.quarantined
        )?;
        writeln!(
            f,
            "\n{:.0} events/s per core   {:.1} MiB/s per core   {:.2} us/event\n\
             {:.2} s of CPU time, {:.2} s on the wall",
            self.events_per_core_second,
            mib(bytes) / self.cpu_seconds,
            self.microseconds_per_event,
            self.cpu_seconds,
            self.wall_seconds
        )?;
        match self.peak_rss_bytes {
            Some(peak) => writeln!(f, "{:.0} MiB of memory at most", mib(peak as f64))?,
            None => writeln!(f, "memory: this system does not tell")?,
        }
        writeln!(
            f,
            "\nstage                 us/event   share   blocked s   messages"
        )?;
        for stage in &self.stages {
            writeln!(
                f,
                "{:<20} {:>9.3}  {:>5.1}%   {:>9.2}   {:>8}",
                stage.actor,
                stage.microseconds_per_event,
                stage.share * 100.0,
                stage.blocked_seconds,
                stage.handled
            )?;
        }
        let other = self.other_microseconds_per_event;
        writeln!(
            f,
            "{:<20} {other:>9.3}  {:>5.1}%   files, runtime",
            "(no stage)",
            other / self.microseconds_per_event * 100.0
        )?;
        self.outside(f)
    }
}

impl Report {
    /// What went out, and what it took of others.
    fn outside(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "\nblocked for compute threads {:.2} s, for memory {:.2} s (summed over actors)",
            self.compute_blocked_seconds, self.credit_blocked_seconds
        )?;
        for (name, written) in [("lake", &self.lake), ("journal", &self.journal)] {
            writeln!(
                f,
                "{name:<8} {} objects, {:.1} MiB, {:.0} bytes/event",
                written.objects,
                written.bytes as f64 / f64::from(1 << 20),
                written.bytes_per_event
            )?;
        }
        let calls = &self.calls_per_million_events;
        writeln!(
            f,
            "calls per million events: queue {:.0} receive, {:.0} delete; \
             store {:.0} create, {:.0} get, {:.0} list, {:.0} remove",
            calls.receives, calls.deletes, calls.creates, calls.reads, calls.lists, calls.removes
        )?;
        let seconds = |q: Option<f64>| q.map_or_else(|| "?".to_owned(), |s| format!("{s:.2} s"));
        let Latency { p50, p90, p99 } = self.durable_seconds;
        writeln!(
            f,
            "receive to durable: p50 {}, p90 {}, p99 {} (of messages, with a full queue)",
            seconds(p50),
            seconds(p90),
            seconds(p99)
        )?;
        write!(
            f,
            "packing and sending, before: {:.2} us/event",
            self.send_microseconds_per_event
        )
    }
}
