//! The scripts behind `make demo` and `make run`: they build the program and
//! start it with what they were given. Here it is built already, and `cargo` is a
//! stand-in that says what it was asked for.

use std::{
    fs::{self, File},
    os::unix::fs::{PermissionsExt, symlink},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use super::program::pause;

/// So often is a log looked at, every twentieth of a second.
const LOOKS_MAX: usize = 2_400;

struct Started {
    child: Child,
    said: PathBuf,
    /// Goes with it.
    _folder: TempDir,
}

fn start(script: &str, arguments: &[&str]) -> Started {
    let folder = TempDir::with_prefix("idtrail-script-").expect("a temporary folder can be made");
    let path = |name: &str| folder.path().join(name);
    fs::create_dir_all(path("target/debug")).expect("a folder can be made");
    let program = path("target/debug/idtrail");
    symlink(env!("CARGO_BIN_EXE_idtrail"), program).expect("a link can be made");
    fs::write(path("cargo"), "#!/bin/sh\necho cargo \"$@\"\n").expect("a file can be written");
    fs::set_permissions(path("cargo"), PermissionsExt::from_mode(0o755)).expect("it is ours");
    let said = path("said");
    let output = File::create(&said).expect("a file can be made");
    let child = Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join(script))
        .args(arguments)
        .env_clear()
        .env("PATH", format!("{}:/usr/bin:/bin", folder.path().display()))
        .env("CARGO_TARGET_DIR", path("target"))
        .env("IDTRAIL_DATA", path("data"))
        .env("IDTRAIL_HTTP_LISTEN", "127.0.0.1:0")
        .stdin(Stdio::null())
        .stdout(output.try_clone().expect("a file can be shared"))
        .stderr(output)
        .spawn()
        .expect("the script starts");
    Started {
        child,
        said,
        _folder: folder,
    }
}

impl Started {
    /// All that was said, once the process has ended.
    fn end(mut self) -> String {
        let status = self.child.wait().expect("a child can be waited for");
        let said = fs::read_to_string(&self.said).expect("output is UTF-8");
        assert!(status.success(), "{status}: {said}");
        said
    }
}

#[test]
fn make_run_serves_until_it_is_stopped() {
    let run = start("scripts/run", &[]);
    let mut looks = 0..LOOKS_MAX;
    while !fs::read_to_string(&run.said).is_ok_and(|said| said.contains("INFO running")) {
        assert!(looks.next().is_some(), "it does not start: {}", run.end());
        pause(std::time::Duration::from_millis(50));
    }
    kill_process(Pid::from_child(&run.child), Signal::TERM).expect("it runs");
    let said = run.end();
    assert!(
        said.contains("cargo build --locked --bin idtrail"),
        "{said}"
    );
}

#[test]
fn make_demo_hands_its_arguments_on() {
    let folder = TempDir::with_prefix("idtrail-demo-").expect("a temporary folder can be made");
    let data = folder.path().to_str().expect("test paths are UTF-8");
    let arguments = ["--no-serve", "--events", "1000", "--json", "--data", data];
    let said = start("scripts/demo", &arguments).end();
    assert!(said.contains("\"sent\":1000"), "{said}");
}
