//! The dashboard and the alert rules name only what the program has: metrics,
//! labels, values of labels, headings of the runbook. And the other way round:
//! each metric is shown, each panel and alert is explained.
//!
//! `make docs` writes the list of panels into grafana/README.md.

mod panels;
mod promql;
mod rules;

use std::{collections::BTreeSet, fs};

use actors::metrics::{Kind, Metric};

use super::source;

/// Given by Prometheus to whatever it scrapes.
const OF_THE_SCRAPE: [&str; 2] = ["job", "instance"];

/// Labels whose values are words of the code.
const OF_CLOSED_SETS: [&str; 4] = ["call", "kind", "reason", "service"];

fn read(path: &str) -> String {
    fs::read_to_string(source::repository().join(path))
        .unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The program's metric behind a name in a query.
fn metric(name: &str) -> Option<&'static Metric> {
    idtrail::metrics::all().find(|metric| match metric.kind {
        Kind::Counter | Kind::Gauge => metric.name == name,
        Kind::Histogram(_) => ["_bucket", "_sum", "_count"]
            .iter()
            .any(|ending| name.strip_suffix(ending) == Some(metric.name)),
    })
}

/// What is wrong with the names in a query. `records` are names of recording rules.
fn complaints(place: &str, query: &str, records: &BTreeSet<String>) -> Vec<String> {
    let literals = literals();
    let mut complaints = Vec::new();
    let mut labels: BTreeSet<&str> = OF_THE_SCRAPE.into_iter().collect();
    let selectors = promql::selectors(query);
    for selector in &selectors {
        let name = &*selector.name;
        let own: &[&str] = match metric(name) {
            Some(metric) => metric.labels,
            None if records.contains(name) || name == "up" => &[],
            None => {
                complaints.push(format!("{place}: nothing emits {name}"));
                continue;
            }
        };
        labels.extend(own);
        if name.contains(':') {
            labels.extend(name.split(':').next().unwrap_or_default().split('_'));
        }
        if name.ends_with("_bucket") {
            labels.insert("le");
        }
        for (label, values) in &selector.matchers {
            if !OF_THE_SCRAPE.contains(&&**label) && !own.contains(&&**label) {
                complaints.push(format!("{place}: {name} has no label {label}"));
            }
            if OF_CLOSED_SETS.contains(&&**label) {
                let unknown = values
                    .split('|')
                    .filter(|value| !literals.contains(&format!("\"{value}\"")));
                complaints.extend(
                    unknown.map(|value| format!("{place}: no code says {label}=\"{value}\"")),
                );
            }
        }
    }
    let strange = promql::grouped_by(query);
    let strange = strange.iter().filter(|label| !labels.contains(&***label));
    complaints.extend(strange.map(|label| format!("{place}: no metric there has label {label}")));
    complaints
}

/// The code that makes labels.
fn literals() -> String {
    let files = ["actors/report.rs", "actors/journal/appender.rs"];
    let files = files
        .into_iter()
        .chain(["actors/ingest/object_reader.rs", "src/aws/kind.rs"]);
    files
        .chain(["src/aws/operation.rs"])
        .map(read)
        .collect::<Vec<_>>()
        .concat()
}

/// Whether the runbook has the heading that a link to it names.
fn in_runbook(anchor: &str) -> bool {
    read("docs/runbook.md")
        .lines()
        .filter_map(|line| line.strip_prefix("## "))
        .any(|heading| self::anchor(heading) == anchor)
}

/// As GitHub and GitLab make it of a heading.
fn anchor(heading: &str) -> String {
    let kept = heading
        .chars()
        .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.collect::<String>().to_lowercase().replace(' ', "-")
}

#[test]
fn a_name_that_nothing_emits_is_seen() {
    let records = BTreeSet::from(["job:idtrail_x:p99".to_owned()]);
    for (query, fine) in [
        ("rate(idtrail_journal_commits_total[5m])", true),
        ("idtrail_message_age_seconds_bucket", true),
        ("idtrail_message_age_seconds", false),
        ("rate(idtrail_commits_total[5m])", false),
        ("process_open_fds / process_max_fds", true),
        ("process_open_files", false),
        ("job:idtrail_x:p99 > 1", true),
        ("job:idtrail_y:p99 > 1", false),
        ("idtrail_uploads_failed_total{reason=\"fatal\"}", true),
        ("idtrail_uploads_failed_total{reason=\"dead\"}", false),
        ("idtrail_uploads_failed_total{kind=\"fatal\"}", false),
        ("sum by (reason) (idtrail_uploads_failed_total)", true),
        ("sum by (tenant) (idtrail_uploads_failed_total)", false),
        (
            "idtrail_aws_errors_total{kind=~\"denied|kms_denied\"}",
            true,
        ),
        ("idtrail_aws_errors_total{kind=~\"denied|lost\"}", false),
    ] {
        let complaints = complaints("here", query, &records);
        assert_eq!(complaints.is_empty(), fine, "{query}: {complaints:?}");
    }
}
