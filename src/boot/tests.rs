//! The probe of a store at the start: what it lets pass, and what it refuses.

use std::{
    collections::BTreeMap,
    sync::{
        Mutex,
        atomic::{AtomicU32, Ordering},
    },
};

use actors::ports::{Expiry, Listed};
use async_trait::async_trait;

use super::*;

#[derive(Default)]
struct Shelf {
    objects: Mutex<BTreeMap<String, Bytes>>,
    ignores_the_condition: bool,
    forgets: bool,
    /// Calls that fail before one succeeds.
    stumbles: AtomicU32,
}

impl Shelf {
    fn stumble(&self) -> Result<(), StoreError> {
        let left = self.stumbles.load(Ordering::Relaxed);
        self.stumbles
            .store(left.saturating_sub(1), Ordering::Relaxed);
        match left {
            0 => Ok(()),
            _ => Err(StoreError::Retry("s3:PutObject is denied: add it".into())),
        }
    }

    fn objects(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, Bytes>> {
        self.objects.lock().expect("no test panics holding it")
    }
}

#[async_trait]
impl ports::Store for Shelf {
    async fn create(&self, key: &str, body: Bytes) -> Result<Created, StoreError> {
        self.stumble()?;
        let before = self.objects().insert(key.to_owned(), body);
        if before.is_none() || self.ignores_the_condition {
            Ok(Created::New)
        } else {
            Ok(Created::Exists)
        }
    }

    async fn get(&self, key: &str) -> Result<Option<Bytes>, StoreError> {
        Ok(self.objects().get(key).filter(|_| !self.forgets).cloned())
    }

    async fn list(&self, prefix: &str, _: Option<&str>) -> Result<Vec<Listed>, StoreError> {
        let objects = self.objects();
        let found = objects.iter().filter(|(key, _)| key.starts_with(prefix));
        Ok(found
            .map(|(key, body)| Listed {
                key: key.clone(),
                bytes: body.len() as u64,
            })
            .collect())
    }

    async fn remove(&self, key: &str) -> Result<(), StoreError> {
        self.objects().remove(key);
        Ok(())
    }

    async fn expire(&self, _: &Expiry) -> Result<bool, StoreError> {
        unreachable!("a probe removes what it wrote, by name")
    }
}

/// What the probe says of a store, which it leaves as it was.
async fn check(shelf: Shelf, expected: &str) {
    let probed = probe(&shelf, "s3://b/data/", "data/_probe/1").await;
    match probed {
        Ok(()) => assert_eq!(expected, "fine"),
        Err(failure) => {
            let told = format!("{failure:?}");
            assert!(
                told.contains("Outside") && told.contains(expected),
                "{told}"
            );
        }
    }
    assert!(shelf.objects().is_empty());
}

#[tokio::test(start_paused = true)]
async fn t34_a_store_that_ignores_the_condition_is_refused_at_the_start() {
    let ignores_the_condition = true;
    let shelf = Shelf {
        ignores_the_condition,
        ..Shelf::default()
    };
    check(shelf, "s3://b/data/ does not refuse to create").await;
}

#[tokio::test(start_paused = true)]
async fn a_store_that_keeps_its_word_passes_even_if_it_stumbles_first() {
    check(Shelf::default(), "fine").await;
    let stumbles = AtomicU32::new(2);
    let shelf = Shelf {
        stumbles,
        ..Shelf::default()
    };
    check(shelf, "fine").await;
}

#[tokio::test(start_paused = true)]
async fn a_store_that_cannot_be_used_says_why_in_its_own_words() {
    let stumbles = AtomicU32::new(100);
    let shelf = Shelf {
        stumbles,
        ..Shelf::default()
    };
    check(shelf, "\"s3:PutObject is denied: add it\"").await;
    let forgets = true;
    let shelf = Shelf {
        forgets,
        ..Shelf::default()
    };
    check(shelf, "does not give back what was written").await;
}
