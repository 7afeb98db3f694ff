//! `scripts/need`, on machines of every kind: with the command and without, with
//! apt-get, root and sudo and without. Who cannot install is told what to install.

use std::{
    fs,
    os::unix::fs::{PermissionsExt, symlink},
    path::Path,
    process::Command,
};

use tempfile::TempDir;

/// Programs of a machine, by name. `apt-get` brings `widget`.
fn program(name: &str) -> String {
    let does = match name {
        "apt-get" => {
            "[ \"$1\" = update ] || { echo '#!/bin/sh' >$0.tmp; /bin/chmod +x $0.tmp; /bin/mv $0.tmp ${0%apt-get}widget; }"
        }
        "root" => "echo 0",
        "user" => "echo 1000",
        "sudo" => "exec \"$@\"",
        _ => "exit 0",
    };
    format!("#!/bin/sh\n{does}\n")
}

fn check(machine: &[&str], needed: &[&str], expected: Result<&str, &str>) {
    let folder = TempDir::with_prefix("idtrail-need-").expect("a temporary folder can be made");
    for name in machine {
        let file = match *name {
            "root" | "user" => "id",
            other => other,
        };
        let path = folder.path().join(file);
        fs::write(&path, program(name)).expect("a file can be written");
        fs::set_permissions(&path, PermissionsExt::from_mode(0o755)).expect("it is ours");
    }
    symlink("/bin/bash", folder.path().join("bash")).expect("a link can be made");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/need");
    let output = Command::new(script)
        .args(needed)
        .env_clear()
        .env("PATH", folder.path())
        .output()
        .expect("bash is there");
    let told = match output.status.success() {
        true => Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned()),
        false => Err(String::from_utf8_lossy(&output.stderr).trim().to_owned()),
    };
    let told = told.as_deref().map_err(String::as_str);
    assert_eq!(told, expected, "{machine:?} {needed:?}");
}

#[test]
fn what_is_missing_is_installed_or_told() {
    let widget: &[&str] = &["widget", "widgets"];
    let installs = "==> apt: installing widgets, for widget";
    for (machine, needed, expected) in [
        (&["widget"][..], widget, Ok("")),
        (&["apt-get", "root"], widget, Ok(installs)),
        (&["apt-get", "user", "sudo"], widget, Ok(installs)),
        (
            &["apt-get", "user"],
            widget,
            Err("missing: widget; as root: apt-get install widgets, then run make again"),
        ),
        (
            &["user", "sudo"],
            widget,
            Err(
                "missing: widget; install what your system calls Debian's widgets, then run make again",
            ),
        ),
        (
            &["apt-get", "root"],
            &["cargo"],
            Err(
                "missing: cargo; install Rust with rustup (https://rustup.rs), then run make again",
            ),
        ),
        (
            &["apt-get", "root"],
            &["gadget", "gadgets"],
            Err(
                "missing: gadget; apt-get installed gadgets, which did not bring it, then run make again",
            ),
        ),
    ] {
        check(machine, needed, expected);
    }
}
