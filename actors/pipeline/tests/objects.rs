//! Buckets in memory.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use async_trait::async_trait;
use audit::message::Object;
use bytes::Bytes;

use crate::ports::{ObjectError, Objects, STRETCH_BYTES, Stretch};

/// Objects by bucket and key; a bucket without any is not allowed.
#[derive(Debug, Default)]
pub(super) struct MemoryObjects(Mutex<BTreeMap<String, BTreeMap<String, Bytes>>>);

impl MemoryObjects {
    pub(super) fn put(&self, bucket: &str, key: &str, content: impl Into<Bytes>) {
        let mut buckets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let bucket = buckets.entry(bucket.to_owned()).or_default();
        bucket.insert(key.to_owned(), content.into());
    }
}

#[async_trait]
impl Objects for MemoryObjects {
    async fn read(
        &self,
        object: &Object,
        offset: u64,
        _: Option<&str>,
    ) -> Result<Stretch, ObjectError> {
        let buckets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(bucket) = buckets.get(&object.bucket) else {
            let bucket = &object.bucket;
            return Err(ObjectError::Forbidden(format!(
                "{bucket} is no source bucket"
            )));
        };
        let Some(content) = bucket.get(&object.key) else {
            return Err(ObjectError::Absent(format!("there is no {}", object.key)));
        };
        let start = (offset as usize).min(content.len());
        let end = (start + STRETCH_BYTES as usize).min(content.len());
        Ok(Stretch {
            bytes: content.slice(start..end),
            total_bytes: content.len() as u64,
            tag: "1".into(),
            modified_ms: 0,
        })
    }
}
