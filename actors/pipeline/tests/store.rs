//! An object store in memory: create-only, with faults.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use bytes::Bytes;

use super::weather::{Fate, Sky};
use crate::ports::{Created, Listed, Store, StoreError};

#[derive(Debug)]
pub(super) struct MemoryStore {
    pub(super) sky: Sky,
    objects: Arc<Mutex<BTreeMap<String, Bytes>>>,
}

impl MemoryStore {
    pub(super) fn new() -> Arc<MemoryStore> {
        Arc::new(MemoryStore {
            sky: Sky::new(),
            objects: Arc::default(),
        })
    }

    /// All of them, whatever the weather.
    pub(super) fn objects(&self) -> BTreeMap<String, Bytes> {
        self.objects.lock().expect("no panic holds it").clone()
    }

    pub(super) fn count(&self) -> usize {
        self.objects.lock().expect("no panic holds it").len()
    }

    pub(super) fn put(&self, key: &str, body: Bytes) -> Created {
        write(&self.objects, key, body)
    }
}

fn write(objects: &Mutex<BTreeMap<String, Bytes>>, key: &str, body: Bytes) -> Created {
    let mut objects = objects.lock().expect("no panic holds it");
    if objects.contains_key(key) {
        return Created::Exists;
    }
    objects.insert(key.to_owned(), body);
    Created::New
}

fn unanswered<T>() -> Result<T, StoreError> {
    Err(StoreError::Retry("the connection was lost".into()))
}

#[async_trait]
impl Store for MemoryStore {
    async fn create(&self, key: &str, body: Bytes) -> Result<Created, StoreError> {
        match self.sky.pass().await {
            Fate::Done => Ok(self.put(key, body)),
            Fate::Refused => unanswered(),
            Fate::DoneUnanswered => {
                self.put(key, body);
                unanswered()
            }
            Fate::DoneLater(pause) => {
                let (objects, key) = (Arc::clone(&self.objects), key.to_owned());
                tokio::spawn(async move {
                    tokio::time::sleep(pause).await;
                    write(&objects, &key, body);
                });
                unanswered()
            }
        }
    }

    async fn get(&self, key: &str) -> Result<Option<Bytes>, StoreError> {
        match self.sky.pass().await {
            Fate::Refused => unanswered(),
            _ => Ok(self.objects().get(key).cloned()),
        }
    }

    async fn list(
        &self,
        prefix: &str,
        start_after: Option<&str>,
    ) -> Result<Vec<Listed>, StoreError> {
        if self.sky.pass().await == Fate::Refused {
            return unanswered();
        }
        let objects = self.objects();
        let wanted = objects.iter().filter(|(key, _)| {
            key.starts_with(prefix) && start_after.is_none_or(|after| key.as_str() > after)
        });
        Ok(wanted
            .map(|(key, body)| Listed {
                key: key.clone(),
                bytes: body.len() as u64,
            })
            .collect())
    }

    async fn remove(&self, key: &str) -> Result<(), StoreError> {
        self.objects.lock().expect("no panic holds it").remove(key);
        Ok(())
    }
}
