//! What belongs to the program besides itself: completions, the manual, and the
//! version it tells.

use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

use super::program::Deployment;

/// Runs a tool that a machine may lack; `None`, with a word about it, where it does.
fn tool(name: &str, prepare: impl FnOnce(&mut Command) -> &mut Command) -> Option<Output> {
    let output = prepare(&mut Command::new(name)).output();
    match output {
        Ok(output) => Some(output),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            println!("skipped: {name} is not installed");
            None
        }
        Err(error) => panic!("{name}: {error}"),
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The verbs that `--help` lists.
fn verbs(deployment: &Deployment) -> Vec<String> {
    let help = deployment.idtrail(&["-h"]).stdout;
    let (_, list) = help.split_once("Commands:\n").expect("help lists them");
    let verbs = list.lines().take_while(|line| line.starts_with("  "));
    let verbs = verbs.filter_map(|line| line.split_whitespace().next());
    let verbs: Vec<String> = verbs.map(str::to_owned).collect();
    assert!(verbs.len() > 8, "{verbs:?}");
    verbs
}

#[test]
fn bash_completes_the_verbs() {
    let deployment = Deployment::new();
    let script = deployment.idtrail(&["completions", "bash"]);
    assert_eq!(script.code, Some(0), "{script:?}");
    let path = deployment.write("idtrail.bash", &script.stdout);
    let checked = tool("bash", |bash| bash.arg("-n").arg(&path));
    let Some(checked) = checked else { return };
    assert!(checked.status.success(), "{}", text(&checked.stderr));
    // The words so far, of which the last is being typed.
    let ask = "source \"$0\"; COMP_WORDS=(\"$@\"); COMP_CWORD=$(($# - 1)); \
               _idtrail idtrail \"${COMP_WORDS[COMP_CWORD]}\" \"${COMP_WORDS[COMP_CWORD - 1]}\"; \
               printf '%s\\n' \"${COMPREPLY[@]}\"";
    let offered = |words: &[&str]| {
        let asked = tool("bash", |bash| bash.args(["-c", ask]).arg(&path).args(words));
        text(&asked.expect("it was there").stdout)
    };
    let sources = offered(&["idtrail", "publish", "--source", ""]);
    assert_eq!(sources, "aws\ngithub\nokta\nteleport\n");
    let offered = offered(&["idtrail", ""]);
    for verb in verbs(&deployment) {
        assert!(
            offered.lines().any(|line| line == verb),
            "{verb}: {offered}"
        );
    }
}

#[test]
fn every_shell_gets_its_script() {
    let deployment = Deployment::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = deployment.idtrail(&["completions", shell]);
        assert_eq!(script.code, Some(0), "{script:?}");
        assert!(script.stdout.contains("quarantine"), "{shell}");
    }
    let unknown = deployment.idtrail(&["completions", "tcsh"]);
    assert_eq!(unknown.code, Some(2), "{unknown:?}");
}

/// The page as a person reads it; groff must have nothing to say about it.
fn rendered(page: &Path) -> Option<String> {
    let options = ["-man", "-ww", "-Tutf8", "-rLL=100n", "-P-cbou"];
    let output = tool("groff", |groff| groff.args(options).arg(page))?;
    assert!(
        output.status.success() && output.stderr.is_empty(),
        "{}",
        text(&output.stderr)
    );
    Some(text(&output.stdout))
}

#[test]
fn the_manual_reads_without_a_warning_and_has_every_verb() {
    let deployment = Deployment::new();
    let printed = deployment.idtrail(&["man"]);
    assert_eq!(printed.code, Some(0), "{printed:?}");
    let folder = deployment.path("man1");
    let written = deployment.idtrail(&["man", "--dir", folder.to_str().expect("UTF-8")]);
    assert_eq!(
        (written.code, written.stdout.as_str()),
        (Some(0), ""),
        "{written:?}"
    );
    let whole = fs::read_to_string(folder.join("idtrail.1")).expect("written");
    assert_eq!(whole, printed.stdout);
    let Some(whole) = rendered(&folder.join("idtrail.1")) else {
        return;
    };
    for part in [
        "EXIT STATUS",
        "ENVIRONMENT",
        "FILES",
        "IDTRAIL_HTTP_LISTEN",
        "idtrail.yaml",
    ] {
        assert!(whole.contains(part), "{part}: {whole}");
    }
    for verb in verbs(&deployment) {
        assert!(whole.contains(&verb), "{verb}: {whole}");
        if verb != "help" {
            let page = folder.join(format!("idtrail-{verb}.1"));
            assert!(
                rendered(&page).is_some_and(|page| page.contains("SYNOPSIS")),
                "{verb}"
            );
        }
    }
}

#[test]
fn a_folder_that_cannot_be_written_is_named() {
    let deployment = Deployment::new();
    let file = deployment.write("file", "");
    let within = file.join("man1");
    let ended = deployment.idtrail(&["man", "--dir", within.to_str().expect("UTF-8")]);
    assert_eq!(ended.code, Some(3), "{ended:?}");
    assert!(ended.stderr.contains("cannot be written"), "{ended:?}");
}

/// `build.rs` by itself, as Cargo runs it in `folder`: the version it tells, and
/// how many paths of git it watches.
fn built(script: &Path, folder: &Path, path: Option<&str>) -> (String, usize) {
    let mut command = Command::new(script);
    command
        .current_dir(folder)
        .env("CARGO_MANIFEST_DIR", folder)
        .env("CARGO_PKG_VERSION", "1.2.3");
    if let Some(path) = path {
        command.env("PATH", path);
    }
    let output = command.output().expect("it starts");
    assert!(output.status.success(), "{}", text(&output.stderr));
    let told = text(&output.stdout);
    let version = told
        .lines()
        .find_map(|line| line.strip_prefix("cargo::rustc-env=IDTRAIL_VERSION="))
        .expect("a version");
    let watched = told
        .lines()
        .filter_map(|line| line.strip_prefix("cargo::rerun-if-changed="))
        .filter(|path| path.contains(".git"));
    // Cargo would run it again each time for a path that does not exist.
    let watched = watched.inspect(|path| assert!(Path::new(path).exists(), "{path}"));
    (version.to_owned(), watched.count())
}

fn git(folder: &Path, arguments: &[&str]) -> Option<String> {
    let output = tool("git", |git| {
        git.current_dir(folder)
            .args(["-c", "user.name=Ada", "-c", "user.email=ada@example.com"])
            .args(arguments)
            .env("GIT_COMMITTER_DATE", "2025-06-10T12:00:00Z")
    })?;
    assert!(
        output.status.success(),
        "git {arguments:?}: {}",
        text(&output.stderr)
    );
    Some(text(&output.stdout).trim().to_owned())
}

#[test]
fn the_version_has_the_commit_it_was_built_from() {
    let deployment = Deployment::new();
    let script = deployment.path("build");
    let compiled = tool("rustc", |rustc| {
        rustc
            .args(["--edition", "2024", "--allow", "unknown_lints", "-o"])
            .arg(&script)
            .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("build.rs"))
    });
    let Some(compiled) = compiled else { return };
    assert!(compiled.status.success(), "{}", text(&compiled.stderr));
    let folder = deployment.path("checkout");
    fs::create_dir_all(folder.join("src")).expect("a folder can be made");
    fs::write(folder.join("src/main.rs"), "fn main() {}").expect("writable");
    assert_eq!(
        built(&script, &folder, None),
        ("1.2.3".to_owned(), 0),
        "a tarball"
    );
    if git(&folder, &["init", "--quiet", "--initial-branch=main"]).is_none() {
        return;
    }
    git(&folder, &["add", "."]);
    git(&folder, &["commit", "--quiet", "--message", "one"]);
    let head = git(&folder, &["rev-parse", "--short=7", "HEAD"]).expect("as before");
    let clean = format!("1.2.3 ({head} 2025-06-10)");
    assert_eq!(built(&script, &folder, None), (clean.clone(), 2));
    git(&folder, &["pack-refs", "--all"]);
    assert_eq!(built(&script, &folder, None), (clean.clone(), 2), "packed");
    let worktree = deployment.path("worktree");
    let path = worktree.to_str().expect("UTF-8");
    git(
        &folder,
        &["worktree", "add", "--quiet", "-b", "deep/branch", path],
    );
    assert_eq!(
        built(&script, &worktree, None),
        (clean.clone(), 2),
        "a worktree"
    );
    git(&worktree, &["checkout", "--quiet", "--detach"]);
    assert_eq!(
        built(&script, &worktree, None),
        (clean.clone(), 1),
        "no branch"
    );
    fs::write(folder.join("notes.txt"), "not of the program").expect("writable");
    assert_eq!(built(&script, &folder, None).0, clean);
    fs::write(folder.join("src/more.rs"), "//! New.").expect("writable");
    assert_eq!(
        built(&script, &folder, None).0,
        format!("1.2.3 ({head}+ 2025-06-10)")
    );
    let inside = folder.join("unpacked");
    fs::create_dir(&inside).expect("a folder can be made");
    assert_eq!(
        built(&script, &inside, None).0,
        "1.2.3",
        "somebody else's repository"
    );
    assert_eq!(
        built(&script, &folder, Some("/nowhere")).0,
        "1.2.3",
        "no git"
    );
}

#[test]
fn the_program_tells_its_version_everywhere_alike() {
    let deployment = Deployment::new();
    let told = deployment.idtrail(&["--version"]).stdout;
    let version = told.trim().strip_prefix("idtrail ").expect("its name");
    assert!(version.starts_with(env!("CARGO_PKG_VERSION")), "{version}");
    let mut service = deployment.start(&["run"]).running();
    assert!(service.said().contains(version), "{}", service.said());
    let (_, readiness) = service.get("/readyz");
    let readiness: serde_json::Value = serde_json::from_str(&readiness).expect("JSON");
    assert_eq!(readiness["version"], version);
    assert_eq!(service.count("idtrail_build_info"), 1);
    assert_eq!(service.terminate().code, Some(0));
}
