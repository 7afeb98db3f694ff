//! The leader as the actors share it: one lock, and the ledger.
//!
//! It is made by the pipeline and outlives every incarnation of every actor, so
//! a batch that was being written when the appender fell is still being written
//! when the next one starts. The lock is held for moments and never across an
//! await. Should somebody panic while holding it, the replica state is in doubt
//! and the process must end: [`Failure::Fatal`].

use std::{
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use audit::{accounting::Counts, key::Key};

use super::{
    claims::{BatchNo, Rider, Verdict},
    effect::Now,
    leader::{Contents, Leader, Refused, Stale},
};
use crate::{
    base::{Budget, Failure},
    ports::Clock,
};

pub struct Desk<R: Rider>(Arc<Shared<R>>);

struct Shared<R: Rider> {
    leader: Mutex<Leader<R>>,
    clock: Arc<dyn Clock>,
    budget: Budget,
    /// What the replica state's rows were charged to the budget.
    charged: AtomicU64,
    /// What the journal had counted when this process first led it.
    counts_before: OnceLock<Counts>,
}

/// A batch being filled. Dropped before it is submitted, it is given up.
pub struct OpenBatch<R: Rider> {
    desk: Desk<R>,
    no: BatchNo,
}

impl<R: Rider> Desk<R> {
    pub fn new(leader: Leader<R>, clock: Arc<dyn Clock>, budget: Budget) -> Desk<R> {
        Desk(Arc::new(Shared {
            leader: Mutex::new(leader),
            clock,
            budget,
            charged: AtomicU64::new(0),
            counts_before: OnceLock::new(),
        }))
    }

    pub fn leader(&self) -> Result<MutexGuard<'_, Leader<R>>, Failure> {
        let doubt = |_| Failure::Fatal("the replica state is in doubt after a panic".into());
        self.0.leader.lock().map_err(doubt)
    }

    /// For whoever only looks on: a leader in doubt ends the tree by itself.
    pub fn look<T>(&self, look: impl FnOnce(&mut Leader<R>) -> T) -> T {
        look(&mut self.0.leader.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub fn now(&self) -> Now {
        Now::of(&*self.0.clock)
    }

    pub fn budget(&self) -> &Budget {
        &self.0.budget
    }

    /// The journal's sums when this process first led it; all, before it does.
    pub fn counts_before(&self) -> Counts {
        let all = || self.look(|leader| leader.replica().counts());
        self.0.counts_before.get().copied().unwrap_or_else(all)
    }

    /// Whether more may be received: commits get through, or none is pending.
    pub fn accepts(&self, stale: Duration) -> Result<bool, Failure> {
        let now = self.now();
        let leader = self.leader()?;
        let flowing =
            leader.is_idle() || u128::from(leader.unacknowledged_ms(now)) < stale.as_millis();
        Ok(leader.is_serving() && flowing)
    }

    pub fn begin(&self) -> Result<Result<OpenBatch<R>, Stale>, Failure> {
        let begun = self.leader()?.begin();
        Ok(begun.map(|no| OpenBatch {
            desk: self.clone(),
            no,
        }))
    }

    /// Brings the ledger up to date with the leader. To be
    /// called after each answer.
    pub(super) fn publish(&self) -> Result<(), Failure> {
        let retained = {
            let leader = self.leader()?;
            let replica = leader.replica();
            if leader.is_serving() {
                self.0.counts_before.get_or_init(|| replica.counts());
            }
            crate::report::state_held(replica);
            replica.retained_bytes()
        };
        let before = self.0.charged.swap(retained, Ordering::Relaxed);
        if retained > before {
            self.0.budget.charge(retained - before);
        } else {
            self.0.budget.repay(before - retained);
        }
        Ok(())
    }
}

impl<R: Rider> OpenBatch<R> {
    /// Judges a parcel's keys; see [`Leader::offer`].
    pub fn offer(
        &self,
        keys: &[Key],
        rider: R,
    ) -> Result<Result<Vec<Verdict>, Refused<R>>, Failure> {
        Ok(self.desk.leader()?.offer(self.no, keys, rider))
    }

    pub fn no(&self) -> BatchNo {
        self.no
    }

    /// Hands the closed batch to the leader, which keeps it from here on.
    pub(super) fn submit(self, contents: Contents) -> Result<Result<(), Stale>, Failure> {
        Ok(self.desk.leader()?.submit(self.no, contents))
    }
}

impl<R: Rider> Drop for OpenBatch<R> {
    fn drop(&mut self) {
        // A lock in doubt ends the process anyway.
        if let Ok(mut leader) = self.desk.0.leader.lock() {
            leader.abandon(self.no);
        }
    }
}

impl<R: Rider> Clone for Desk<R> {
    fn clone(&self) -> Desk<R> {
        Desk(Arc::clone(&self.0))
    }
}

impl<R: Rider> fmt::Debug for Desk<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Desk")
            .field("budget", &self.0.budget)
            .finish_non_exhaustive()
    }
}

impl<R: Rider> fmt::Debug for OpenBatch<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("OpenBatch").field(&self.no).finish()
    }
}
