//! What the documents say is there, is there: the files they name exist, the
//! picture is drawn from `topology.toml`, the metrics have descriptions.

use std::{collections::BTreeSet, fs};

use actors::base::Topology;

use super::{check, source};

const DOCUMENTS: [&str; 14] = [
    "README.md",
    "ARCHITECTURE.md",
    "STYLE.md",
    "CHANGELOG.md",
    "docs/aws.md",
    "docs/collecting.md",
    "docs/guarantees.md",
    "docs/lake.md",
    "docs/metrics.md",
    "docs/protocol.md",
    "docs/push.md",
    "docs/runbook.md",
    "docs/sources.md",
    "grafana/README.md",
];

/// Endings that make a word in backticks the name of a file of ours.
const ENDINGS: [&str; 5] = [".rs", ".toml", ".md", ".py", ".ndjson"];

fn document(name: &str) -> String {
    let path = source::repository().join(name);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Words in backticks that name a file or folder of the repository.
fn named_paths(text: &str, top: &BTreeSet<String>) -> Vec<String> {
    let words = text.split('`').skip(1).step_by(2);
    let is_path = |word: &&str| {
        word.chars()
            .all(|c| c.is_ascii_alphanumeric() || "/._-".contains(c))
            && (ENDINGS
                .iter()
                .any(|ending| word.ends_with(ending) && word.contains('/'))
                || word
                    .split_once('/')
                    .is_some_and(|(first, _)| top.contains(first)))
    };
    words.filter(is_path).map(str::to_owned).collect()
}

#[test]
fn every_file_a_document_names_exists() {
    let entries = fs::read_dir(source::repository()).expect("the repository can be listed");
    let top: BTreeSet<String> = entries
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .collect();
    let mut complaints = Vec::new();
    for name in DOCUMENTS {
        // Blocks of code show commands and output, not the map.
        let text = document(name);
        let prose: String = text.split("```").step_by(2).collect();
        for path in named_paths(&prose, &top) {
            if !source::repository().join(&path).exists() {
                complaints.push(format!("{name}: `{path}` does not exist"));
            }
        }
    }
    check(complaints);
}

#[test]
fn the_readme_shows_the_topology_as_it_is() {
    let picture = Topology::builtin().picture();
    let readme = document("README.md");
    assert!(
        readme.contains(picture.trim_end()),
        "README.md: the picture is now\n\n{picture}"
    );
}

#[test]
fn every_metric_is_listed_and_emitted() {
    let files = source::all();
    check(files.iter().flat_map(|file| {
        let (path, text) = (&file.path, &file.text);
        let others = files.iter().filter(|other| other.path != *path);
        let Some((_, rest)) = text.split_once("pub const ALL: &[Metric]") else {
            return Vec::new();
        };
        let (list, after) = rest.split_once("];").expect("the list ends");
        let listed: BTreeSet<&str> = words(list).collect();
        let here: BTreeSet<&str> = words(after).collect();
        let elsewhere: BTreeSet<&str> = others.flat_map(|file| words(&file.text)).collect();
        let mut complaints = Vec::new();
        for (name, is_public) in text.lines().filter_map(constant) {
            if !listed.contains(name) {
                complaints.push(format!(
                    "{path}: {name} is missing in ALL, so nobody describes it"
                ));
            }
            let emitted = if is_public { &elsewhere } else { &here };
            if !emitted.contains(name) {
                complaints.push(format!("{path}: {name} is never emitted, remove it"));
            }
        }
        complaints
    }));
}

/// The name of a metric's constant, and whether other files may use it.
fn constant(line: &str) -> Option<(&str, bool)> {
    let public = line.strip_prefix("pub ");
    let rest = public.unwrap_or(line).strip_prefix("const ")?;
    let (name, _) = rest.split_once(": Metric =")?;
    Some((name, public.is_some()))
}

/// Identifiers and other runs of word characters.
fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
}

#[test]
fn a_path_in_backticks_is_told_from_other_words() {
    let top = BTreeSet::from(["audit".to_owned()]);
    let text =
        "`audit/key.rs` and `audit/journal/`, `gone/x.rs`; `data/<tenant>` `a/b` `std::fs` key.rs";
    assert_eq!(
        named_paths(text, &top),
        ["audit/key.rs", "audit/journal/", "gone/x.rs"]
    );
}
