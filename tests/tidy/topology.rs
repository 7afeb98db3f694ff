//! docs/topology.md explains every key of the built-in topology, with the value
//! that it has, and no other.

use std::{collections::BTreeMap, fs};

use super::{check, source};

/// Tables whose names are those of supervisors and actors, not keys.
const NAMED: [(&str, &str); 2] = [("supervisors.", "## Supervisors"), ("actors.", "## Actors")];

fn read(name: &str) -> String {
    let path = source::repository().join(name);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Keys by their heading, each with its value where it has the same one
/// everywhere. The file is ours: a key stands on one line.
fn keys(topology: &str) -> BTreeMap<(&'static str, String), String> {
    let mut found = BTreeMap::new();
    let mut table = String::new();
    for line in topology.lines() {
        if let Some(name) = line.strip_prefix('[') {
            table = name.trim_end_matches(']').to_owned();
        } else if let Some((key, value)) = line.split_once(" = ").filter(|_| !line.starts_with('#'))
        {
            let named = NAMED.iter().find(|(prefix, _)| table.starts_with(prefix));
            match named {
                Some((_, heading)) => found.insert((*heading, key.to_owned()), String::new()),
                None => found.insert(("## Limits", format!("{table}.{key}")), value.to_owned()),
            };
        }
    }
    found
}

/// The rows of the tables under each heading: first cell, and the second where
/// there are three.
fn explained(page: &str) -> BTreeMap<(&str, String), String> {
    let mut found = BTreeMap::new();
    let mut heading = "";
    for line in page.lines() {
        if line.starts_with("## ") {
            heading = line;
        }
        let cells: Vec<&str> = line
            .split('|')
            .map(|cell| cell.trim().trim_matches('`'))
            .collect();
        match cells[..] {
            ["", key, value, _, ""] if line.starts_with("| `") => {
                found.insert((heading, key.to_owned()), value.to_owned());
            }
            ["", key, _, ""] if line.starts_with("| `") => {
                found.insert((heading, key.to_owned()), String::new());
            }
            _ => {}
        }
    }
    found
}

#[test]
fn every_key_of_the_topology_is_explained_with_its_value() {
    let (topology, page) = (read("topology.toml"), read("docs/topology.md"));
    let (keys, explained) = (keys(&topology), explained(&page));
    let missing = keys
        .iter()
        .filter(|((heading, key), value)| explained.get(&(*heading, key.clone())) != Some(value))
        .map(|((heading, key), value)| {
            format!("docs/topology.md: {heading}: explain `{key}` as it is: `{value}`")
        });
    let gone = explained
        .keys()
        .filter(|(heading, key)| {
            !keys
                .keys()
                .any(|known| known.0 == *heading && known.1 == *key)
        })
        .map(|(heading, key)| format!("docs/topology.md: {heading}: `{key}` is no key, remove it"));
    check(missing.chain(gone));
}
