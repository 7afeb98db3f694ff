//! Files that are there whole or not at all, and stay.
//!
//! A file is written under a temporary name, synced, linked to its real name
//! (which fails if the name is taken) and its directory synced. What a crash
//! leaves behind is a temporary name, which readers ignore and [`sweep`]
//! removes.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, ErrorKind, Write},
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, UNIX_EPOCH},
};

use actors::ports::{Created, QueueError, StoreError};

/// How temporary names begin. Object keys and messages never do.
pub(super) const TEMPORARY: &str = ".tmp-";

/// A temporary file that nobody has written to for so long has lost its writer.
const ABANDONED_AFTER: Duration = Duration::from_secs(3_600);

/// Names that no other process and no other call makes.
#[derive(Debug)]
pub(super) struct Names {
    writer: u64,
    next: AtomicU64,
}

/// An I/O error with its path and what to do about it.
#[derive(Debug)]
pub(super) struct Fault {
    passing: bool,
    text: String,
}

impl Names {
    #[expect(
        clippy::disallowed_methods,
        reason = "an adapter: names must differ between processes"
    )]
    pub(super) fn new() -> Names {
        Names {
            writer: rand::random(),
            next: AtomicU64::new(0),
        }
    }

    /// Of this process and this value alone.
    pub(super) fn writer(&self) -> u64 {
        self.writer
    }

    /// Sorts in the order of the calls.
    pub(super) fn next(&self) -> String {
        self.numbered(self.writer)
    }

    /// The same, with a group in place of the lower half of the writer's value:
    /// the upper half and the number are this call's alone.
    pub(super) fn next_of(&self, group: u32) -> String {
        self.numbered(self.writer & !u64::from(u32::MAX) | u64::from(group))
    }

    fn numbered(&self, writer: u64) -> String {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        format!("{writer:016x}-{number:010}")
    }
}

/// Makes `target` with these contents, through `temporary` on the same file
/// system. The caller syncs the directory of `target`, once for many files.
pub(super) fn create(temporary: &Path, target: &Path, parts: &[&[u8]]) -> Result<Created, Fault> {
    let written = write(temporary, parts).map_err(|error| Fault::new("write", temporary, &error));
    let linked = written.and_then(|()| match fs::hard_link(temporary, target) {
        Ok(()) => Ok(Created::New),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(Created::Exists),
        Err(error) => Err(Fault::new("create", target, &error)),
    });
    // Left behind, it is swept later.
    fs::remove_file(temporary).ok();
    linked
}

fn write(path: &Path, parts: &[&[u8]]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).open(path)?;
    parts.iter().try_for_each(|part| file.write_all(part))?;
    file.sync_all()
}

/// Makes what was created, renamed or removed in a directory durable.
pub(super) fn sync_directory(path: &Path) -> Result<(), Fault> {
    File::open(path)
        .and_then(|directory| directory.sync_all())
        .map_err(|error| Fault::new("sync", path, &error))
}

/// Makes a directory and what is missing above it, durably. Others may make the
/// same at the same time.
pub(super) fn make_directory(path: &Path) -> Result<(), Fault> {
    let above = parent(path);
    let made = match make_one_directory(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            if !above.is_dir() {
                make_directory(above)?;
            }
            // Once: where the parent is there and takes nothing, as in `/proc`, it
            // would be for ever.
            make_one_directory(path)
        }
        made => made,
    };
    match made {
        Ok(true) => sync_directory(above),
        Ok(false) => Ok(()),
        Err(error) => Err(Fault::new("make the directory", path, &error)),
    }
}

/// Whether it was not there.
fn make_one_directory(path: &Path) -> io::Result<bool> {
    match fs::create_dir(path) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::AlreadyExists && path.is_dir() => Ok(false),
        Err(error) => Err(error),
    }
}

/// The directory of a path; of a bare name, the current one.
fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if parent.as_os_str().is_empty() => Path::new("."),
        Some(parent) => parent,
        None => path,
    }
}

/// Removes temporary files whose writer is gone.
pub(super) fn sweep(directory: &Path, now_ms: i64) -> Result<(), Fault> {
    let entries = fs::read_dir(directory).map_err(|error| Fault::new("list", directory, &error))?;
    let now = UNIX_EPOCH + Duration::from_millis(u64::try_from(now_ms).unwrap_or(0));
    for entry in entries.flatten() {
        let abandoned = entry
            .file_name()
            .as_encoded_bytes()
            .starts_with(TEMPORARY.as_bytes())
            && entry
                .metadata()
                .and_then(|metadata| metadata.modified())
                .is_ok_and(|modified| {
                    now.duration_since(modified)
                        .is_ok_and(|age| age > ABANDONED_AFTER)
                });
        if abandoned {
            match fs::remove_file(entry.path()) {
                // Another process was faster.
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                removed => {
                    removed.map_err(|error| Fault::new("remove", &entry.path(), &error))?;
                }
            }
        }
    }
    Ok(())
}

/// A temporary path in `directory`.
pub(super) fn temporary(directory: &Path, names: &Names) -> PathBuf {
    directory.join(format!("{TEMPORARY}{}", names.next()))
}

impl Fault {
    pub(super) fn new(verb: &str, path: &Path, error: &io::Error) -> Fault {
        let path = path.display();
        let (passing, advice) = match error.kind() {
            ErrorKind::PermissionDenied => (false, ": give this user access to it"),
            ErrorKind::ReadOnlyFilesystem => {
                (false, ": mount it writable or choose another --data")
            }
            ErrorKind::NotADirectory | ErrorKind::IsADirectory | ErrorKind::AlreadyExists => (
                false,
                ": a file and a directory want the same name, move the foreign one away",
            ),
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
                (true, ": free space, it is tried again")
            }
            _ => (true, ""),
        };
        Fault {
            passing,
            text: format!("cannot {verb} {path}: {error}{advice}"),
        }
    }

    /// An error that repeating cannot mend.
    pub(super) fn fatal(text: String) -> Fault {
        Fault {
            passing: false,
            text,
        }
    }

    /// The blocking thread died of a panic, which is a bug of ours.
    pub(super) fn lost(error: &tokio::task::JoinError) -> Fault {
        Fault::fatal(format!("file system work stopped: {error}"))
    }
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

impl From<Fault> for StoreError {
    fn from(fault: Fault) -> StoreError {
        match fault.passing {
            true => StoreError::Retry(fault.text),
            false => StoreError::Fatal(fault.text),
        }
    }
}

impl From<Fault> for QueueError {
    fn from(fault: Fault) -> QueueError {
        match fault.passing {
            true => QueueError::Retry(fault.text),
            false => QueueError::Fatal(fault.text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_says_whether_to_try_again_and_what_to_do() {
        for (kind, passing, advice) in [
            (ErrorKind::PermissionDenied, false, "access"),
            (ErrorKind::ReadOnlyFilesystem, false, "mount"),
            (ErrorKind::NotADirectory, false, "move"),
            (ErrorKind::StorageFull, true, "free space"),
            (ErrorKind::Interrupted, true, "/d/f"),
        ] {
            let fault = Fault::new("write", Path::new("/d/f"), &io::Error::from(kind));
            assert_eq!(fault.passing, passing, "{kind:?}");
            assert!(
                fault.text.contains("/d/f") && fault.text.contains(advice),
                "{}",
                fault.text
            );
        }
    }

    #[test]
    fn a_directory_is_made_with_what_is_above_it_or_the_fault_is_told() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let path = directory.path().join("a/b/c");
        for _ in 0..2 {
            make_directory(&path).expect("writable");
            assert!(path.is_dir());
        }
        let file = directory.path().join("file");
        fs::write(&file, "").expect("writable");
        // Nobody can make a directory in a file, nor in /proc.
        for path in [file.join("a/b"), PathBuf::from("/proc/idtrail/a")] {
            assert!(make_directory(&path).is_err(), "{}", path.display());
        }
    }

    #[test]
    fn a_directory_that_several_make_at_once_is_made() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        for round in 0..100 {
            let path = directory.path().join(format!("{round}/data/acme/day"));
            std::thread::scope(|scope| {
                for _ in 0..4 {
                    scope.spawn(|| make_directory(&path).expect("it is made"));
                }
            });
            assert!(path.is_dir());
        }
    }

    #[test]
    fn only_abandoned_temporary_files_are_swept() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let path = temporary(directory.path(), &Names::new());
        fs::write(&path, "half").expect("writable");
        let made = fs::metadata(&path)
            .and_then(|metadata| metadata.modified())
            .expect("just made");
        let made = made
            .duration_since(UNIX_EPOCH)
            .expect("after 1970")
            .as_millis();
        let made_ms = i64::try_from(made).expect("fits");
        let hour_ms = 3_600_000;

        sweep(directory.path(), made_ms + hour_ms / 2).expect("listable");
        assert!(path.exists(), "its writer may still be at work");
        sweep(directory.path(), made_ms + hour_ms * 2).expect("listable");
        assert!(!path.exists());
    }
}
