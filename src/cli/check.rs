//! `idtrail check`: are settings and topology right, and what would run.
//!
//! Starts nothing and touches nothing. All that is wrong is told at once.

use actors::base::topology;
use clap::Args as ClapArgs;
use serde::Serialize;

use super::{Exit, Failure, Globals};
use crate::{
    boot,
    settings::{self, Place, Settings},
};

/// Check settings and topology; print the actor tree
///
/// Everything that is wrong is told at once, each as `FILE:LINE: KEY: what, how to fix`, and the
/// exit code is 2. Nothing is started.
#[derive(Debug, ClapArgs)]
pub(super) struct Args {}

#[derive(Default, Serialize)]
struct Report {
    ok: bool,
    issues: Vec<Issue>,
    warnings: Vec<Issue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    topology: Option<String>,
}

/// An issue of either file.
#[derive(Serialize)]
struct Issue {
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    variable: Option<String>,
    key: String,
    what: String,
    #[serde(skip)]
    shown: String,
}

pub(super) fn run(_: &Args, globals: &Globals) -> Result<Exit, Failure> {
    let report = Report::of(globals.load());
    let output = globals.output();
    if !output.json {
        warn(&report.warnings);
    }
    match (&report.topology, output.json) {
        (Some(tree), false) => output.print(&report, tree)?,
        (None, false) => {
            return Err(Failure::issues(
                report.issues.iter().map(|issue| &issue.shown),
            ));
        }
        (_, true) => output.print(&report, "")?,
    }
    Ok(if report.ok {
        Exit::Success
    } else {
        Exit::Usage
    })
}

#[expect(
    clippy::print_stderr,
    reason = "told without logging: the answer is the lines themselves"
)]
fn warn(warnings: &[Issue]) {
    for warning in warnings {
        eprintln!("warning: {}", warning.shown);
    }
}

impl Report {
    fn of(settings: Result<Settings, Vec<settings::Issue>>) -> Report {
        let settings = match settings {
            Ok(settings) => settings,
            Err(issues) => {
                return Report {
                    issues: issues.into_iter().map(Issue::from).collect(),
                    ..Report::default()
                };
            }
        };
        let warnings = settings.warnings.iter().cloned().map(Issue::from).collect();
        match boot::topology(&settings) {
            Ok(topology) => Report {
                ok: true,
                warnings,
                topology: Some(topology.tree()),
                ..Report::default()
            },
            Err(issues) => Report {
                issues: issues.into_iter().map(Issue::from).collect(),
                warnings,
                ..Report::default()
            },
        }
    }
}

impl From<settings::Issue> for Issue {
    fn from(issue: settings::Issue) -> Issue {
        let shown = issue.to_string();
        let (file, line, variable) = match issue.place {
            Place::Line { file, line } => (Some(file), Some(line), None),
            Place::Variable(name) => (None, None, Some(name)),
        };
        Issue {
            file,
            line,
            variable,
            key: issue.key,
            what: issue.what,
            shown,
        }
    }
}

impl From<topology::Issue> for Issue {
    fn from(issue: topology::Issue) -> Issue {
        let shown = issue.to_string();
        Issue {
            file: Some(issue.file),
            line: Some(issue.line),
            variable: None,
            key: issue.key,
            what: issue.what,
            shown,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use actors::base::Topology;

    use super::*;
    use crate::settings::Environment;

    fn report(text: &str) -> Report {
        Report::of(Settings::parse("f.yaml", text, &Environment::new()))
    }

    #[test]
    fn the_built_in_topology_is_shown_as_a_tree() {
        let report = report("backend: {postgres: {connection: c}}");
        assert!(report.ok && report.issues.is_empty());
        assert_eq!(report.warnings.len(), 1);
        assert_eq!(report.topology, Some(Topology::builtin().tree()));
    }

    #[test]
    fn an_issue_names_file_line_and_key_in_json_too() {
        let report = report("log:\n  level: loud");
        assert!(!report.ok && report.topology.is_none());
        let json = serde_json::to_value(&report).expect("plain values");
        assert_eq!(json["issues"][0]["file"], "f.yaml");
        assert_eq!(json["issues"][0]["line"], 2);
        assert_eq!(json["issues"][0]["key"], "log.level");
        assert!(
            report.issues[0]
                .shown
                .starts_with("f.yaml:2: log.level: expects one of")
        );
    }

    #[test]
    fn a_topology_of_ones_own_is_checked_with_its_own_name() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let path = directory.path().join("own.toml");
        let text = format!("topology: {}", path.display());
        assert!(
            report(&text).issues[0]
                .what
                .contains("name an existing file")
        );

        fs::write(&path, "nonsense = 1\n").expect("writable");
        let report = report(&text);
        assert!(!report.issues.is_empty());
        let place = format!("{}:", path.display());
        assert!(
            report
                .issues
                .iter()
                .all(|issue| issue.shown.starts_with(&place))
        );
    }
}
