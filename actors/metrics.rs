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
];

/// Tells the installed recorder what every metric means.
pub fn describe_all() {
    for metric in ALL {
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
