//! The style checks itself: what STYLE.md asks for and a machine can see.
//!
//! Each rule gathers all its complaints, as `file:line: what, and what to do`,
//! and fails once. What clippy can see (`unwrap`, banned calls) is left to clippy.

mod deploy;
mod documents;
mod grafana;
mod metrics;
mod settings;
pub(crate) mod source;
mod topology;
mod yaml;

use std::{env, fs};

use source::SourceFile;

/// A file holds one responsibility: about 400 lines, tests included, are the
/// aim; this is where it must be split.
const FILE_LINES_MAX: usize = 450;

/// A function fits a screen. The same number stands in clippy.toml.
const FUNCTION_LINES_MAX: usize = 70;

/// Names under which anything could be put.
const SHAPELESS: [&str; 8] = [
    "common", "helper", "helpers", "manager", "misc", "models", "types", "utils",
];

/// Files under the first may not name what begins with one of the second.
const LAYERS: &[(&str, &[&str])] = &[
    // Pure: no runtime, no clock, no network, no layer above.
    (
        "audit/",
        &[
            "tokio",
            "ractor",
            "actors",
            "idtrail",
            "metrics",
            "std::process",
            "std::thread",
        ],
    ),
    (
        "audit/",
        &[
            "std::net::TcpListener",
            "std::net::TcpStream",
            "std::net::UdpSocket",
        ],
    ),
    // Invented from a seed: it knows what an event is, and nothing of where one goes.
    (
        "company/",
        &[
            "tokio",
            "actors",
            "idtrail",
            "std::env",
            "std::fs",
            "std::process",
            "std::thread",
        ],
    ),
    // The outside world comes through ports.
    (
        "actors/",
        &[
            "idtrail",
            "axum",
            "clap",
            "rustix::fs",
            "rustix::io",
            "rustix::process",
            "std::env",
            "std::fs",
            "std::process",
        ],
    ),
    (
        "actors/",
        &[
            "std::net",
            "tokio::fs",
            "tokio::net",
            "tokio::process",
            "tokio::signal",
        ],
    ),
    (
        "actors/",
        &["aws_config", "aws_sdk_s3", "aws_sdk_sqs", "object_store"],
    ),
    // The ports know nothing of who uses them; the kit nothing of what it carries.
    (
        "actors/ports/",
        &[
            "crate::base",
            "crate::ingest",
            "crate::journal",
            "crate::lake",
        ],
    ),
    (
        "actors/base/",
        &[
            "crate::ports",
            "crate::ingest",
            "crate::journal",
            "crate::lake",
        ],
    ),
    // The journal is the seam between what comes in and what becomes a file.
    ("actors/ingest/", &["crate::lake", "crate::pipeline"]),
    (
        "actors/journal/",
        &["crate::ingest", "crate::lake", "crate::pipeline"],
    ),
    ("actors/lake/", &["crate::ingest", "crate::pipeline"]),
];

/// Where stages are joined, and nowhere else.
const JOINS_STAGES: &str = "actors/pipeline.rs";
/// What belongs to it: a look at all of them from outside, and their tests.
const WATCHES_STAGES: &str = "actors/pipeline/";
const STAGES: [&str; 3] = ["ingest", "journal", "lake"];

/// Marks of unfinished work; written apart, so that this file is clean.
const UNFINISHED: [&str; 2] = [concat!("TO", "DO"), concat!("FIX", "ME")];

pub(crate) fn check(complaints: impl IntoIterator<Item = String>) {
    let complaints: Vec<String> = complaints.into_iter().collect();
    assert!(complaints.is_empty(), "\n{}\n", complaints.join("\n"));
}

/// Whether documents are to be written, as by `make docs`, not compared.
pub(crate) fn writes_documents() -> bool {
    env::var_os("IDTRAIL_WRITE_DOCS").is_some()
}

/// The complaint that a document made from the code is older than the code;
/// where documents are to be written, it is.
pub(crate) fn written(name: &str, text: &str) -> Option<String> {
    let path = source::repository().join(name);
    if writes_documents() {
        fs::write(&path, text).expect("a document can be written");
    }
    let found = fs::read_to_string(&path).unwrap_or_default();
    (found != text).then(|| format!("{name}: is older than the code, run make docs"))
}

fn complaints_of(rule: impl Fn(&SourceFile) -> Vec<String>) -> Vec<String> {
    source::all().iter().flat_map(rule).collect()
}

#[test]
fn a_file_is_short() {
    check(complaints_of(|file| {
        let lines = file.text.lines().count();
        let complaint = format!(
            "{}: {lines} lines, at most {FILE_LINES_MAX}: split it by responsibility",
            file.path
        );
        (lines > FILE_LINES_MAX)
            .then_some(complaint)
            .into_iter()
            .collect()
    }));
}

#[test]
fn a_function_fits_a_screen() {
    check(complaints_of(|file| {
        let long = file
            .functions
            .iter()
            .filter(|function| function.lines > FUNCTION_LINES_MAX);
        long.map(|function| {
            format!(
                "{}:{}: `{}` has {} lines, at most {FUNCTION_LINES_MAX}: name its parts",
                file.path, function.line, function.name, function.lines
            )
        })
        .collect()
    }));
}

#[test]
fn a_file_opens_by_saying_what_it_is_for() {
    check(complaints_of(|file| {
        let complaint = format!(
            "{}:1: begin with `//!`: what it is for and promises",
            file.path
        );
        (!file.text.starts_with("//! "))
            .then_some(complaint)
            .into_iter()
            .collect()
    }));
}

#[test]
fn a_file_is_named_for_what_it_holds() {
    check(complaints_of(|file| {
        let parts = file.path.trim_end_matches(".rs").split('/');
        parts
            .filter(|part| SHAPELESS.contains(part))
            .map(|part| {
                format!(
                    "{}: `{part}` holds anything: name the noun in it",
                    file.path
                )
            })
            .collect()
    }));
}

#[test]
fn a_test_is_named_for_behaviour() {
    check(complaints_of(|file| {
        let prefixed = file.functions.iter().filter(|function| {
            function.is_test && (function.name.starts_with("test_") || !function.name.contains('_'))
        });
        prefixed
            .map(|test| {
                format!(
                    "{}:{}: `{}`: say what must hold",
                    file.path, test.line, test.name
                )
            })
            .collect()
    }));
}

#[test]
fn nothing_is_left_unfinished() {
    check(complaints_of(|file| {
        let lines = file.text.lines().enumerate();
        lines
            .filter(|(_, line)| UNFINISHED.iter().any(|mark| line.contains(mark)))
            .map(|(index, line)| format!("{}:{}: finish it: {}", file.path, index + 1, line.trim()))
            .collect()
    }));
}

/// Complaints of the layer rules about one file. Tests may reach further.
fn layer_complaints(file: &SourceFile) -> Vec<String> {
    if file.is_test {
        return Vec::new();
    }
    let mut complaints = Vec::new();
    for (folder, banned) in LAYERS {
        if !file.path.starts_with(folder) {
            continue;
        }
        for path in &file.paths {
            if let Some(above) = banned.iter().find(|banned| is_within(path, banned)) {
                complaints.push(format!(
                    "{}: names `{path}`; {folder} knows no `{above}`",
                    file.path
                ));
            }
        }
    }
    let others = STAGES.into_iter().filter(|stage| {
        let module = format!("crate::{stage}");
        !file.path.starts_with(&format!("actors/{stage}/"))
            && file.paths.iter().any(|path| is_within(path, &module))
    });
    let joins = file.path == JOINS_STAGES || file.path.starts_with(WATCHES_STAGES);
    if file.path.starts_with("actors/") && !joins && others.count() > 1 {
        complaints.push(format!(
            "{}: joins stages; only {JOINS_STAGES} may",
            file.path
        ));
    }
    complaints
}

fn is_within(path: &str, module: &str) -> bool {
    path.strip_prefix(module)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

#[test]
fn a_layer_knows_only_what_lies_below() {
    check(complaints_of(layer_complaints));
}

#[test]
fn a_planted_breach_of_a_layer_is_seen() {
    for (path, text, seen) in [
        ("audit/x.rs", "use tokio::time;", true),
        (
            "audit/x.rs",
            "use std::{fmt, net::{IpAddr, TcpStream}};",
            true,
        ),
        ("audit/x.rs", "fn f() { actors::run() }", true),
        ("audit/x.rs", "use std::net::IpAddr;", false),
        (
            "audit/x.rs",
            "#[cfg(test)] mod tests { use tokio::time; }",
            false,
        ),
        ("audit/x/tests.rs", "use tokio::time;", false),
        ("actors/ingest/x.rs", "use std::{io, fs::File};", true),
        (
            "actors/ingest/x.rs",
            "use crate::{ports::Queue, journal::Candidate};",
            false,
        ),
        ("actors/ingest/x.rs", "use crate::lake::Uploader;", true),
        ("actors/journal/x.rs", "use crate::ingest::Poller;", true),
        (
            "actors/report.rs",
            "use crate::{journal::Replica, lake::Uploader};",
            true,
        ),
        (
            "actors/pipeline.rs",
            "use crate::{journal::Replica, lake::Uploader};",
            false,
        ),
        (
            "src/boot.rs",
            "use actors::{journal, lake}; use std::fs;",
            false,
        ),
    ] {
        let complaints = layer_complaints(&source::parse(path, text.to_owned()));
        assert_eq!(
            !complaints.is_empty(),
            seen,
            "{path}: {text}: {complaints:?}"
        );
    }
}
