//! README.md and the documents, done as they say: every command they show is
//! run, and answers what is shown.
//!
//! * A block of `console` is commands after `$ ` with their output; of `sh` or
//!   `bash` a script whose every line must succeed. The blocks of a document
//!   are one session, with the built program on the PATH and a copy of
//!   `examples/` beside it. A comment `<!-- run` … `-->` is a script as well,
//!   for what readers need not see.
//! * In output `…` stands for anything; times, ids and sizes are alike
//!   ([`compare`]). `exit=2` behind the fence is the code of the last command.
//!   `idtrail run` serves to the end of the document, or to a line `^C`.
//! * `file=NAME` writes a block to a file first. A block of `yaml` is settings
//!   that `idtrail check` accepts, unless it is `not=settings`; one of `sql` is
//!   asked of a small lake.
//! * What cannot be run here says who runs it (`by=recipes`, `by=make`) or what
//!   it needs that no test has (`needs=okta`): [`rules`].
//!
//! `make docs` sets IDTRAIL_WRITE_DOCS, and shown output that is no longer true
//! is written anew.

mod compare;
mod logs;
pub(crate) mod markdown;
mod queries;
mod rules;
mod session;
mod sources;
mod steps;
mod verbs;

use std::{env, fs, ops::Range, path::Path, thread};

use markdown::{Document, documents};
use session::Outcome;
use steps::Step;

use crate::{
    program::Deployment,
    readers,
    tidy::{check, source::repository, writes_documents},
};

/// A session that a document shows otherwise than it goes.
struct Fault {
    complaint: String,
    /// Lines of the document, from 0, and what to write there.
    mend: Option<(Range<usize>, String)>,
}

fn fault(document: &Document, step: &Step, outcome: Option<&Outcome>) -> Option<Fault> {
    let line = step.line;
    let place = format!("{}:{line}: `{}`", document.name, step.command.trim_end());
    let told = |what: &str| {
        Some(Fault {
            complaint: format!("{place} {what}"),
            mend: None,
        })
    };
    let Some(outcome) = outcome else {
        return told("was not reached: a command before it hung, or ended the shell");
    };
    let Some(shown) = &step.shown else {
        return match (outcome.failed.is_empty(), outcome.code) {
            (true, Some(_)) => None,
            _ => told(&format!("failed at: {}{}", outcome.failed, outcome.output)),
        };
    };
    if outcome.code != Some(shown.exit) {
        let code = outcome
            .code
            .map_or("none".to_owned(), |code| code.to_string());
        return told(&format!(
            "ends with code {code}, shown is {}: {}",
            shown.exit, outcome.output
        ));
    }
    if compare::is_shown(
        &shown.lines,
        &outcome.output,
        step.serves && !shown.is_interrupted(),
    ) {
        return None;
    }
    Some(Fault {
        complaint: format!(
            "{place} answers otherwise than shown:\n{}",
            difference(&shown.lines, &outcome.output)
        ),
        mend: Some((shown.at.clone(), outcome.output.clone())),
    })
}

/// What is shown and what was found, without what both begin and end with.
fn difference(shown: &[String], found: &str) -> String {
    let found: Vec<&str> = found.lines().collect();
    let head = shown.iter().zip(&found).take_while(|(a, b)| a == b).count();
    let tails = shown[head..].iter().rev().zip(found[head..].iter().rev());
    let tail = tails.take_while(|(a, b)| a == b).count();
    let of = |mark: &str, lines: &[&str]| -> String {
        lines
            .iter()
            .map(|line| format!("  {mark} {line}\n"))
            .collect()
    };
    let shown: Vec<&str> = shown.iter().map(String::as_str).collect();
    of("-", &shown[head..shown.len() - tail]) + &of("+", &found[head..found.len() - tail])
}

/// The document with what its commands answered, from its end so that the
/// lines of what comes before stay what they are.
fn mend(document: &Document, faults: &[Fault]) {
    let mut lines: Vec<String> = document.text.lines().map(str::to_owned).collect();
    for (at, output) in faults.iter().rev().filter_map(|fault| fault.mend.as_ref()) {
        let keeps_gap = lines[at.clone()].last().is_some_and(String::is_empty);
        let mut new: Vec<String> = output.trim_end().lines().map(str::to_owned).collect();
        new.extend(keeps_gap.then(String::new));
        lines.splice(at.clone(), new);
    }
    let path = repository().join(&document.name);
    fs::write(path, lines.join("\n") + "\n").expect("a document can be written");
}

/// Programs that documents use, and not every machine has. CI does.
const PROGRAMS: [&str; 5] = ["curl", "duckdb", "jq", "promtool", "python3"];

/// The first program that a document uses and this machine lacks.
fn lacking(steps: &[Step], python: Option<&Path>) -> Option<&'static str> {
    let is_there = |program: &str| match program {
        "duckdb" | "python3" => python.is_some(),
        other => {
            let path = env::var_os("PATH").unwrap_or_default();
            env::split_paths(&path).any(|folder| folder.join(other).exists())
        }
    };
    PROGRAMS.into_iter().find(|program| {
        let used = |step: &Step| step.command.split_whitespace().any(|word| word == *program);
        steps.iter().any(used) && !is_there(program)
    })
}

/// Follows a document; what is wrong with it.
fn follow(document: &Document, python: Option<&Path>) -> Vec<String> {
    let steps = steps::steps(document);
    if steps.is_empty() {
        return Vec::new();
    }
    let harmful = steps.iter().filter_map(|step| {
        let what = rules::harm(&step.command)?;
        let place = format!("{}:{}", document.name, step.line);
        Some(format!(
            "{place}: `{what}` is the machine's, not run: say needs=trouble"
        ))
    });
    let harmful: Vec<String> = harmful.collect();
    if !harmful.is_empty() {
        return harmful;
    }
    if let Some(program) = lacking(&steps, python) {
        let what = format!("{}: there is no {program}", document.name);
        assert!(
            env::var_os("CI").is_none(),
            "{what}: run the tests by make test"
        );
        println!("skipped: {what}");
        return Vec::new();
    }
    let outcomes = session::run(&steps, python);
    let pairs = steps.iter().zip(&outcomes);
    let faults: Vec<Fault> = pairs
        .filter_map(|(step, outcome)| fault(document, step, outcome.as_ref()))
        .collect();
    let (mut mends, mut rest): (Vec<_>, Vec<_>) =
        faults.into_iter().partition(|fault| fault.mend.is_some());
    if writes_documents() && !mends.is_empty() {
        mend(document, &mends);
    } else {
        rest.append(&mut mends);
    }
    rest.into_iter().map(|fault| fault.complaint).collect()
}

#[test]
fn every_document_goes_as_it_says() {
    let python = readers::python();
    let documents = documents();
    let complaints = thread::scope(|scope| {
        let followed: Vec<_> = documents
            .iter()
            .map(|document| scope.spawn(|| follow(document, python.as_deref())))
            .collect();
        let followed = followed.into_iter();
        followed
            .flat_map(|thread| thread.join().expect("its panic was shown"))
            .collect::<Vec<_>>()
    });
    check(complaints);
}

#[test]
fn settings_in_a_document_are_accepted() {
    let mut complaints = Vec::new();
    for document in documents() {
        let settings = document
            .blocks
            .iter()
            .filter(|block| block.language == "yaml" && block.tag("not") != Some("settings"));
        for block in settings {
            let deployment = Deployment::new();
            let topology = fs::read(repository().join("topology.toml"));
            deployment.write("topology.toml", topology.expect("it is there"));
            let file = deployment.write("idtrail.yaml", block.text());
            let file = file.to_str().expect("test paths are UTF-8");
            let checked = deployment.idtrail(&["--config", file, "check"]);
            if checked.code != Some(0) {
                complaints.push(format!(
                    "{}:{}: {}",
                    document.name, block.line, checked.stderr
                ));
            }
        }
    }
    check(complaints);
}
