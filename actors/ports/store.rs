//! An object store with the manners of S3: atomic and consistent for each key,
//! create-only writes, no promise over several keys.

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
}
