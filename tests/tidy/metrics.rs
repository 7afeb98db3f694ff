//! docs/metrics.md is made from the tables in the code, and is as new as they are.
//!
//! `make docs` writes it: it sets IDTRAIL_WRITE_DOCS.

use std::fmt::Write as _;

use actors::metrics::{Kind, Metric};

use super::{check, written};

const HEAD: &str = "\
# Metrics

What `/metrics` shows, in the text format of Prometheus. Made from the code by `make docs`.

Waiting is measured as time blocked, not as the length of a queue: a full mailbox in front of a fast
stage is harmless. A label `tenant` has at most 200 values; what comes after them counts as `other`.

| metric | kind | unit | labels | meaning |
|---|---|---|---|---|
";

fn reference() -> String {
    let mut metrics: Vec<&Metric> = idtrail::metrics::all().collect();
    metrics.sort_by_key(|metric| metric.name);
    let mut text = HEAD.to_owned();
    for metric in metrics {
        let kind = match metric.kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram(_) => "histogram",
        };
        let Metric {
            name, description, ..
        } = metric;
        let (unit, labels) = (metric.unit.as_str(), metric.labels.join(", "));
        writeln!(
            text,
            "| `{name}` | {kind} | {unit} | {labels} | {description} |"
        )
        .expect("a string grows");
    }
    text
}

#[test]
fn the_reference_of_metrics_is_as_new_as_the_code() {
    check(written("docs/metrics.md", &reference()));
}
