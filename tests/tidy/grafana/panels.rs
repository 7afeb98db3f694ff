//! The dashboard: grafana/idtrail.json.

use std::{collections::BTreeSet, env, fmt::Write as _, fs};

use serde_json::Value;

use super::{super::check, complaints, in_runbook, metric, promql, read};
use crate::tidy::source;

const DASHBOARD: &str = "grafana/idtrail.json";
const README: &str = "grafana/README.md";

/// The list of panels stands between these in the README.
const LIST: [&str; 2] = [
    "<!-- panels: made by make docs -->\n",
    "<!-- end of panels -->\n",
];

/// Grafana's grid.
const COLUMNS: u64 = 24;

fn panels() -> Vec<Value> {
    let dashboard: Value = serde_json::from_str(&read(DASHBOARD)).expect("JSON");
    dashboard["panels"].as_array().expect("panels").clone()
}

fn text<'p>(panel: &'p Value, key: &str) -> &'p str {
    panel[key].as_str().unwrap_or_default()
}

fn is_row(panel: &Value) -> bool {
    panel["type"] == "row"
}

fn queries(panel: &Value) -> Vec<&str> {
    let targets = panel["targets"].as_array().map_or(&[][..], Vec::as_slice);
    targets.iter().map(|target| text(target, "expr")).collect()
}

/// Of the runbook, without the address.
fn runbook(panel: &Value) -> Option<&str> {
    text(&panel["links"][0], "url").strip_prefix("${runbook}#")
}

#[test]
fn each_panel_asks_for_what_there_is() {
    let panels = panels();
    let of_panels = panels.iter().flat_map(|panel| {
        let place = text(panel, "title");
        queries(panel)
            .into_iter()
            .flat_map(move |query| complaints(place, query, &BTreeSet::new()))
    });
    let of_legends = panels.iter().flat_map(|panel| {
        let targets = panel["targets"].as_array().into_iter().flatten();
        targets.filter_map(move |target| {
            let (legend, query) = (text(target, "legendFormat"), text(target, "expr"));
            let grouped = promql::grouped_by(query);
            let unknown = legend.split("{{").skip(1).find(|rest| {
                let label = rest.split("}}").next().unwrap_or_default();
                label != "instance" && !grouped.iter().any(|by| by == label)
            });
            unknown.map(|label| format!("{}: {query} keeps no {label}", text(panel, "title")))
        })
    });
    check(of_panels.chain(of_legends));
}

#[test]
fn each_metric_is_shown() {
    let panels = panels();
    let shown: BTreeSet<&str> = panels
        .iter()
        .flat_map(queries)
        .flat_map(promql::selectors)
        .filter_map(|selector| Some(metric(&selector.name)?.name))
        .collect();
    let hidden = idtrail::metrics::all().filter(|metric| !shown.contains(metric.name));
    check(hidden.map(|metric| format!("{DASHBOARD}: no panel shows {}", metric.name)));
}

#[test]
fn each_panel_says_what_is_good_and_where_to_go() {
    let mut complaints = Vec::new();
    for panel in panels().iter().filter(|panel| !is_row(panel)) {
        let (title, description) = (text(panel, "title"), text(panel, "description"));
        if !description.contains("Good: ") {
            complaints.push(format!("{title}: its description says not what is good"));
        }
        if text(&panel["fieldConfig"]["defaults"], "unit").is_empty() {
            complaints.push(format!("{title}: it has no unit"));
        }
        if queries(panel).is_empty() || queries(panel).contains(&"") {
            complaints.push(format!("{title}: it asks nothing"));
        }
        if !panel["links"].is_null() && !runbook(panel).is_some_and(in_runbook) {
            complaints.push(format!(
                "{title}: its link is no heading of docs/runbook.md"
            ));
        }
    }
    check(complaints);
}

#[test]
fn each_panel_has_its_own_id_and_place() {
    let panels = panels();
    let ids: BTreeSet<_> = panels.iter().map(|panel| panel["id"].as_u64()).collect();
    assert!(!ids.contains(&None) && ids.len() == panels.len(), "{ids:?}");
    let titles: BTreeSet<_> = panels.iter().map(|panel| text(panel, "title")).collect();
    assert_eq!(titles.len(), panels.len(), "two panels share a title");
    let mut taken = BTreeSet::new();
    let mut complaints = Vec::new();
    for panel in &panels {
        let side = |key: &str| panel["gridPos"][key].as_u64().expect("a place");
        let (x, y, w, h) = (side("x"), side("y"), side("w"), side("h"));
        let cells = (x..x + w).flat_map(|column| (y..y + h).map(move |line| (column, line)));
        if x + w > COLUMNS || cells.filter(|cell| !taken.insert(*cell)).count() > 0 {
            complaints.push(format!("{}: it lies over others", text(panel, "title")));
        }
    }
    check(complaints);
}

fn list() -> String {
    let mut list = String::new();
    for panel in panels() {
        let title = text(&panel, "title");
        if is_row(&panel) {
            let head = "| panel | what it shows, and what is good | runbook |\n|---|---|---|";
            write!(list, "\n### {title}\n\n{head}\n").expect("a string grows");
            continue;
        }
        let place = runbook(&panel).map_or_else(String::new, |anchor| {
            let name = anchor.replace('-', " ");
            format!("[{name}](../docs/runbook.md#{anchor})")
        });
        let description = text(&panel, "description");
        writeln!(list, "| {title} | {description} | {place} |").expect("a string grows");
    }
    list
}

#[test]
fn the_list_of_panels_is_as_new_as_the_dashboard() {
    let readme = read(README);
    let [begin, end] = LIST;
    let (before, rest) = readme.split_once(begin).expect("the list begins");
    let (_, after) = rest.split_once(end).expect("the list ends");
    let new = format!("{before}{begin}{}\n{end}{after}", list());
    if env::var_os("IDTRAIL_WRITE_DOCS").is_some() {
        fs::write(source::repository().join(README), &new).expect("it can be written");
    }
    assert!(read(README) == new, "{README} is old: run make docs");
}
