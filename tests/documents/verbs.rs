//! What prose calls a command of ours is one: its verb and its flags are in the
//! program's own help.

use std::collections::BTreeMap;

use super::markdown::documents;
use crate::{program::Deployment, tidy::check};

/// The words that lead to a verb, and the flags behind them: of
/// `idtrail quarantine ls --json`, `quarantine ls` and `--json`.
fn parts(code: &str) -> Option<(Vec<&str>, Vec<&str>)> {
    let words: Vec<&str> = code.strip_prefix("idtrail ")?.split_whitespace().collect();
    let is_verb = |word: &&&str| word.bytes().all(|byte| byte.is_ascii_lowercase());
    let verb: Vec<&str> = words.iter().take_while(is_verb).copied().collect();
    let flags = words
        .iter()
        .map(|word| word.trim_matches(['[', ']', ',', '.']));
    let flags = flags.filter(|word| word.starts_with("--"));
    let flags = flags.filter_map(|flag| flag.split('=').next()).collect();
    Some((verb, flags))
}

#[test]
fn a_verb_and_a_flag_in_prose_are_in_the_help() {
    let deployment = Deployment::new();
    let mut helps: BTreeMap<Vec<String>, String> = BTreeMap::new();
    let mut complaints = Vec::new();
    for document in documents() {
        let prose: String = document.text.split("```").step_by(2).collect();
        for code in prose.split('`').skip(1).step_by(2) {
            let Some((verb, flags)) = parts(code) else {
                continue;
            };
            let asked: Vec<String> = verb.iter().map(|word| (*word).to_owned()).collect();
            let help = helps.entry(asked).or_insert_with(|| {
                let ended = deployment.idtrail(&[&verb[..], &["--help"]].concat());
                match ended.code {
                    Some(0) => ended.stdout,
                    _ => String::new(),
                }
            });
            if help.is_empty() {
                complaints.push(format!("{}: `{code}`: no such verb", document.name));
            }
            let unknown = flags
                .iter()
                .filter(|flag| !help.is_empty() && !help.contains(**flag));
            complaints.extend(
                unknown
                    .map(|flag| format!("{}: `{code}`: {flag} is not in its help", document.name)),
            );
        }
    }
    check(complaints);
}

#[test]
fn a_command_is_its_verb_and_its_flags() {
    for (code, expected) in [
        (
            "idtrail run --drain [--deadline 10m]",
            Some((vec!["run"], vec!["--drain", "--deadline"])),
        ),
        (
            "idtrail quarantine ls",
            Some((vec!["quarantine", "ls"], vec![])),
        ),
        (
            "idtrail --config idtrail.yaml run",
            Some((vec![], vec!["--config"])),
        ),
        ("idtrail.yaml", None),
    ] {
        assert_eq!(parts(code), expected, "{code}");
    }
}
