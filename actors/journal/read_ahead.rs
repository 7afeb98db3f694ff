//! Reads the journal's objects ahead of being asked, when they are asked for
//! one after the other.
//!
//! A start reads thousands of small objects, and over a network each is a round
//! trip. As many are under way at a time as fit [`AHEAD_BYTES`] by the size of
//! the last one. Sound because an object never changes, and because a leader
//! looks at the boundary after all it read (protocol, step 3): it matters when
//! a read ended, not why it began. Absence is never remembered.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use audit::journal_id::Seq;
use bytes::Bytes;
use tokio::task::JoinSet;

use crate::ports::{Store, StoreError};

/// What may be held ahead, about; an object has at most 64 MiB.
const AHEAD_BYTES: usize = 16 << 20;
const AHEAD_MAX: usize = 32;

type Read = Result<Option<Bytes>, StoreError>;

pub(super) struct ReadAhead {
    store: Arc<dyn Store>,
    /// What stands before an object's number in its key.
    folder: Arc<str>,
    last: Option<Seq>,
    /// Dropped, it ends what is under way.
    reading: JoinSet<(Seq, Read)>,
    pending: BTreeSet<Seq>,
    ready: BTreeMap<Seq, Bytes>,
}

impl ReadAhead {
    pub(super) fn new(store: Arc<dyn Store>, folder: String) -> ReadAhead {
        ReadAhead {
            store,
            folder: folder.into(),
            last: None,
            reading: JoinSet::new(),
            pending: BTreeSet::new(),
            ready: BTreeMap::new(),
        }
    }

    /// The object in this slot.
    pub(super) async fn get(&mut self, seq: Seq) -> Read {
        let in_order = self.last.is_some_and(|last| last.next() == seq);
        if !in_order {
            self.forget();
        }
        let object = match self.taken(seq).await {
            Some(object) => Some(object),
            None => read(&*self.store, &self.folder, seq).await?,
        };
        self.last = object.as_ref().map(|_| seq);
        if let Some(object) = object.as_ref().filter(|_| in_order) {
            self.begin(seq, object.len());
        }
        Ok(object)
    }

    /// Nothing of it counts any more: the log may have gone on meanwhile.
    pub(super) fn forget(&mut self) {
        self.last = None;
        self.reading = JoinSet::new();
        self.pending.clear();
        self.ready.clear();
    }

    /// The object, if it was asked for and is there.
    async fn taken(&mut self, seq: Seq) -> Option<Bytes> {
        while self.pending.contains(&seq) {
            // A read that panicked or found nothing is made again when asked for.
            match self.reading.join_next().await? {
                Ok((read, found)) => {
                    self.pending.remove(&read);
                    if let Ok(Some(object)) = found {
                        self.ready.insert(read, object);
                    }
                }
                Err(_) => self.forget(),
            }
        }
        self.ready.remove(&seq)
    }

    fn begin(&mut self, after: Seq, usual_bytes: usize) {
        let window = (AHEAD_BYTES / usual_bytes.max(1)).min(AHEAD_MAX);
        let mut seq = after;
        for _ in 0..window {
            seq = seq.next();
            if !self.ready.contains_key(&seq) && self.pending.insert(seq) {
                let (store, folder) = (Arc::clone(&self.store), Arc::clone(&self.folder));
                self.reading
                    .spawn(async move { (seq, read(&*store, &folder, seq).await) });
            }
        }
    }
}

async fn read(store: &dyn Store, folder: &str, seq: Seq) -> Read {
    store.get(&format!("{folder}{seq}")).await
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use async_trait::async_trait;
    use tokio::time::{Duration, Instant, sleep};

    use super::*;
    use crate::ports::{Created, Expiry, Listed};

    /// Objects 1 to `count`, a second away each.
    #[derive(Default)]
    struct Far {
        count: u64,
        bytes: usize,
        asked: Mutex<Vec<String>>,
    }

    #[async_trait]
    impl Store for Far {
        async fn create(&self, _: &str, _: Bytes) -> Result<Created, StoreError> {
            unreachable!("only read")
        }

        async fn get(&self, key: &str) -> Read {
            self.asked.lock().expect("no panic").push(key.to_owned());
            sleep(Duration::from_secs(1)).await;
            let seq: u64 = key["log/".len()..].parse().expect("a number");
            Ok((seq <= self.count).then(|| Bytes::from(vec![seq as u8; self.bytes])))
        }

        async fn list(&self, _: &str, _: Option<&str>) -> Result<Vec<Listed>, StoreError> {
            unreachable!("only read")
        }

        async fn remove(&self, _: &str) -> Result<(), StoreError> {
            unreachable!("only read")
        }

        async fn expire(&self, _: &Expiry) -> Result<bool, StoreError> {
            unreachable!("only read")
        }
    }

    /// Reads all, and tells how long that took and what was asked.
    async fn check(count: u64, bytes: usize) -> (u64, usize) {
        let far = Arc::new(Far {
            count,
            bytes,
            ..Far::default()
        });
        let mut ahead = ReadAhead::new(Arc::clone(&far) as _, "log/".into());
        let start = Instant::now();
        for seq in 1..=count {
            let object = ahead.get(Seq(seq)).await.expect("reachable");
            assert_eq!(object, Some(Bytes::from(vec![seq as u8; bytes])), "{seq}");
        }
        let took = start.elapsed().as_secs();
        assert_eq!(ahead.get(Seq(count + 1)).await.expect("reachable"), None);
        let asked = far.asked.lock().expect("no panic").len();
        (took, asked)
    }

    #[tokio::test(start_paused = true)]
    async fn small_objects_are_read_many_at_a_time() {
        let (took, asked) = check(1_000, 100).await;
        assert!(took <= 40, "{took} virtual seconds");
        assert!(asked <= 1_000 + AHEAD_MAX + 1, "{asked} reads");
    }

    #[tokio::test(start_paused = true)]
    async fn large_objects_are_read_one_by_one() {
        let (took, asked) = check(5, AHEAD_BYTES + 1).await;
        assert_eq!((took, asked), (5, 6));
    }

    #[tokio::test(start_paused = true)]
    async fn a_slot_that_was_empty_is_asked_for_again() {
        let far = Arc::new(Far {
            count: 3,
            bytes: 1,
            ..Far::default()
        });
        let mut ahead = ReadAhead::new(Arc::clone(&far) as _, "log/".into());
        for seq in 1..=3 {
            assert!(ahead.get(Seq(seq)).await.expect("reachable").is_some());
        }
        assert_eq!(ahead.get(Seq(4)).await.expect("reachable"), None);
        let before = far.asked.lock().expect("no panic").len();
        assert_eq!(ahead.get(Seq(4)).await.expect("reachable"), None);
        assert_eq!(far.asked.lock().expect("no panic").len(), before + 1);
    }
}
