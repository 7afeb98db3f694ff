//! `idtrail check`: are settings and topology right, and what would run.
//!
//! Starts nothing and touches nothing, unless it is asked to try everything out.
//! All that is wrong is told at once.

use actors::base::topology;
use clap::Args as ClapArgs;
use serde::Serialize;

use super::{Exit, Failure, Globals};
use crate::{
    boot,
    finding::{Finding, Outcome},
    settings::{self, FILE_DEFAULT, Place, Settings},
};

/// Check settings and topology; print the actor tree
///
/// Everything that is wrong is told at once, each as `FILE:LINE: KEY: what, how to fix`, and the
/// exit code is 2. Nothing is started.
///
/// With --live it then tries every permission and address that `run` will need: queue, buckets,
/// key, table and queries, or the directories, which it makes. It leaves nothing else behind. Exit
/// code 3 if something is missing; each line names the action, what it is about, and what to do.
#[derive(Debug, ClapArgs)]
pub(super) struct Args {
    /// Try every permission and address that will be needed
    #[arg(long)]
    live: bool,
}

#[derive(Default, Serialize)]
struct Report {
    ok: bool,
    /// The file of settings; none, and there are defaults and the environment.
    settings_file: Option<String>,
    issues: Vec<Issue>,
    warnings: Vec<Issue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    topology: Option<String>,
    /// What trying things out has shown.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    live: Vec<Finding>,
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

pub(super) fn run(args: &Args, globals: &Globals) -> Result<Exit, Failure> {
    let settings = globals.load();
    let mut report = Report::of(settings.as_ref());
    report.settings_file = globals
        .settings_file()
        .map(|file| file.display().to_string());
    let output = globals.output();
    if !output.json {
        warn(&report);
    }
    let mut text = report.topology.clone().unwrap_or_default();
    let mut exit = match report.ok {
        true => Exit::Success,
        false => Exit::Usage,
    };
    if let (true, true, Ok(settings)) = (args.live, report.ok, &settings) {
        report.live = boot::runtime()?.block_on(boot::try_out(settings, globals.quiet()));
        text = told(&report.live);
        if missing(&report.live) > 0 {
            report.ok = false;
            exit = Exit::Outside;
        }
    }
    if exit == Exit::Usage && !output.json {
        let shown = report.issues.iter().map(|issue| &issue.shown);
        return Err(Failure::issues(shown));
    }
    output.print(&report, &text)?;
    Ok(exit)
}

fn missing(findings: &[Finding]) -> usize {
    let failed = |finding: &&Finding| finding.outcome == Outcome::Failed;
    findings.iter().filter(failed).count()
}

/// A line for each thing tried, and whether all is there.
fn told(findings: &[Finding]) -> String {
    let mut lines: Vec<String> = findings.iter().map(Finding::to_string).collect();
    lines.push(match missing(findings) {
        0 => "all that was tried is there".to_owned(),
        some => format!("{some} OF {} ARE MISSING", findings.len()),
    });
    lines.join("\n")
}

#[expect(
    clippy::print_stderr,
    reason = "told without logging: the answer is the lines themselves"
)]
fn warn(report: &Report) {
    match &report.settings_file {
        Some(file) => eprintln!("settings: {file}"),
        None => eprintln!("settings: no {FILE_DEFAULT} here, and no --config"),
    }
    for warning in &report.warnings {
        eprintln!("warning: {}", warning.shown);
    }
}

impl Report {
    fn of(settings: Result<&Settings, &Vec<settings::Issue>>) -> Report {
        let settings = match settings {
            Ok(settings) => settings,
            Err(issues) => {
                return Report {
                    issues: issues.iter().cloned().map(Issue::from).collect(),
                    ..Report::default()
                };
            }
        };
        let warnings = settings.warnings.iter().cloned().map(Issue::from).collect();
        match boot::topology(settings) {
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
        Report::of(Settings::parse("f.yaml", text, &Environment::new()).as_ref())
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
