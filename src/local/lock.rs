//! The lock of a data directory: one process at a time runs on it.
//!
//! An advisory `flock`, which the kernel drops with the process however it
//! dies: whoever gets the lock knows that the former owner is dead. The file
//! holds the owner's process id for people.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    path::Path,
};

use rustix::{
    fs::{FlockOperation, flock},
    io::Errno,
};

/// Held for as long as this value lives.
#[derive(Debug)]
pub struct DirectoryLock {
    /// Closing it unlocks.
    _file: File,
}

#[derive(Debug, thiserror::Error)]
pub enum LockError {
    #[error("{path} is in use by pid {pid}: stop that process or choose another --data")]
    InUse { path: String, pid: String },
    #[error(
        "cannot lock {path}: {source}: give this user access to the data directory, or choose another with --data"
    )]
    Io { path: String, source: io::Error },
}

impl DirectoryLock {
    /// Takes the lock at `path`, making the file and its directory if needed.
    pub fn take(path: &Path) -> Result<DirectoryLock, LockError> {
        let failed = |source| LockError::Io {
            path: path.display().to_string(),
            source,
        };
        if let Some(directory) = path.parent() {
            fs::create_dir_all(directory).map_err(failed)?;
        }
        // Not truncated before the lock is ours: the id in it is the owner's.
        let mut file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(path)
            .map_err(failed)?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(Errno::WOULDBLOCK) => return Err(in_use(path)),
            Err(error) => return Err(failed(error.into())),
        }
        file.set_len(0)
            .and_then(|()| writeln!(file, "{}", std::process::id()))
            .map_err(failed)?;
        Ok(DirectoryLock { _file: file })
    }
}

fn in_use(path: &Path) -> LockError {
    let text = fs::read_to_string(path).unwrap_or_default();
    let pid = text.trim();
    LockError::InUse {
        path: path.display().to_string(),
        pid: if pid.is_empty() { "unknown" } else { pid }.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_owner_is_told_who_the_first_is() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let path = directory.path().join("new").join("lock");
        let first = DirectoryLock::take(&path).expect("nobody holds it");
        let error = DirectoryLock::take(&path).expect_err("held");
        assert!(
            error
                .to_string()
                .contains(&format!("in use by pid {}", std::process::id())),
            "{error}"
        );
        drop(first);
        DirectoryLock::take(&path).expect("free again");
    }
}
