//! The alert rules: grafana/alerts.yaml. Whether Prometheus takes them and they
//! fire when they should is for `promtool`, in tests/alerts.rs.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{
    super::{check, yaml},
    complaints, in_runbook, read,
};

const RULES: &str = "grafana/alerts.yaml";

/// What somebody who is woken looks for.
const RUNBOOK: &str = "docs/runbook.md#";

fn rules() -> Vec<Value> {
    let file = yaml::documents(&read(RULES));
    let groups = file[0]["groups"].as_array().expect("groups");
    let rules = groups.iter().filter_map(|group| group["rules"].as_array());
    rules.flatten().cloned().collect()
}

fn text<'v>(value: &'v Value, key: &str) -> &'v str {
    value[key].as_str().unwrap_or_default()
}

#[test]
fn each_rule_asks_for_what_there_is() {
    let rules = rules();
    let records = rules.iter().map(|rule| text(rule, "record").to_owned());
    let records: BTreeSet<String> = records.collect();
    check(rules.iter().flat_map(|rule| {
        let place = format!("{}{}", text(rule, "alert"), text(rule, "record"));
        complaints(&place, text(rule, "expr"), &records)
    }));
}

#[test]
fn each_alert_says_how_bad_it_is_and_what_to_do() {
    let (readme, tests) = (read("grafana/README.md"), read("grafana/alerts.test.yaml"));
    let mut complaints = Vec::new();
    let mut seen = BTreeSet::new();
    for rule in rules() {
        let alert = text(&rule, "alert");
        if alert.is_empty() {
            continue;
        }
        let note = &rule["annotations"];
        let runbook = text(note, "runbook_url").strip_prefix(RUNBOOK);
        for (fine, complaint) in [
            (seen.insert(alert.to_owned()), "it stands twice"),
            (
                ["critical", "warning"].contains(&text(&rule["labels"], "severity")),
                "its severity is neither critical nor warning",
            ),
            (!text(note, "summary").is_empty(), "it has no summary"),
            (
                !text(note, "description").is_empty(),
                "it has no description",
            ),
            (
                runbook.is_some_and(in_runbook),
                "its runbook_url is no heading of docs/runbook.md",
            ),
            (
                readme.contains(&format!("| `{alert}` |")),
                "grafana/README.md does not explain it",
            ),
            (
                tests.matches(&format!("alertname: {alert}\n")).count() >= 2,
                "grafana/alerts.test.yaml does not show that it fires and is quiet",
            ),
        ] {
            if !fine {
                complaints.push(format!("{RULES}: {alert}: {complaint}"));
            }
        }
    }
    check(complaints);
}
