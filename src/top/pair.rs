//! Two answers of `/metrics`, subtracted.
//!
//! A counter that is lower than before, or whose process began anew, counts from
//! zero, as Prometheus has it; nothing that a service says makes a number here
//! negative or infinite.

use std::collections::{BTreeMap, BTreeSet};

use actors::metrics as names;

use super::model::{Actor, Call, Scrape, Source, Tally};
use crate::{metrics as aws, scrape::Samples};

pub(super) const START_TIME: &str = "process_start_time_seconds";

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
        let grown = [
            names::EVENTS_RECEIVED,
            names::EVENTS_STORED,
            names::EVENTS_DUPLICATE,
            names::EVENTS_QUARANTINED,
        ]
        .map(|metric| self.by(metric.name, names::SOURCE));
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
        let fill = self.now.by(names::MAILBOX_FILL.name, names::ACTOR);
        let slots = self.now.by(names::MAILBOX_SLOTS.name, names::ACTOR);
        let blocked = self.by(names::MAILBOX_BLOCKED.name, names::ACTOR);
        let handled = self.by(names::ACTOR_HANDLED.name, names::ACTOR);
        let cpu = self.by(names::ACTOR_CPU.name, names::ACTOR);
        let restarts = self.now.by(names::ACTOR_RESTARTS.name, names::ACTOR);
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
        let grown = self.by(aws::AWS_REQUESTS.name, aws::OPERATION);
        let errors = self.now.by(aws::AWS_ERRORS.name, aws::OPERATION);
        let new_errors = self.by(aws::AWS_ERRORS.name, aws::OPERATION);
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
