//! What a document may hold, so that nothing in it goes unrun: a command stands
//! in a block that is run here, or says who runs it, or what it needs that no
//! test has.

use std::{collections::BTreeSet, fs};

use super::markdown::{Block, documents};
use crate::{
    aws::recipes,
    tidy::{check, source::repository},
};

/// Languages of blocks that are run here.
const RUN: [&str; 4] = ["bash", "console", "run", "sh"];

/// Words that begin a command. In blocks of other languages they would be one
/// that nobody runs.
const COMMANDS: [&str; 14] = [
    "$",
    "aws",
    "cargo",
    "curl",
    "docker",
    "duckdb",
    "helm",
    "idtrail",
    "kubectl",
    "make",
    "promtool",
    "python3",
    "scripts/",
    "teleport-event-handler",
];

/// Programs and places of the machine that runs the tests.
const HARM: [&str; 12] = [
    "/etc/",
    "/home/",
    "/opt/",
    "/root/",
    "/usr/",
    "/var/",
    "apt-get",
    "chown",
    "chronyc",
    "mount",
    "sudo",
    "systemctl",
];

/// What a block may need that no test has: `needs=okta`.
const NEEDS: [(&str, &str); 11] = [
    ("athena", "no stand-in answers its queries"),
    ("aws", "an account in which something is broken"),
    ("certificates", "of an authority of one's own"),
    ("cluster", "Kubernetes"),
    ("docker", "its daemon, and a registry to push to"),
    ("grafana", "a server with a browser in front of it"),
    ("hours", "runs for as long as it is told to"),
    ("okta", "its event source exists in a real account alone"),
    ("release", "an optimised build takes a quarter of an hour"),
    ("service", "a machine that it is installed on"),
    ("teleport", "programs of a Teleport cluster"),
];

/// Who runs a make target: a file, and what stands in it.
const MADE: [(&str, &str, &str); 7] = [
    ("bench", "tests/demo.rs", "\"bench\""),
    ("demo", "tests/scripts.rs", "scripts/demo"),
    ("docs", "tests/tidy/mod.rs", "IDTRAIL_WRITE_DOCS"),
    ("fmt", "scripts/test", "cargo fmt --all"),
    ("fuzz", "fuzz/lib.rs", "every_target_survives_its_corpus"),
    ("run", "tests/scripts.rs", "scripts/run"),
    ("test", ".ci/run", "make test"),
];

const TAGS: [&str; 6] = ["by", "exit", "file", "needs", "not", "rows"];

fn read(name: &str) -> String {
    let path = repository().join(name);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Targets of the Makefile.
fn targets() -> BTreeSet<String> {
    let makefile = read("Makefile");
    let lines = makefile.lines().filter_map(|line| line.split_once(':'));
    let rules = lines.filter(|(_, rest)| !rest.starts_with('='));
    let is_name = |name: &&str| name.bytes().all(|b| b.is_ascii_lowercase() || b == b'-');
    let names = rules.map(|(name, _)| name).filter(is_name);
    names.map(str::to_owned).collect()
}

/// What of the machine a command would touch, outside of the document's folder.
pub(super) fn harm(command: &str) -> Option<&str> {
    let words = command.split(|c: char| c.is_whitespace() || "\"'`;&|()<>=".contains(c));
    let mut harm = words.filter(|word| {
        HARM.iter().any(|harm| match harm.ends_with('/') {
            true => word.starts_with(harm),
            false => word == harm,
        })
    });
    harm.next()
}

/// Targets that a text has its reader make.
fn made(text: &str) -> impl Iterator<Item = &str> {
    let after = text
        .match_indices("make ")
        .filter(|(at, _)| text[..*at].ends_with(['`', '\n', ' ']) || *at == 0);
    after.map(|(at, found)| {
        let rest = &text[at + found.len()..];
        &rest[..rest
            .find(|c: char| !c.is_ascii_lowercase() && c != '-')
            .unwrap_or(rest.len())]
    })
}

/// Complaints about one block, each without its place.
fn complaints(document: &str, block: &Block) -> Vec<String> {
    let mut complaints = Vec::new();
    for (key, value) in block.tags() {
        let what = match key {
            "needs" if !NEEDS.iter().any(|(name, _)| *name == value) => {
                "nothing is known of this need"
            }
            "by" => match by(document, block, value) {
                Some(what) => what,
                None => continue,
            },
            key if !TAGS.contains(&key) => "no such tag",
            _ => continue,
        };
        complaints.push(format!("{key}={value}: {what}"));
    }
    let run = RUN.contains(&block.language.as_str());
    if run
        && block.language == "console"
        && !block
            .lines
            .first()
            .is_some_and(|line| line.starts_with("$ "))
    {
        complaints.push("begin with `$ ` and a command".to_owned());
    }
    if !run && !block.is_left_out() && block.tag("file").is_none() {
        let is_command = |line: &&String| {
            let first = line.split_whitespace().next().unwrap_or_default();
            COMMANDS
                .iter()
                .any(|word| *word == first || (word.ends_with('/') && first.starts_with(word)))
        };
        complaints.extend(block.lines.iter().find(is_command).map(|line| {
            format!("`{line}` is run by nobody: make it a block of console or sh, or tag who runs it (by=) or what it needs (needs=)")
        }));
    }
    complaints
}

/// What is wrong with saying that somebody else runs a block.
fn by(document: &str, block: &Block, name: &str) -> Option<&'static str> {
    match name {
        "recipes" => (!recipes::DOCUMENTS.contains(&document) || block.language != "sh")
            .then_some("tests/aws/recipes.rs runs blocks of sh of its own documents only"),
        "make" => {
            let text = block.text();
            let unknown = made(&text).find(|target| {
                !MADE
                    .iter()
                    .any(|(name, file, text)| name == target && read(file).contains(text))
            });
            unknown.map(|_| "one of these targets is made by neither CI nor a test: see MADE")
        }
        // A test that gives the program the same words.
        file => {
            let Ok(test) = fs::read_to_string(repository().join(format!("tests/{file}.rs"))) else {
                return Some("is neither recipes nor make, nor a file of tests");
            };
            let words = block
                .lines
                .iter()
                .filter_map(|line| line.split_once("idtrail "))
                .flat_map(|(_, rest)| rest.split_whitespace());
            let given = words.filter(|word| {
                word.starts_with("--") || word.bytes().all(|b| b.is_ascii_lowercase())
            });
            let mut given = given.filter(|word| *word != "--config");
            (!given.all(|word| test.contains(&format!("\"{word}\""))))
                .then_some("that test does not give these words to the program")
        }
    }
}

#[test]
fn every_command_of_a_document_is_run_by_somebody() {
    let targets = targets();
    check(documents().iter().flat_map(|document| {
        let blocks = document.blocks.iter().flat_map(|block| {
            let place = format!("{}:{}", document.name, block.line);
            let complaints = complaints(&document.name, block);
            complaints
                .into_iter()
                .map(move |what| format!("{place}: {what}"))
        });
        let inline = document.text.split('`').skip(1).step_by(2);
        let gone = inline
            .filter(|code| code.starts_with("make "))
            .flat_map(made)
            .filter(|target| !targets.contains(*target))
            .map(|target| format!("{}: `make {target}` is not in the Makefile", document.name));
        blocks.chain(gone).collect::<Vec<_>>()
    }));
}

#[test]
fn what_would_touch_the_machine_is_seen() {
    for (command, seen) in [
        ("rm -f /var/lib/idtrail/queue/dead/*", true),
        ("date -u; systemctl stop idtrail", true),
        ("X=$(sudo id)", true),
        ("idtrail run >/dev/null", false),
        ("ls var/lib; echo system", false),
    ] {
        assert_eq!(harm(command).is_some(), seen, "{command}");
    }
}

#[test]
fn a_planted_command_that_nobody_runs_is_seen() {
    for (info, line, seen) in [
        ("text", "idtrail run", true),
        ("", "make test", true),
        ("text", "$ ls", true),
        ("text", "a picture of make test", false),
        ("text by=make", "make test     runs every check", false),
        ("text by=make", "make tea", true),
        ("sh", "idtrail run --drain", false),
        ("sh by=recipes", "aws sts get-caller-identity", true),
        ("sh by=aws/permissions", "idtrail check --live", false),
        ("sh by=aws/permissions", "idtrail check --alive", true),
        (
            "sh needs=teleport",
            "teleport-event-handler configure",
            false,
        ),
        ("sh needs=luck", "true", true),
        ("sh when=later", "true", true),
        ("console", "ls", true),
        ("toml", "url = \"https://idtrail.example.com\"", false),
    ] {
        let found = complaints("docs/push.md", &Block::of(1, info, &[line]));
        assert_eq!(!found.is_empty(), seen, "{info}: {line}: {found:?}");
    }
}
