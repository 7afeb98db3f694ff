//! What a metric is: name, kind, unit, labels and meaning.
//!
//! A histogram's buckets belong to its [`Kind`]: whoever installs the recorder
//! gives them to it. A counter whose label values are known stands at zero from
//! the start: whoever computes a rate does not see the first increment of a series
//! that was not there.

use metrics::Unit;

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    Counter,
    Gauge,
    /// With the upper bounds of its buckets; one above the last is implied.
    Histogram(&'static [f64]),
}

#[derive(Clone, Copy, Debug)]
pub struct Metric {
    pub name: &'static str,
    pub kind: Kind,
    pub unit: Unit,
    pub description: &'static str,
    /// Those that each of its series has.
    pub labels: &'static [&'static str],
}

impl Metric {
    const fn new(kind: Kind, unit: Unit, name: &'static str, description: &'static str) -> Metric {
        Metric {
            name,
            kind,
            unit,
            description,
            labels: &[],
        }
    }

    /// With these labels.
    pub const fn by(self, labels: &'static [&'static str]) -> Metric {
        Metric { labels, ..self }
    }
}

pub const fn counter(name: &'static str, description: &'static str) -> Metric {
    counter_of(Unit::Count, name, description)
}

pub const fn counter_of(unit: Unit, name: &'static str, description: &'static str) -> Metric {
    Metric::new(Kind::Counter, unit, name, description)
}

pub const fn gauge(name: &'static str, description: &'static str) -> Metric {
    gauge_of(Unit::Count, name, description)
}

pub const fn gauge_of(unit: Unit, name: &'static str, description: &'static str) -> Metric {
    Metric::new(Kind::Gauge, unit, name, description)
}

/// A histogram of durations.
pub(super) const fn seconds(
    buckets: &'static [f64],
    name: &'static str,
    description: &'static str,
) -> Metric {
    Metric::new(Kind::Histogram(buckets), Unit::Seconds, name, description)
}

/// Tells the installed recorder what these metrics mean, and makes those counters
/// that have no labels.
pub fn describe<'m>(metrics: impl IntoIterator<Item = &'m Metric>) {
    for metric in metrics {
        match metric.kind {
            Kind::Counter => {
                metrics::describe_counter!(metric.name, metric.unit, metric.description);
                if metric.labels.is_empty() {
                    metrics::counter!(metric.name).increment(0);
                }
            }
            Kind::Gauge => metrics::describe_gauge!(metric.name, metric.unit, metric.description),
            Kind::Histogram(_) => {
                metrics::describe_histogram!(metric.name, metric.unit, metric.description);
            }
        }
    }
}
