//! Which events are on their way into the journal, and who waits for them.
//!
//! A batch claims the key of each new event it takes. A second copy that
//! arrives before the batch is committed is no new row, but its message may be
//! deleted only when the first copy is durable: it *rides* with the batch that
//! has it. A batch that is given up (dropped, fenced) drops its riders, which
//! fails their messages, and frees its keys: the queue brings the events again.

use std::collections::BTreeMap;

use audit::key::Key;
use hashbrown::{HashMap, hash_map::Entry};

/// Somebody's stake in a batch. Dropped = the batch failed him.
pub trait Rider: Send + 'static {
    /// A second stake of the same party: both must be honoured.
    #[must_use]
    fn split(&self) -> Self;
}

/// Names one batch of this process, never reused.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct BatchNo(u64);

/// What an event is, as it arrives.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// Never seen inside the dedup window: the batch has it now.
    New,
    /// A copy of a durable event, or of one that a batch already has.
    Duplicate,
}

#[derive(Debug)]
pub(crate) struct Claims<R> {
    owner: HashMap<Key, BatchNo>,
    batches: BTreeMap<BatchNo, Claim<R>>,
    last: u64,
}

#[derive(Debug)]
struct Claim<R> {
    keys: Vec<Key>,
    riders: Vec<R>,
}

impl<R: Rider> Claims<R> {
    pub(crate) fn new() -> Claims<R> {
        Claims {
            owner: HashMap::new(),
            batches: BTreeMap::new(),
            last: 0,
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.batches.is_empty()
    }

    pub(crate) fn has(&self, batch: BatchNo) -> bool {
        self.batches.contains_key(&batch)
    }

    pub(crate) fn begin(&mut self) -> BatchNo {
        self.last += 1;
        let batch = BatchNo(self.last);
        self.batches.insert(
            batch,
            Claim {
                keys: Vec::new(),
                riders: Vec::new(),
            },
        );
        batch
    }

    /// Judges `keys` and lets `rider` ride with `batch`, and with every other
    /// batch that has one of them. `None`: the batch is no more.
    pub(crate) fn offer(
        &mut self,
        batch: BatchNo,
        keys: &[Key],
        rider: R,
        durable: impl Fn(&Key) -> bool,
    ) -> Option<Vec<Verdict>> {
        let claim = self.batches.get_mut(&batch)?;
        let mut others: Vec<BatchNo> = Vec::new();
        let mut verdicts = Vec::with_capacity(keys.len());
        for key in keys {
            verdicts.push(match self.owner.entry(*key) {
                _ if durable(key) => Verdict::Duplicate,
                Entry::Vacant(free) => {
                    free.insert(batch);
                    claim.keys.push(*key);
                    Verdict::New
                }
                Entry::Occupied(taken) => {
                    let owner = *taken.get();
                    if owner != batch && !others.contains(&owner) {
                        others.push(owner);
                    }
                    Verdict::Duplicate
                }
            });
        }
        for other in others {
            if let Some(claim) = self.batches.get_mut(&other) {
                claim.riders.push(rider.split());
            }
        }
        if let Some(claim) = self.batches.get_mut(&batch) {
            claim.riders.push(rider);
        }
        Some(verdicts)
    }

    /// The batch is durable: its riders, to be honoured.
    pub(crate) fn commit(&mut self, batch: BatchNo) -> Vec<R> {
        self.end(batch)
            .map(|claim| claim.riders)
            .unwrap_or_default()
    }

    /// The batch will never be written: its riders are dropped.
    pub(crate) fn abandon(&mut self, batch: BatchNo) {
        drop(self.end(batch));
    }

    /// All batches are given up.
    pub(crate) fn clear(&mut self) {
        self.owner.clear();
        self.batches.clear();
    }

    fn end(&mut self, batch: BatchNo) -> Option<Claim<R>> {
        let claim = self.batches.remove(&batch)?;
        for key in &claim.keys {
            self.owner.remove(key);
        }
        Some(claim)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    };

    use super::*;

    /// Counts the stakes that were dropped.
    #[derive(Debug)]
    struct Stake(Arc<AtomicUsize>);

    impl Rider for Stake {
        fn split(&self) -> Stake {
            Stake(Arc::clone(&self.0))
        }
    }

    impl Drop for Stake {
        fn drop(&mut self) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn stake() -> (Arc<AtomicUsize>, Stake) {
        let dropped = Arc::new(AtomicUsize::new(0));
        (Arc::clone(&dropped), Stake(dropped))
    }

    #[test]
    fn a_copy_rides_with_the_batch_that_has_the_event() {
        let mut claims = Claims::new();
        let (first, second) = (claims.begin(), claims.begin());
        let (a_failed, a) = stake();
        let (b_failed, b) = stake();
        let new = claims.offer(first, &[Key(1), Key(1)], a, |_| false);
        assert_eq!(new, Some(vec![Verdict::New, Verdict::Duplicate]));
        let copy = claims.offer(second, &[Key(1), Key(2)], b, |_| false);
        assert_eq!(copy, Some(vec![Verdict::Duplicate, Verdict::New]));

        claims.abandon(first);
        assert_eq!(a_failed.load(Ordering::Relaxed), 1);
        assert_eq!(
            b_failed.load(Ordering::Relaxed),
            1,
            "its event went with the first batch"
        );
        assert_eq!(claims.commit(second).len(), 1);

        let third = claims.begin();
        let (_, again) = stake();
        let freed = claims.offer(third, &[Key(1)], again, |_| false);
        assert_eq!(
            freed,
            Some(vec![Verdict::New]),
            "an abandoned key is free again"
        );
    }

    #[test]
    fn a_durable_event_is_a_duplicate_and_its_message_rides_along() {
        let mut claims = Claims::new();
        let batch = claims.begin();
        let (failed, rider) = stake();
        let verdicts = claims.offer(batch, &[Key(7)], rider, |key| *key == Key(7));
        assert_eq!(verdicts, Some(vec![Verdict::Duplicate]));
        assert_eq!(claims.commit(batch).len(), 1);
        assert_eq!(
            failed.load(Ordering::Relaxed),
            1,
            "dropped by this test only"
        );
        assert!(claims.is_empty());
    }

    #[test]
    fn nothing_can_be_offered_to_a_batch_that_is_gone() {
        let mut claims = Claims::new();
        let batch = claims.begin();
        claims.clear();
        let (failed, rider) = stake();
        assert_eq!(claims.offer(batch, &[Key(1)], rider, |_| false), None);
        assert_eq!(failed.load(Ordering::Relaxed), 1);
        assert!(!claims.has(batch));
    }
}
