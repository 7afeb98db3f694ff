//! A document's steps, run in order by one shell, in a copy of what a stranger
//! finds in the repository's folder: examples, policies, and the built program
//! where cargo puts it.
//!
//! A step that serves runs in the background from when it says what is shown to
//! the end of the document, or to a Ctrl-C. Each document has a port of its own
//! in place of 8080, so that documents run side by side.

use std::{
    fs,
    net::TcpListener,
    os::unix::fs::{PermissionsExt, symlink},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use tempfile::TempDir;
use tokio::time::Instant;

use super::{compare, steps::Step};
use crate::{program::pause, tidy::source::repository};

/// Where the documents have the listener.
const LISTEN: &str = "127.0.0.1:8080";

/// A server that has not said by then what is shown will not.
const READY_MAX: Duration = Duration::from_secs(60);

/// All of a document; then `timeout` ends it with all that it started.
const SECONDS_MAX: &str = "300";

/// What of the repository a reader has beside them.
const BESIDE: [&str; 4] = ["deploy", "examples", "grafana", "topology.toml"];

pub(super) struct Outcome {
    pub(super) output: String,
    /// `None` if the step did not come to an end.
    pub(super) code: Option<i32>,
    /// Lines of a script that failed.
    pub(super) failed: String,
}

struct Scratch {
    folder: TempDir,
    listen: String,
}

/// What came of each step; `None` for those that were not reached.
pub(super) fn run(steps: &[Step], python: Option<&Path>) -> Vec<Option<Outcome>> {
    let scratch = Scratch::new(python);
    let mut shell = scratch.start(steps);
    let begun = Instant::now();
    let mut since = begun.elapsed();
    let mut waiting: Vec<usize> = (0..steps.len()).filter(|n| steps[*n].serves).collect();
    while shell
        .try_wait()
        .expect("a child can be waited for")
        .is_none()
    {
        match waiting.first() {
            Some(&n) if scratch.said(n, "out").is_none() => since = begun.elapsed(),
            Some(&n) => {
                let said = scratch.output(n);
                if is_ready(&steps[n], &said) || begun.elapsed() - since > READY_MAX {
                    fs::write(scratch.file(n, "ready"), said).expect("a file can be written");
                    fs::write(scratch.file(n, "go"), "").expect("a file can be written");
                    waiting.remove(0);
                }
            }
            None => {}
        }
        pause(Duration::from_millis(5));
    }
    (0..steps.len())
        .map(|n| scratch.outcome(n, &steps[n]))
        .collect()
}

fn is_ready(step: &Step, said: &str) -> bool {
    match &step.shown {
        Some(shown) if !shown.before_interrupt().is_empty() => {
            compare::is_shown(shown.before_interrupt(), said, true)
        }
        _ => said.contains("running"),
    }
}

impl Scratch {
    fn new(python: Option<&Path>) -> Scratch {
        let folder = TempDir::with_prefix("idtrail-document-").expect("a temporary folder");
        let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
        let listen = free.expect("a port is free").to_string();
        let scratch = Scratch { folder, listen };
        for name in ["bin", "home", "out", "work/target/debug"] {
            fs::create_dir_all(scratch.path(name)).expect("a folder can be made");
        }
        for name in BESIDE {
            copy(&repository().join(name), &scratch.path("work").join(name));
        }
        let program = scratch.path("work/target/debug/idtrail");
        symlink(env!("CARGO_BIN_EXE_idtrail"), &program).expect("a link can be made");
        symlink(&program, scratch.path("bin/idtrail")).expect("a link can be made");
        // Links would make them forget their own packages.
        let programs = python.map(|python| {
            let duckdb = python.with_file_name("duckdb");
            [("python3", python.to_owned()), ("duckdb", duckdb)]
        });
        for (name, program) in programs.into_iter().flatten() {
            let shim = scratch.path("bin").join(name);
            let text = format!("#!/bin/sh\nexec {} \"$@\"\n", program.display());
            fs::write(&shim, text).expect("a file can be written");
            fs::set_permissions(&shim, PermissionsExt::from_mode(0o755)).expect("it is ours");
        }
        scratch
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn file(&self, n: usize, ending: &str) -> PathBuf {
        self.path("out").join(format!("{n}.{ending}"))
    }

    fn start(&self, steps: &[Step]) -> Child {
        let script = self.path("script");
        fs::write(&script, self.script(steps)).expect("a file can be written");
        let path = std::env::var("PATH").unwrap_or_default();
        Command::new("timeout")
            .args([SECONDS_MAX, "bash"])
            .arg(script)
            .current_dir(self.path("work"))
            .env_clear()
            .env("PATH", format!("{}:{path}", self.path("bin").display()))
            .env("HOME", self.path("home"))
            .env("LANG", "C.UTF-8")
            .env("TZ", "UTC")
            .env("IDTRAIL_HTTP_LISTEN", &self.listen)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("timeout and bash are there")
    }

    /// One shell for all, so that variables, folders and servers last.
    fn script(&self, steps: &[Step]) -> String {
        let mut script = "served=()\n".to_owned();
        for (n, step) in steps.iter().enumerate() {
            let file = |ending| self.file(n, ending).display().to_string();
            let (out, code, go, failed) = (file("out"), file("code"), file("go"), file("failed"));
            let command = step.command.replace(LISTEN, &self.listen);
            let interrupted = step
                .shown
                .as_ref()
                .is_some_and(|shown| shown.is_interrupted());
            let body = match (&step.shown, step.serves) {
                (None, _) => format!(
                    "trap 'echo \"$BASH_COMMAND\" >>{failed}' ERR\n{command}\necho 0 >{code}\ntrap - ERR\n"
                ),
                (Some(_), false) => format!("{command}\necho $? >{code}\n"),
                (Some(_), true) => {
                    let end = match interrupted {
                        true => format!("kill -INT $!; wait $!; echo $? >{code}"),
                        false => format!("served+=($!); echo 0 >{code}"),
                    };
                    format!("{command} &\nuntil [ -e {go} ]; do sleep 0.02; done\n{end}\n")
                }
            };
            script += &format!("exec >{out} 2>&1\n{body}");
        }
        script += "exec >/dev/null 2>&1\nfor pid in \"${served[@]}\"; do kill -TERM \"$pid\"; done\nwait\n";
        script
    }

    fn said(&self, n: usize, ending: &str) -> Option<String> {
        let bytes = fs::read(self.file(n, ending)).ok()?;
        Some(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// As it would be where the documents are at home.
    fn output(&self, n: usize) -> String {
        let said = self.said(n, "out").unwrap_or_default();
        let folder = self.path("work").display().to_string();
        said.replace(&self.listen, LISTEN)
            .replace(&folder, "/home/ada/idtrail")
    }

    fn outcome(&self, n: usize, step: &Step) -> Option<Outcome> {
        self.said(n, "out")?;
        let whole = self.output(n);
        let output = match (self.said(n, "ready"), &step.shown) {
            (Some(ready), Some(shown)) if shown.is_interrupted() => {
                let after = whole.strip_prefix(ready.as_str()).unwrap_or_default();
                format!("{ready}{}\n{after}", super::steps::INTERRUPT)
            }
            (Some(ready), _) => ready,
            (None, _) => whole,
        };
        Some(Outcome {
            output,
            code: self
                .said(n, "code")
                .and_then(|code| code.trim().parse().ok()),
            failed: self.said(n, "failed").unwrap_or_default(),
        })
    }
}

fn copy(from: &Path, to: &Path) {
    if !from.is_dir() {
        fs::copy(from, to).unwrap_or_else(|error| panic!("{}: {error}", from.display()));
        return;
    }
    fs::create_dir(to).expect("a folder can be made");
    for entry in fs::read_dir(from).expect("a folder of the repository can be listed") {
        let name = entry.expect("an entry").file_name();
        copy(&from.join(&name), &to.join(&name));
    }
}
