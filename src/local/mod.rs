//! The embedded mode: queue and store as directories, with the manners of SQS
//! and S3.
//!
//! ```text
//! D/lock                      held by the one process that runs
//! D/queue/                    one file a message; dead/ beside them
//! D/lake/data/…               the lake
//! D/large_files/_idtrail/…    the journal; payloads/ beside it
//! ```
//!
//! Whatever a call reports as written is on the disk: file and directory are
//! synced first. Nothing is ever overwritten.

mod durable;
mod index;
mod letter;
pub mod live;
mod lock;
mod objects;
mod queue;
mod store;
mod turns;

use std::path::{Path, PathBuf};

pub use lock::{DirectoryLock, LockError};
pub use objects::NoObjects;
pub use queue::{BURIALS_MAX, Queue};
pub use store::Store;

/// The embedded data directory and what lies where in it.
#[derive(Clone, Debug)]
pub struct Layout {
    root: PathBuf,
}

impl Layout {
    pub fn new(root: &Path) -> Layout {
        Layout {
            root: root.to_owned(),
        }
    }

    pub fn root(&self) -> &Path {
        &self.root
    }

    pub fn lock(&self) -> PathBuf {
        self.root.join("lock")
    }

    pub fn queue(&self) -> PathBuf {
        self.root.join("queue")
    }

    pub fn lake(&self) -> PathBuf {
        self.root.join("lake")
    }

    /// The transient store: journal and large payloads.
    pub fn large_files(&self) -> PathBuf {
        self.root.join("large_files")
    }
}
