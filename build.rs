//! Which commit the program is built from, for `--version`.
//!
//! Sets `IDTRAIL_VERSION`, such as `0.1.0 (42d0a44 2026-11-23)`, and
//! `IDTRAIL_COMMIT`; a `+` behind the commit says that the sources are not quite
//! those of it. Without git, or in a folder that is no checkout of idtrail, as
//! when it comes from a tarball, there is the number alone. Runs again when
//! another commit is checked out or what the program is made of changes.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

/// What the program is made of.
const SOURCES: [&str; 9] = [
    "Cargo.lock",
    "Cargo.toml",
    "actors",
    "audit",
    "build.rs",
    "company",
    "rust-toolchain.toml",
    "src",
    "topology.toml",
];

fn main() {
    let number = env::var("CARGO_PKG_VERSION").expect("Cargo sets it");
    let folder = env::var_os("CARGO_MANIFEST_DIR").expect("Cargo sets it");
    let checkout = Checkout::at(PathBuf::from(folder));
    println!("cargo::rerun-if-env-changed=PATH");
    let watched = checkout.as_ref().map(Checkout::watched).unwrap_or_default();
    for path in watched {
        println!("cargo::rerun-if-changed={}", path.display());
    }
    for path in SOURCES {
        println!("cargo::rerun-if-changed={path}");
    }
    let (version, commit) = match checkout.and_then(|checkout| checkout.commit()) {
        Some((commit, day)) => (format!("{number} ({commit} {day})"), commit),
        None => (number, String::new()),
    };
    println!("cargo::rustc-env=IDTRAIL_VERSION={version}");
    println!("cargo::rustc-env=IDTRAIL_COMMIT={commit}");
}

/// The folder of this script, under git.
struct Checkout {
    folder: PathBuf,
}

impl Checkout {
    /// `None` where git is missing, or does not know the folder as a whole
    /// repository: a tarball may be unpacked inside of somebody else's.
    fn at(folder: PathBuf) -> Option<Checkout> {
        let checkout = Checkout { folder };
        let top = checkout.git(&["rev-parse", "--show-toplevel"])?;
        let is_whole = fs::canonicalize(top).ok()? == fs::canonicalize(&checkout.folder).ok()?;
        is_whole.then_some(checkout)
    }

    /// The commit, with `+` if the sources differ from it, and its day.
    fn commit(&self) -> Option<(String, String)> {
        let told = self.git(&[
            "show",
            "--no-patch",
            "--abbrev=7",
            "--format=%h %cs",
            "HEAD",
        ])?;
        let (commit, day) = told.split_once(' ')?;
        // Only reads: no lock that another git could meet.
        let status = ["--no-optional-locks", "status", "--porcelain", "--"];
        let changed = self.git(&[&status[..], &SOURCES[..]].concat())?;
        let mark = if changed.is_empty() { "" } else { "+" };
        Some((format!("{commit}{mark}"), day.to_owned()))
    }

    /// What changes when another commit is checked out: HEAD, and the file of
    /// the branch, or, for a branch without a file of its own, which is among
    /// the packed ones, the folder where its next commit will make one.
    fn watched(&self) -> Vec<PathBuf> {
        let head = self.path("HEAD");
        let branch = self.git(&["symbolic-ref", "--quiet", "HEAD"]);
        let branch = branch.and_then(|name| self.path(&name)).and_then(|file| {
            let nearest = file.ancestors().find(|path| path.exists());
            nearest.map(Path::to_path_buf)
        });
        head.into_iter().chain(branch).collect()
    }

    /// Where git keeps a file of its own, for this worktree.
    fn path(&self, name: &str) -> Option<PathBuf> {
        let path = self.git(&["rev-parse", "--git-path", name])?;
        Some(self.folder.join(path))
    }

    fn git(&self, arguments: &[&str]) -> Option<String> {
        let mut git = Command::new("git");
        let output = git
            .current_dir(&self.folder)
            .args(arguments)
            .output()
            .ok()?;
        let text = String::from_utf8(output.stdout).ok()?;
        output.status.success().then(|| text.trim_end().to_owned())
    }
}
