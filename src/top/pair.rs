//! Two answers of `/metrics`, subtracted.
//!
//! A counter that is lower than before, or whose process began anew, counts from
//! zero, as Prometheus has it; nothing that a service says makes a number here
//! negative or infinite.

use std::collections::{BTreeMap, BTreeSet};

use super::model::{Actor, Call, Scrape, Source, Tally};
use crate::scrape::Samples;

pub(super) const START_TIME: &str = "process_start_time_seconds";
pub(super) const RESTARTS: &str = "idtrail_actor_restarts_total";
const AWS_REQUESTS: &str = "idtrail_aws_requests_total";
pub(super) const AWS_ERRORS: &str = "idtrail_aws_errors_total";

/// Two answers of `/metrics`, and the time between them.
pub(super) struct Pair<'s> {
    before: &'s Samples,
    now: &'s Samples,
    pub(super) secs: f64,
    pub(super) restarted: bool,
}

impl<'s> Pair<'s> {
    pub(super) fn new(before: &'s Scrape, now: &'s Scrape) -> Pair<'s> {
        let began = |scrape: &Scrape| scrape.samples.value(START_TIME, &[]);
        let restarted = match (began(before), began(now)) {
            (Some(then), Some(now)) => then != now,
            _ => false,
        };
        let ms = now.at_ms.saturating_sub(before.at_ms).max(1);
        Pair {
            before: &before.samples,
            now: &now.samples,
            secs: ms as f64 / 1e3,
            restarted,
        }
    }

    pub(super) fn gauge(&self, name: &str) -> Option<f64> {
        self.now.value(name, &[]).filter(|value| value.is_finite())
    }

    /// How much a counter grew.
    fn growth(&self, before: f64, now: f64) -> f64 {
        let anew = self.restarted || now < before;
        let grown = if anew { now } else { now - before };
        if grown.is_finite() {
            grown.max(0.0)
        } else {
            0.0
        }
    }

    /// A second, all series together; a counter that is not there has not begun.
    pub(super) fn rate(&self, name: &str) -> f64 {
        self.tally(name).new / self.secs
    }

    /// The share of the interval that a counter of time grew by.
    pub(super) fn share(&self, name: &str, units_per_sec: f64) -> Option<f64> {
        let is_there = !self.now.series(name).is_empty();
        is_there.then(|| self.rate(name) / units_per_sec)
    }

    pub(super) fn tally(&self, name: &str) -> Tally {
        let total = self.now.sum(name);
        Tally {
            total,
            new: self.growth(self.before.sum(name), total),
        }
    }

    /// The growth for each value of a label.
    fn by(&self, name: &str, label: &str) -> BTreeMap<String, f64> {
        let before = self.before.by(name, label);
        let mut by = self.now.by(name, label);
        for (of, value) in &mut by {
            let then = before.get(of).copied().unwrap_or_default();
            *value = self.growth(then, *value);
        }
        by
    }

    pub(super) fn sources(&self) -> Vec<Source> {
        let grown = ["received", "stored", "duplicate", "quarantined"]
            .map(|kind| self.by(&format!("idtrail_events_{kind}_total"), "source"));
        let names: BTreeSet<&String> = grown.iter().flat_map(BTreeMap::keys).collect();
        let row = |source: &String| {
            let [received, stored, duplicate, quarantined] =
                [0, 1, 2, 3].map(|kind| grown[kind].get(source).map_or(0.0, |n| n / self.secs));
            Source {
                source: source.clone(),
                received,
                stored,
                duplicate,
                quarantined,
            }
        };
        names.into_iter().map(row).collect()
    }

    /// Those with a mailbox; a supervisor is told of by its restarts alone.
    pub(super) fn actors(&self) -> Vec<Actor> {
        let fill = self.now.by("idtrail_mailbox_fill", "actor");
        let slots = self.now.by("idtrail_mailbox_slots", "actor");
        let blocked = self.by("idtrail_mailbox_blocked_microseconds_total", "actor");
        let handled = self.by("idtrail_actor_handled_total", "actor");
        let cpu = self.by("idtrail_actor_cpu_nanoseconds_total", "actor");
        let restarts = self.now.by(RESTARTS, "actor");
        let tables = [&slots, &handled, &cpu, &restarts];
        let names: BTreeSet<&String> = tables.into_iter().flat_map(BTreeMap::keys).collect();
        let row = |actor: &String| Actor {
            actor: actor.clone(),
            mailbox_fill: fill.get(actor).copied(),
            mailbox_slots: slots.get(actor).copied(),
            blocked: blocked.get(actor).map(|us| us / 1e6 / self.secs),
            handled_per_sec: handled.get(actor).map(|n| n / self.secs),
            cpu: cpu.get(actor).map(|ns| ns / 1e9 / self.secs),
            restarts: restarts.get(actor).copied().unwrap_or_default(),
        };
        names.into_iter().map(row).collect()
    }

    pub(super) fn calls(&self) -> Vec<Call> {
        let grown = self.by(AWS_REQUESTS, "operation");
        let errors = self.now.by(AWS_ERRORS, "operation");
        let new_errors = self.by(AWS_ERRORS, "operation");
        let row = |(operation, requests): (String, f64)| {
            let number = |of: &BTreeMap<String, f64>| of.get(&operation).copied().unwrap_or(0.0);
            Call {
                per_sec: requests / self.secs,
                errors: Tally {
                    total: number(&errors),
                    new: number(&new_errors),
                },
                operation,
            }
        };
        grown.into_iter().map(row).collect()
    }
}
