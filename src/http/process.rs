//! The process's own metrics, under the names that every Prometheus client uses.
//!
//! Read from the system when somebody asks, and written behind the others: a
//! recorder would keep CPU time in whole seconds only. What the system does not
//! tell is left out.

use std::fmt::Write;

use actors::metrics::{Kind, Metric, counter_of, gauge, gauge_of};
use metrics::Unit;
use metrics_process::collector;

const CPU: Metric = counter_of(
    Unit::Seconds,
    "process_cpu_seconds_total",
    "CPU time of the process, user and system",
);
const RESIDENT: Metric = gauge_of(
    Unit::Bytes,
    "process_resident_memory_bytes",
    "Memory of the process that is in RAM",
);
const VIRTUAL: Metric = gauge_of(
    Unit::Bytes,
    "process_virtual_memory_bytes",
    "Address space of the process",
);
const START_TIME: Metric = gauge_of(
    Unit::Seconds,
    "process_start_time_seconds",
    "When the process began, in seconds since 1970",
);
const THREADS: Metric = gauge(
    "process_threads",
    "Threads of the operating system in the process",
);
const OPEN_FDS: Metric = gauge(
    "process_open_fds",
    "Open files and connections of the process",
);
const MAX_FDS: Metric = gauge(
    "process_max_fds",
    "Files and connections that the process may have open; 0 without a limit",
);

/// Every metric of the process.
pub const ALL: &[Metric] = &[
    CPU, RESIDENT, VIRTUAL, START_TIME, THREADS, OPEN_FDS, MAX_FDS,
];

/// In the text format of Prometheus.
pub(super) fn exposition() -> String {
    let now = collector::collect();
    let whole = |value: Option<u64>| value.map(|value| value as f64);
    let values = [
        (CPU, now.cpu_seconds_total),
        (RESIDENT, whole(now.resident_memory_bytes)),
        (VIRTUAL, whole(now.virtual_memory_bytes)),
        (START_TIME, whole(now.start_time_seconds)),
        (THREADS, whole(now.threads)),
        (OPEN_FDS, whole(now.open_fds)),
        (MAX_FDS, whole(now.max_fds)),
    ];
    let mut text = String::new();
    for (metric, value) in values {
        let Some(value) = value else { continue };
        let kind = match metric.kind {
            Kind::Counter => "counter",
            _ => "gauge",
        };
        let Metric {
            name, description, ..
        } = metric;
        writeln!(
            text,
            "# HELP {name} {description}\n# TYPE {name} {kind}\n{name} {value}\n"
        )
        .expect("a String takes everything");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scrape::Samples;

    #[test]
    fn the_process_tells_what_it_uses_with_its_meaning() {
        let text = exposition();
        let samples = Samples::parse(&text);
        for metric in ALL {
            let value = samples.value(metric.name, &[]);
            assert!(value.is_some_and(|value| value >= 0.0), "{text}");
            assert!(text.contains(&format!("# HELP {} ", metric.name)), "{text}");
        }
        assert!(text.contains("# TYPE process_cpu_seconds_total counter\n"));
        assert!(samples.sum(RESIDENT.name) > (1 << 20) as f64);
    }
}
