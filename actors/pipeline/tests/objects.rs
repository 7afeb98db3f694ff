//! Buckets in memory, with faults, and what is asked of them.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard},
    time::Duration,
};

use async_trait::async_trait;
use audit::message::Object;
use bytes::Bytes;

use super::{
    queue::SENT_AT_MS,
    weather::{Fate, Sky},
};
use crate::ports::{ObjectError, Objects, Stretch};

/// Small, so that an object has many.
pub(super) const STRETCH: usize = 64 << 10;

/// When every object was written: half a day before the messages were sent.
pub(super) const WRITTEN_AT_MS: i64 = SENT_AT_MS - 43_200_000;

/// Objects by bucket and key; a bucket without any is not allowed.
#[derive(Debug)]
pub(super) struct MemoryObjects {
    pub(super) sky: Sky,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    buckets: BTreeMap<String, BTreeMap<String, Bytes>>,
    /// How long a stretch of an object of this key takes.
    slow: BTreeMap<String, Duration>,
    tally: Asked,
}

/// What was read so far.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub(super) struct Asked {
    pub(super) reads: u64,
    pub(super) bytes: u64,
}

impl Default for MemoryObjects {
    fn default() -> MemoryObjects {
        MemoryObjects {
            sky: Sky::new(),
            state: Mutex::default(),
        }
    }
}

impl MemoryObjects {
    pub(super) fn put(&self, bucket: &str, key: &str, content: impl Into<Bytes>) {
        let mut state = self.state();
        let bucket = state.buckets.entry(bucket.to_owned()).or_default();
        bucket.insert(key.to_owned(), content.into());
    }

    pub(super) fn slow(&self, key: &str, pause: Duration) {
        self.state().slow.insert(key.to_owned(), pause);
    }

    pub(super) fn asked(&self) -> Asked {
        self.state().tally
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no panic holds it")
    }

    fn stretch(&self, object: &Object, offset: u64) -> Result<Stretch, ObjectError> {
        let mut state = self.state();
        let bucket = &state.buckets[&object.bucket];
        let Some(content) = bucket.get(&object.key).cloned() else {
            return Err(ObjectError::Absent(format!("there is no {}", object.key)));
        };
        let start = (offset as usize).min(content.len());
        let bytes = content.slice(start..content.len().min(start + STRETCH));
        state.tally.reads += 1;
        state.tally.bytes += bytes.len() as u64;
        Ok(Stretch {
            bytes,
            total_bytes: content.len() as u64,
            tag: "1".into(),
            modified_ms: WRITTEN_AT_MS,
        })
    }
}

#[async_trait]
impl Objects for MemoryObjects {
    async fn read(
        &self,
        object: &Object,
        offset: u64,
        tag: Option<&str>,
    ) -> Result<Stretch, ObjectError> {
        assert_eq!(tag.is_some(), offset > 0, "a tag from the first stretch on");
        if !self.state().buckets.contains_key(&object.bucket) {
            let bucket = &object.bucket;
            return Err(ObjectError::Forbidden(format!(
                "{bucket} is no source bucket"
            )));
        }
        let pause = self.state().slow.get(&object.key).copied();
        tokio::time::sleep(pause.unwrap_or_default()).await;
        match self.sky.pass().await {
            Fate::Done => self.stretch(object, offset),
            _ => Err(ObjectError::Retry("the connection was lost".into())),
        }
    }
}
