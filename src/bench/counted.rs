//! Ports that count the calls made of them.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use actors::{
    pipeline::Ports,
    ports::{
        Backlog, Created, Expiry, Listed, Message, MessageId, Outgoing, Queue, QueueError, Receipt,
        Store, StoreError,
    },
};
use async_trait::async_trait;
use bytes::Bytes;
use serde::{Deserialize, Serialize};

/// Calls by kind.
#[derive(Clone, Default, Debug)]
pub(super) struct Tally(Arc<Counters>);

#[derive(Default, Debug)]
struct Counters {
    receives: AtomicU64,
    deletes: AtomicU64,
    creates: AtomicU64,
    reads: AtomicU64,
    lists: AtomicU64,
    removes: AtomicU64,
}

/// What a [`Tally`] says: of the queue and of both stores.
#[derive(Clone, Copy, PartialEq, Default, Debug, Serialize, Deserialize)]
pub struct Calls {
    pub receives: f64,
    pub deletes: f64,
    pub creates: f64,
    pub reads: f64,
    pub lists: f64,
    pub removes: f64,
}

impl Tally {
    /// The same ports, each call counted.
    pub(super) fn count(&self, ports: Ports) -> Ports {
        let store = |inner| {
            let tally = self.clone();
            Arc::new(CountedStore { inner, tally })
        };
        Ports {
            queue: Arc::new(CountedQueue {
                inner: ports.queue,
                tally: self.clone(),
            }),
            lake: store(ports.lake),
            transient: store(ports.transient),
            ..ports
        }
    }

    /// Calls for each million events.
    pub(super) fn per_million(&self, events: u64) -> Calls {
        let of = |count: &AtomicU64| count.load(Ordering::Relaxed) as f64 * 1e6 / events as f64;
        let Counters {
            receives,
            deletes,
            creates,
            reads,
            lists,
            removes,
        } = &*self.0;
        Calls {
            receives: of(receives),
            deletes: of(deletes),
            creates: of(creates),
            reads: of(reads),
            lists: of(lists),
            removes: of(removes),
        }
    }
}

fn one(count: &AtomicU64) {
    count.fetch_add(1, Ordering::Relaxed);
}

struct CountedQueue {
    inner: Arc<dyn Queue>,
    tally: Tally,
}

#[async_trait]
impl Queue for CountedQueue {
    async fn receive(&self, count_max: usize) -> Result<Vec<Message>, QueueError> {
        one(&self.tally.0.receives);
        self.inner.receive(count_max).await
    }

    async fn delete(&self, entries: &[(MessageId, Receipt)]) -> Result<Vec<bool>, QueueError> {
        one(&self.tally.0.deletes);
        self.inner.delete(entries).await
    }

    async fn bury(&self, message: &Message, reason: &str) -> Result<bool, QueueError> {
        self.inner.bury(message, reason).await
    }

    async fn send(&self, messages: Vec<Outgoing>) -> Result<(), QueueError> {
        self.inner.send(messages).await
    }

    async fn backlog(&self) -> Result<Option<Backlog>, QueueError> {
        self.inner.backlog().await
    }
}

struct CountedStore {
    inner: Arc<dyn Store>,
    tally: Tally,
}

#[async_trait]
impl Store for CountedStore {
    async fn create(&self, key: &str, body: Bytes) -> Result<Created, StoreError> {
        one(&self.tally.0.creates);
        self.inner.create(key, body).await
    }

    async fn get(&self, key: &str) -> Result<Option<Bytes>, StoreError> {
        one(&self.tally.0.reads);
        self.inner.get(key).await
    }

    async fn list(
        &self,
        prefix: &str,
        start_after: Option<&str>,
    ) -> Result<Vec<Listed>, StoreError> {
        one(&self.tally.0.lists);
        self.inner.list(prefix, start_after).await
    }

    async fn remove(&self, key: &str) -> Result<(), StoreError> {
        one(&self.tally.0.removes);
        self.inner.remove(key).await
    }

    async fn expire(&self, expiry: &Expiry) -> Result<bool, StoreError> {
        one(&self.tally.0.removes);
        self.inner.expire(expiry).await
    }
}
