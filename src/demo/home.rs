//! The demo's directory: begun anew each time, and only if it is a demo's.

use std::{
    fs,
    io::{self, ErrorKind},
    path::{Path, PathBuf},
};

use crate::local::{DirectoryLock, Layout, LockError};

/// Says that everything beside it may be removed by the next demo.
const MARKER: &str = "idtrail-demo.txt";
const MARKER_TEXT: &str =
    "Made by `idtrail demo`, which removes everything here when it begins anew.\n";

#[derive(Debug)]
pub struct Home {
    root: PathBuf,
    lock: DirectoryLock,
}

#[derive(Debug, thiserror::Error)]
pub enum HomeError {
    #[error("{0} holds something that no demo made: choose another directory with --data")]
    Foreign(String),
    #[error(transparent)]
    Locked(#[from] LockError),
    #[error("{0}: {1}: choose a directory that can be written with --data")]
    Io(String, io::Error),
}

impl Home {
    /// Takes the directory and empties it.
    pub fn prepare(root: &Path) -> Result<Home, HomeError> {
        let failed = |error| HomeError::Io(root.display().to_string(), error);
        let marker = root.join(MARKER);
        if !is_absent_or_empty(root).map_err(failed)? && !marker.exists() {
            return Err(HomeError::Foreign(root.display().to_string()));
        }
        // First, so that no demo that runs loses what it works on.
        let layout = Layout::new(root);
        let lock = DirectoryLock::take(&layout.lock())?;
        for folder in [layout.queue(), layout.lake(), layout.large_files()] {
            match fs::remove_dir_all(&folder) {
                Err(error) if error.kind() != ErrorKind::NotFound => return Err(failed(error)),
                _ => {}
            }
        }
        fs::write(marker, MARKER_TEXT).map_err(failed)?;
        Ok(Home {
            root: root.to_owned(),
            lock,
        })
    }

    /// Writes the GeoIP database and says where it is.
    pub fn write_city_database(&self, database: &[u8]) -> Result<PathBuf, HomeError> {
        let path = self.root.join("city.mmdb");
        match fs::write(&path, database) {
            Ok(()) => Ok(path),
            Err(error) => Err(HomeError::Io(path.display().to_string(), error)),
        }
    }

    /// For whoever runs on the directory.
    pub fn into_lock(self) -> DirectoryLock {
        self.lock
    }
}

fn is_absent_or_empty(path: &Path) -> io::Result<bool> {
    match fs::read_dir(path) {
        Ok(mut entries) => Ok(entries.next().is_none()),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(true),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_that_is_no_demos_is_left_alone() {
        let folder = tempfile::tempdir().expect("folder");
        let root = folder.path().join("mine");
        let precious = Layout::new(&root).lake().join("precious.parquet");
        fs::create_dir_all(precious.parent().expect("a parent")).expect("folders");
        fs::write(&precious, "rows").expect("writes");
        assert!(matches!(Home::prepare(&root), Err(HomeError::Foreign(_))));
        assert!(precious.exists() && !root.join("lock").exists());
    }

    #[test]
    fn a_demo_begins_anew_unless_the_last_one_still_runs() {
        let folder = tempfile::tempdir().expect("folder");
        let root = folder.path().join("demo");
        let first = Home::prepare(&root).expect("a new one");
        let old = Layout::new(&root).lake().join("old.parquet");
        fs::create_dir_all(old.parent().expect("a parent")).expect("folders");
        fs::write(&old, "rows").expect("writes");
        assert!(matches!(Home::prepare(&root), Err(HomeError::Locked(_))));
        assert!(old.exists());
        drop(first);
        Home::prepare(&root).expect("the next one");
        assert!(!old.exists());
    }
}
