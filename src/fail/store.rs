//! A store that a process ends at. What is written is known by its key, and a
//! journal object by its records.

use std::sync::{Arc, atomic::Ordering};

use actors::ports::{Created, Expiry, Listed, Store, StoreError};
use async_trait::async_trait;
use audit::journal::{Object, Record};
use bytes::Bytes;

use super::{Fuse, Point};

pub(super) struct FailingStore {
    pub(super) inner: Arc<dyn Store>,
    pub(super) fuse: Arc<Fuse>,
}

/// What an object is to the protocol.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    Log,
    Boundary,
    Checkpoint,
    File,
    Other,
}

impl Kind {
    fn of(key: &str) -> Kind {
        let mut parts = key.split('/');
        match (parts.next(), parts.next(), parts.next()) {
            (Some("_idtrail"), Some(_), Some("log")) => Kind::Log,
            (Some("_idtrail"), Some(_), Some("boundary")) => Kind::Boundary,
            (Some("_idtrail"), Some(_), Some("ckpt")) => Kind::Checkpoint,
            // What is written at the start, to see whether that can be done.
            (Some("data"), Some("_probe"), _) => Kind::Other,
            (Some("data"), ..) => Kind::File,
            _ => Kind::Other,
        }
    }
}

/// Which records an object holds.
#[derive(Clone, Copy, Default, Debug)]
struct Holds {
    batch: bool,
    plan: bool,
    done: bool,
    fence: bool,
}

impl Holds {
    fn of(body: &Bytes) -> Holds {
        let mut holds = Holds::default();
        let records = Object::decode(body).map(|(object, _)| object.records);
        for record in records.into_iter().flatten() {
            match record {
                Record::Batch(_) => holds.batch = true,
                Record::Plan(_) => holds.plan = true,
                Record::Done(_) => holds.done = true,
                Record::Fence(_) => holds.fence = true,
                _ => {}
            }
        }
        holds
    }
}

/// The slot that a name ends in, of a journal object or of a file's plan.
fn slot_of(key: &str) -> u64 {
    let name = key.rsplit(['/', '-']).next().unwrap_or_default();
    let digits = name.split('.').next().unwrap_or_default();
    digits.parse().unwrap_or(u64::MAX)
}

impl FailingStore {
    /// Creates, and reaches the point meanwhile.
    async fn create_during(
        &self,
        point: Point,
        key: &str,
        body: Bytes,
    ) -> Result<Created, StoreError> {
        let (inner, key) = (Arc::clone(&self.inner), key.to_owned());
        let call = async move { inner.create(&key, body).await };
        self.fuse.during(point, call).await
    }

    async fn create_log(&self, key: &str, body: Bytes) -> Result<Created, StoreError> {
        let holds = Holds::of(&body);
        if holds.batch {
            self.fuse.reach(Point::K3);
        }
        if holds.plan {
            self.fuse.reach(Point::K9);
        }
        let created = if holds.done && self.fuse.has(Point::K13) {
            self.create_during(Point::K13, key, body).await
        } else if holds.fence && self.fuse.has(Point::K17) {
            self.create_during(Point::K17, key, body).await
        } else if holds.batch {
            self.create_during(Point::K4, key, body).await
        } else {
            self.inner.create(key, body).await
        };
        if holds.fence && matches!(created, Ok(Created::New)) {
            self.fuse.fence.store(slot_of(key), Ordering::Relaxed);
        }
        self.log_created(holds, created)
    }

    fn log_created(
        &self,
        holds: Holds,
        created: Result<Created, StoreError>,
    ) -> Result<Created, StoreError> {
        if matches!(created, Ok(Created::New)) {
            self.fuse.committed.store(holds.batch, Ordering::Relaxed);
            if holds.batch {
                self.fuse.reach(Point::K5);
            }
            if holds.plan {
                self.fuse.reach(Point::K10);
            }
        }
        created
    }

    async fn create_file(&self, key: &str, body: Bytes) -> Result<Created, StoreError> {
        let is_redone = slot_of(key) < self.fuse.fence.load(Ordering::Relaxed);
        let under_way = match is_redone && self.fuse.has(Point::K19) {
            true => Point::K19,
            false => Point::K11,
        };
        let created = self.create_during(under_way, key, body).await?;
        self.fuse.reach(Point::K12);
        Ok(created)
    }
}

#[async_trait]
impl Store for FailingStore {
    async fn create(&self, key: &str, body: Bytes) -> Result<Created, StoreError> {
        match Kind::of(key) {
            Kind::Log => self.create_log(key, body).await,
            Kind::File => self.create_file(key, body).await,
            Kind::Checkpoint => self.create_during(Point::K14, key, body).await,
            Kind::Boundary => {
                let created = self.inner.create(key, body).await;
                self.fuse.reach(Point::K15);
                created
            }
            Kind::Other => self.inner.create(key, body).await,
        }
    }

    async fn get(&self, key: &str) -> Result<Option<Bytes>, StoreError> {
        let found = self.inner.get(key).await?;
        if found.is_some() && Kind::of(key) == Kind::Log {
            self.fuse.reach(Point::K18);
        }
        Ok(found)
    }

    async fn list(
        &self,
        prefix: &str,
        start_after: Option<&str>,
    ) -> Result<Vec<Listed>, StoreError> {
        let listed = self.inner.list(prefix, start_after).await;
        let committed = || self.fuse.committed.swap(false, Ordering::Relaxed);
        if Kind::of(prefix) == Kind::Boundary && committed() {
            self.fuse.reach(Point::K6);
        }
        listed
    }

    async fn remove(&self, key: &str) -> Result<(), StoreError> {
        self.inner.remove(key).await
    }

    async fn expire(&self, expiry: &Expiry) -> Result<bool, StoreError> {
        let (inner, what) = (Arc::clone(&self.inner), expiry.clone());
        let call = async move { inner.expire(&what).await };
        self.fuse.during(Point::K16, call).await
    }
}
