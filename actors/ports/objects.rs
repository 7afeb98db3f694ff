//! Objects in buckets of others, which messages point to.
//!
//! Read in stretches, so that an object may be larger than memory and a lost
//! connection costs one stretch. Only buckets that the settings name are read:
//! for any other no request is made.

use std::sync::Arc;

use async_trait::async_trait;
use audit::message::Object;
use bytes::Bytes;

/// The most bytes that one read returns.
pub const STRETCH_BYTES: u64 = 4 << 20;

/// One stretch of an object.
#[derive(Clone, Debug)]
pub struct Stretch {
    pub bytes: Bytes,
    /// Of the whole object.
    pub total_bytes: u64,
    /// Names this version of the content: the next stretch must be of the same.
    pub tag: Arc<str>,
    /// When it was written, milliseconds since 1970.
    pub modified_ms: i64,
}

#[derive(Debug, thiserror::Error)]
pub enum ObjectError {
    /// The settings do not allow it; nothing was asked of anybody.
    #[error("{0}")]
    Forbidden(String),
    /// There is surely no such object, or no such version of it.
    #[error("{0}")]
    Absent(String),
    /// Unreachable, refused, or replaced while it was read: it may be had later.
    #[error("{0}")]
    Retry(String),
}

#[async_trait]
pub trait Objects: Send + Sync + 'static {
    /// The stretch that begins at `offset`; empty at the end. `tag`: of the
    /// stretch before.
    async fn read(
        &self,
        object: &Object,
        offset: u64,
        tag: Option<&str>,
    ) -> Result<Stretch, ObjectError>;
}
