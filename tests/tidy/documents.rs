//! What the documents say is there, is there: the files they name exist, the
//! picture is drawn from `topology.toml`, the metrics have descriptions.

use std::{collections::BTreeSet, fs};

use actors::base::Topology;

use super::{check, source};
use crate::documents::markdown::{Document, document, documents};

/// Endings that make a word in backticks the name of a file of ours.
const ENDINGS: [&str; 5] = [".rs", ".toml", ".md", ".py", ".ndjson"];

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

/// Files that links lead to, as seen from the document.
fn linked_paths(text: &str) -> impl Iterator<Item = &str> {
    let targets = text.split("](").skip(1);
    let targets = targets.filter_map(|rest| rest.split([')', '#']).next());
    targets.filter(|target| !target.is_empty() && !target.contains("://"))
}

#[test]
fn every_file_a_document_names_exists() {
    let entries = fs::read_dir(source::repository()).expect("the repository can be listed");
    // What is built is not of the repository, and may be anywhere.
    let top: BTreeSet<String> = entries
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| name != "target")
        .collect();
    let mut complaints = Vec::new();
    for Document { name, text, .. } in documents() {
        // Blocks of code show commands and output, not the map.
        let prose: String = text.split("```").step_by(2).collect();
        let folder = source::repository().join(&name);
        let folder = folder.parent().expect("a file is in a folder");
        for path in named_paths(&prose, &top) {
            if !source::repository().join(&path).exists() {
                complaints.push(format!("{name}: `{path}` does not exist"));
            }
        }
        for path in linked_paths(&prose) {
            if !folder.join(path).exists() {
                complaints.push(format!("{name}: the link to {path} leads nowhere"));
            }
        }
    }
    check(complaints);
}

#[test]
fn the_index_leads_to_every_page() {
    let index = document("docs/README.md").text;
    let listed: BTreeSet<&str> = linked_paths(&index).collect();
    let documents = documents();
    let pages = documents
        .iter()
        .filter_map(|page| page.name.strip_prefix("docs/"));
    let missing = pages.filter(|page| *page != "README.md" && !listed.contains(page));
    check(missing.map(|page| format!("docs/README.md: say what docs/{page} is for, with a link")));
}

#[test]
fn every_test_a_document_names_exists() {
    let files = source::all();
    let functions: BTreeSet<&str> = files
        .iter()
        .flat_map(|file| file.functions.iter().map(|function| function.name.as_str()))
        .collect();
    let known: BTreeSet<&str> = files.iter().flat_map(|file| words(&file.text)).collect();
    check(documents().iter().flat_map(|document| {
        let named = document.text.split('`').skip(1).step_by(2);
        let tests = named.filter(|word| {
            let is_name = word
                .bytes()
                .all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'_'));
            is_name && word.matches('_').count() >= 3
        });
        // Metrics and settings have long names too.
        let gone = tests.filter(|name| !functions.contains(name) && !known.contains(name));
        let complaints = gone.map(|name| format!("{}: `{name}` does not exist", document.name));
        complaints.collect::<Vec<_>>()
    }));
}

#[test]
fn the_architecture_shows_the_topology_as_it_is() {
    let picture = Topology::builtin().picture();
    let architecture = document("ARCHITECTURE.md").text;
    assert!(
        architecture.contains(picture.trim_end()),
        "ARCHITECTURE.md: the picture is now\n\n{picture}"
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
