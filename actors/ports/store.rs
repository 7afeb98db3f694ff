//! An object store with the manners of S3: atomic and consistent for each key,
//! create-only writes, no promise over several keys.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;

/// The known outcomes of a create-only write.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Created {
    /// This call made the object.
    New,
    /// The key exists; it may even hold these very bytes, from an earlier try.
    Exists,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Listed {
    pub key: String,
    pub bytes: u64,
}

/// Objects that are not needed any more.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Expiry {
    /// Their keys begin with it,
    pub folder: String,
    /// and sort before this one.
    pub below: String,
    /// Only what was written so long before that object was, by the store's own
    /// clock; nothing if there is no such object.
    pub older: Option<(String, Duration)>,
}

#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Unreachable, refused for now, or unknown whether it took effect: the same
    /// call with the same bytes may be made again.
    #[error("store unreachable: {0}")]
    Retry(String),
    /// The call can never succeed: the message says what to change.
    #[error("{0}")]
    Fatal(String),
}

#[async_trait]
pub trait Store: Send + Sync + 'static {
    /// Writes the object if the key is free. Durable when it returns.
    async fn create(&self, key: &str, body: Bytes) -> Result<Created, StoreError>;

    /// `None` only if there is surely no such key.
    async fn get(&self, key: &str) -> Result<Option<Bytes>, StoreError>;

    /// Every object whose key begins with `prefix` and sorts after
    /// `start_after`, in the order of the keys' bytes.
    async fn list(
        &self,
        prefix: &str,
        start_after: Option<&str>,
    ) -> Result<Vec<Listed>, StoreError>;

    /// Removing what is not there is a success.
    async fn remove(&self, key: &str) -> Result<(), StoreError>;

    /// Removes some of these objects, for good where the store keeps versions.
    /// True if there may be more.
    async fn expire(&self, expiry: &Expiry) -> Result<bool, StoreError>;
}
