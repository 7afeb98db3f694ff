//! An object store in memory: create-only, with faults.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use bytes::Bytes;
use tokio::time::Instant;

use super::weather::{Fate, Sky};
use crate::ports::{Created, Expiry, Listed, Store, StoreError};

#[derive(Debug)]
pub(super) struct MemoryStore {
    pub(super) sky: Sky,
    objects: Arc<Mutex<BTreeMap<String, Stored>>>,
}

#[derive(Debug)]
struct Stored {
    body: Bytes,
    at: Instant,
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
        let objects = self.objects.lock().expect("no panic holds it");
        let bodies = objects
            .iter()
            .map(|(key, it)| (key.clone(), it.body.clone()));
        bodies.collect()
    }

    pub(super) fn count(&self) -> usize {
        self.objects.lock().expect("no panic holds it").len()
    }

    /// Turns over one bit of the object, so many bytes from its beginning.
    pub(super) fn flip(&self, key: &str, at: usize) {
        let mut body = self.objects()[key].to_vec();
        body[at] ^= 1;
        self.replace(key, body.into());
    }

    /// What no store of ours does.
    pub(super) fn replace(&self, key: &str, body: Bytes) {
        let mut objects = self.objects.lock().expect("no panic holds it");
        objects.get_mut(key).expect("it is there").body = body;
    }

    pub(super) fn put(&self, key: &str, body: Bytes) -> Created {
        write(&self.objects, key, body)
    }
}

fn write(objects: &Mutex<BTreeMap<String, Stored>>, key: &str, body: Bytes) -> Created {
    let mut objects = objects.lock().expect("no panic holds it");
    if objects.contains_key(key) {
        return Created::Exists;
    }
    let at = Instant::now();
    objects.insert(key.to_owned(), Stored { body, at });
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
            Fate::Refused | Fate::NotTaken => unanswered(),
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

    async fn expire(&self, expiry: &Expiry) -> Result<bool, StoreError> {
        if self.sky.pass().await == Fate::Refused {
            return unanswered();
        }
        let mut objects = self.objects.lock().expect("no panic holds it");
        let newest = match &expiry.older {
            None => Some(Instant::now()),
            Some((than, age)) => objects.get(than).and_then(|it| it.at.checked_sub(*age)),
        };
        objects.retain(|key, it| {
            let named = key.starts_with(&expiry.folder) && *key < expiry.below;
            !(named && newest.is_some_and(|newest| it.at <= newest))
        });
        Ok(false)
    }
}
