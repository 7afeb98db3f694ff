//! What prose, or a block that cannot be run, calls a command of ours is one: its
//! verb and its flags are in the program's own help. And such a block is a script
//! that bash can read.

use std::{collections::BTreeMap, process::Command};

use super::markdown::{Document, documents};
use crate::{program::Deployment, tidy::check};

/// The words that lead to a verb, and the flags behind them: of
/// `idtrail quarantine ls --json`, `quarantine ls` and `--json`.
fn parts(code: &str) -> Option<(Vec<&str>, Vec<&str>)> {
    let words: Vec<&str> = code.strip_prefix("idtrail ")?.split_whitespace().collect();
    let begins = match words[..] {
        ["--config" | "--data", _, ..] => 2,
        _ => 0,
    };
    let is_verb = |word: &&&str| word.bytes().all(|byte| byte.is_ascii_lowercase());
    let verb: Vec<&str> = words[begins..]
        .iter()
        .take_while(is_verb)
        .copied()
        .collect();
    let flags = words
        .iter()
        .map(|word| word.trim_matches(['[', ']', ',', '.']));
    let flags = flags.filter(|word| word.starts_with("--"));
    let flags = flags.filter_map(|flag| flag.split('=').next()).collect();
    Some((verb, flags))
}

/// Code in prose, and the commands of blocks that are left out.
fn commands(document: &Document) -> Vec<String> {
    let prose: String = document.text.split("```").step_by(2).collect();
    let prose = prose.split('`').skip(1).step_by(2).map(str::to_owned);
    let blocks = document.blocks.iter().filter(|block| block.is_left_out());
    let lines = blocks.flat_map(|block| &block.lines).flat_map(|line| {
        let code = line.split(" #").next().unwrap_or_default();
        let commands = code.split(['|', ';', '&', '(']);
        commands.map(|command| command.trim().trim_end_matches(['"', ')']).to_owned())
    });
    prose.chain(lines).collect()
}

#[test]
fn a_script_that_is_not_run_can_be_read_by_bash() {
    let mut complaints = Vec::new();
    for document in documents() {
        let scripts = document.blocks.iter();
        let scripts = scripts.filter(|block| block.language == "sh" && block.is_left_out());
        for block in scripts {
            let checked = Command::new("bash")
                .args(["-n", "-c", &block.text()])
                .output();
            let output = checked.expect("bash runs");
            if !output.status.success() {
                let error = String::from_utf8_lossy(&output.stderr);
                complaints.push(format!("{}:{}: {error}", document.name, block.line));
            }
        }
    }
    check(complaints);
}

#[test]
fn a_verb_and_a_flag_in_prose_are_in_the_help() {
    let deployment = Deployment::new();
    let mut helps: BTreeMap<Vec<String>, String> = BTreeMap::new();
    let mut complaints = Vec::new();
    for document in documents() {
        for code in commands(&document) {
            let Some((verb, flags)) = parts(&code) else {
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
            Some((vec!["run"], vec!["--config"])),
        ),
        ("idtrail.yaml", None),
    ] {
        assert_eq!(parts(code), expected, "{code}");
    }
}
