//! Where the runbook has its reader look for warnings in a log, its pattern finds
//! them in both formats of the log, and finds nothing else.

use std::{
    io::Write as _,
    process::{Command, Stdio},
};

use super::markdown::document;
use crate::program::Deployment;

/// Commands that read a service's log.
const READERS: [&str; 2] = ["journalctl ", "kubectl logs "];

/// What the program says at a start, and of a setting that has no effect yet.
fn said(format: &str) -> String {
    let deployment = Deployment::new();
    deployment.write("later.yaml", "backend: {postgres: {connection: x}}\n");
    let words = ["--config", "later.yaml", "--log-format", format];
    let ended = deployment.idtrail(&[&words[..], &["run", "--drain"]].concat());
    assert_eq!(ended.code, Some(0), "{ended:?}");
    ended.stderr
}

fn found(pattern: &str, log: &str) -> Vec<String> {
    let mut grep = Command::new("grep")
        .args(["-E", pattern])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("grep starts");
    let mut stdin = grep.stdin.take().expect("it is piped");
    stdin.write_all(log.as_bytes()).expect("grep reads");
    drop(stdin);
    let output = grep.wait_with_output().expect("grep ends");
    let text = String::from_utf8(output.stdout).expect("a log is UTF-8");
    text.lines().map(str::to_owned).collect()
}

#[test]
fn the_runbook_finds_warnings_in_both_formats_of_the_log() {
    let runbook = document("docs/runbook.md");
    let lines = runbook.blocks.iter().flat_map(|block| &block.lines);
    let readers = lines.filter(|line| READERS.iter().any(|reader| line.starts_with(reader)));
    let patterns: Vec<&str> = readers
        .filter_map(|line| line.split_once("grep -E '")?.1.strip_suffix('\''))
        .collect();
    assert_eq!(patterns.len(), READERS.len(), "{patterns:?}");
    for format in ["text", "json"] {
        let log = said(format);
        let others = log.lines().filter(|line| !line.contains("has no effect"));
        assert!(others.count() > 0, "only warnings: {log}");
        // As journald and kubectl put their own in front.
        let log: String = log
            .lines()
            .map(|line| format!("[pod/idtrail-x/idtrail] {line}\n"))
            .collect();
        for pattern in &patterns {
            let found = found(pattern, &log);
            assert_eq!(found.len(), 1, "{format}: {pattern}: {found:?}: {log}");
            assert!(found[0].contains("has no effect"), "{found:?}");
        }
    }
}
