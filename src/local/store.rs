//! An object store in a directory: a key is a relative path.
//!
//! Create-only by linking a synced temporary file to its name, so that of two
//! writers one wins, whatever they are. A key cannot leave the directory.

use std::{
    fs,
    io::ErrorKind,
    path::{Path, PathBuf},
    sync::Arc,
    time::SystemTime,
};

use actors::ports::{self, Clock, Created, Expiry, Listed, StoreError};
use async_trait::async_trait;
use bytes::Bytes;

use super::durable::{self, Fault, Names, TEMPORARY};

/// S3's limit of a key, and of most file systems for one name.
const KEY_BYTES_MAX: usize = 1_024;
const SEGMENT_BYTES_MAX: usize = 255;

#[derive(Clone, Debug)]
pub struct Store(Arc<Directory>);

#[derive(Debug)]
struct Directory {
    root: PathBuf,
    names: Names,
}

impl Store {
    /// The store in `root`, which is made if it is missing.
    pub fn open(root: &Path, clock: &dyn Clock) -> Result<Store, StoreError> {
        durable::make_directory(root)?;
        durable::sweep(root, clock.wall_ms())?;
        Ok(Store(Arc::new(Directory {
            root: root.to_owned(),
            names: Names::new(),
        })))
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Directory) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, StoreError> {
        let directory = Arc::clone(&self.0);
        tokio::task::spawn_blocking(move || work(&directory))
            .await
            .unwrap_or_else(|error| Err(Fault::lost(&error)))
            .map_err(StoreError::from)
    }
}

#[async_trait]
impl ports::Store for Store {
    async fn create(&self, key: &str, body: Bytes) -> Result<Created, StoreError> {
        let key = key.to_owned();
        self.run(move |directory| directory.create(&key, &body))
            .await
    }

    async fn get(&self, key: &str) -> Result<Option<Bytes>, StoreError> {
        let key = key.to_owned();
        self.run(move |directory| directory.get(&key)).await
    }

    async fn list(
        &self,
        prefix: &str,
        start_after: Option<&str>,
    ) -> Result<Vec<Listed>, StoreError> {
        let prefix = prefix.to_owned();
        let start_after = start_after.unwrap_or_default().to_owned();
        self.run(move |directory| directory.list(&prefix, &start_after))
            .await
    }

    async fn remove(&self, key: &str) -> Result<(), StoreError> {
        let key = key.to_owned();
        self.run(move |directory| directory.remove(&key)).await
    }

    async fn expire(&self, expiry: &Expiry) -> Result<bool, StoreError> {
        let expiry = expiry.clone();
        self.run(move |directory| directory.expire(&expiry)).await
    }
}

impl Directory {
    fn path(&self, key: &str) -> Result<PathBuf, Fault> {
        let valid = key.len() <= KEY_BYTES_MAX
            && key.split('/').all(|segment| {
                (1..=SEGMENT_BYTES_MAX).contains(&segment.len())
                    && !matches!(segment, "." | "..")
                    && !segment.starts_with(TEMPORARY)
                    && !segment.contains(['\0', '\\'])
            });
        if valid {
            Ok(self.root.join(key))
        } else {
            let shown: String = key.chars().take(128).collect();
            Err(Fault::fatal(format!("{shown:?} cannot be an object's key")))
        }
    }

    fn create(&self, key: &str, body: &[u8]) -> Result<Created, Fault> {
        let target = self.path(key)?;
        let directory = target.parent().unwrap_or(&self.root);
        if !directory.is_dir() {
            durable::make_directory(directory)?;
        }
        let temporary = durable::temporary(&self.root, &self.names);
        let created = durable::create(&temporary, &target, &[body])?;
        // Also when it exists: its writer may have died before syncing the name.
        durable::sync_directory(directory)?;
        Ok(created)
    }

    fn get(&self, key: &str) -> Result<Option<Bytes>, Fault> {
        let path = self.path(key)?;
        match fs::read(&path) {
            Ok(body) => Ok(Some(body.into())),
            Err(error) if is_absent(&error) => Ok(None),
            Err(error) => Err(Fault::new("read", &path, &error)),
        }
    }

    fn remove(&self, key: &str) -> Result<(), Fault> {
        let path = self.path(key)?;
        match fs::remove_file(&path) {
            Ok(()) => {
                let parent = path.parent().unwrap_or(&self.root);
                durable::sync_directory(parent)?;
                // Directories are no objects: one that is empty goes, others stay.
                fs::remove_dir(parent).ok();
                Ok(())
            }
            Err(error) if is_absent(&error) => Ok(()),
            Err(error) => Err(Fault::new("remove", &path, &error)),
        }
    }

    /// All at once: a directory is listed whole anyway.
    fn expire(&self, expiry: &Expiry) -> Result<bool, Fault> {
        let newest = match &expiry.older {
            None => None,
            Some((than, age)) => match self.written(than)?.and_then(|at| at.checked_sub(*age)) {
                Some(newest) => Some(newest),
                None => return Ok(false),
            },
        };
        let listed = self.list(&expiry.folder, "")?;
        for object in listed.iter().filter(|object| object.key < expiry.below) {
            let written = self.written(&object.key)?;
            if newest.is_none_or(|newest| written.is_some_and(|at| at <= newest)) {
                let path = self.path(&object.key)?;
                match fs::remove_file(&path) {
                    Err(error) if !is_absent(&error) => {
                        return Err(Fault::new("remove", &path, &error));
                    }
                    // Not synced: what comes back after a power cut is removed again.
                    _ => {}
                }
            }
        }
        Ok(false)
    }

    /// `None` if it is not there.
    fn written(&self, key: &str) -> Result<Option<SystemTime>, Fault> {
        let path = self.path(key)?;
        match fs::metadata(&path).and_then(|metadata| metadata.modified()) {
            Ok(at) => Ok(Some(at)),
            Err(error) if is_absent(&error) => Ok(None),
            Err(error) => Err(Fault::new("look at", &path, &error)),
        }
    }

    fn list(&self, prefix: &str, start_after: &str) -> Result<Vec<Listed>, Fault> {
        let mut listing = Listing {
            prefix,
            start_after,
            found: Vec::new(),
        };
        // Everything before the last slash is a directory; no need to look elsewhere.
        let start = prefix.rfind('/').map_or("", |slash| &prefix[..=slash]);
        if !start.is_empty() {
            self.path(start.trim_end_matches('/'))?;
        }
        listing.walk(&self.root.join(start), start)?;
        listing.found.sort_unstable_by(|a, b| a.key.cmp(&b.key));
        Ok(listing.found)
    }
}

struct Listing<'k> {
    prefix: &'k str,
    start_after: &'k str,
    found: Vec<Listed>,
}

impl Listing<'_> {
    /// `base` is the key prefix of `path`: empty or with a slash at its end.
    fn walk(&mut self, path: &Path, base: &str) -> Result<(), Fault> {
        let entries = match fs::read_dir(path) {
            Ok(entries) => entries,
            Err(error) if is_absent(&error) => return Ok(()),
            Err(error) => return Err(Fault::new("list", path, &error)),
        };
        for entry in entries {
            let entry = entry.map_err(|error| Fault::new("list", path, &error))?;
            // A name that is no text cannot be one of our keys.
            let Ok(name) = entry.file_name().into_string() else {
                continue;
            };
            let kind = entry
                .file_type()
                .map_err(|error| Fault::new("list", path, &error))?;
            if kind.is_dir() {
                let below = format!("{base}{name}/");
                if self.may_hold(&below) {
                    self.walk(&entry.path(), &below)?;
                }
            } else if kind.is_file() && !name.starts_with(TEMPORARY) {
                self.add(format!("{base}{name}"), &entry)?;
            }
        }
        Ok(())
    }

    /// Whether keys that begin with `below` can be wanted.
    fn may_hold(&self, below: &str) -> bool {
        let in_prefix = below.starts_with(self.prefix) || self.prefix.starts_with(below);
        in_prefix && (below > self.start_after || self.start_after.starts_with(below))
    }

    fn add(&mut self, key: String, entry: &fs::DirEntry) -> Result<(), Fault> {
        if !key.starts_with(self.prefix) || key.as_str() <= self.start_after {
            return Ok(());
        }
        match entry.metadata() {
            Ok(metadata) => self.found.push(Listed {
                key,
                bytes: metadata.len(),
            }),
            // Removed since the directory was read.
            Err(error) if is_absent(&error) => {}
            Err(error) => return Err(Fault::new("look at", &entry.path(), &error)),
        }
        Ok(())
    }
}

/// Nothing has this name; a file where the key wants a directory says so too.
fn is_absent(error: &std::io::Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory)
}

#[cfg(test)]
mod tests;
