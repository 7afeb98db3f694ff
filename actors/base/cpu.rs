//! CPU time, charged to the actor it was spent for.
//!
//! While an actor is polled its thread is its payer's: [`charged`]. A compute
//! job, or a task of its own, pays to whoever asked for it: [`payer`]. Two
//! system calls a poll or job, of a quarter of a microsecond each, and both are
//! for many events. What nobody is charged for (the runtime itself, file I/O on
//! blocking threads) is the difference to the CPU time of the process.

use std::cell::RefCell;
use std::future::{Future, poll_fn};
use std::pin::pin;

use metrics::Counter;
use rustix::time::{ClockId, Timespec, clock_gettime};

thread_local! {
    static PAYER: RefCell<Option<Counter>> = const { RefCell::new(None) };
}

/// Who pays for what runs here, if anybody.
pub(crate) fn payer() -> Option<Counter> {
    PAYER.with_borrow(Clone::clone)
}

/// Counts the CPU time of every poll in nanoseconds; without a payer, of none.
pub(crate) async fn charged<F: Future>(payer: Option<Counter>, future: F) -> F::Output {
    let mut future = pin!(future);
    poll_fn(|cx| {
        let _charge = payer.as_ref().map(Charge::to);
        future.as_mut().poll(cx)
    })
    .await
}

/// Counts from its making to its drop, on one thread; so a panic is paid for as well.
pub(super) struct Charge<'a> {
    payer: &'a Counter,
    before: Option<Counter>,
    since: Timespec,
}

impl<'a> Charge<'a> {
    pub(super) fn to(payer: &'a Counter) -> Self {
        Self {
            payer,
            before: PAYER.replace(Some(payer.clone())),
            since: clock_gettime(ClockId::ThreadCPUTime),
        }
    }
}

impl Drop for Charge<'_> {
    fn drop(&mut self) {
        let now = clock_gettime(ClockId::ThreadCPUTime);
        let seconds = now.tv_sec - self.since.tv_sec;
        let spent = seconds * 1_000_000_000 + now.tv_nsec - self.since.tv_nsec;
        self.payer.increment(u64::try_from(spent).unwrap_or(0));
        PAYER.set(self.before.take());
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    fn counter() -> (Counter, Arc<AtomicU64>) {
        let total = Arc::new(AtomicU64::new(0));
        (Counter::from_arc(Arc::clone(&total)), total)
    }

    /// Returns when this thread has used so much CPU time.
    fn burn(nanos: i64) {
        let of = |time: Timespec| time.tv_sec * 1_000_000_000 + time.tv_nsec;
        let end = of(clock_gettime(ClockId::ThreadCPUTime)) + nanos;
        while of(clock_gettime(ClockId::ThreadCPUTime)) < end {}
    }

    #[tokio::test]
    async fn what_is_burnt_in_polls_is_charged_and_waiting_is_not() {
        let (payer, total) = counter();
        let work = async {
            burn(2_000_000);
            tokio::task::yield_now().await;
            burn(3_000_000);
        };
        charged(Some(payer), work).await;
        burn(50_000_000);
        let charged = total.load(Ordering::Relaxed);
        assert!((5_000_000..50_000_000).contains(&charged), "{charged}");
    }

    #[tokio::test]
    async fn the_payer_is_known_inside_and_the_one_before_afterwards() {
        let ((outer, _), (inner, total)) = (counter(), counter());
        assert!(payer().is_none());
        let work = async {
            charged(Some(inner.clone()), async {
                payer().expect("the inner one").increment(7);
            })
            .await;
            assert!(payer().is_some());
        };
        charged(Some(outer), work).await;
        assert!(payer().is_none() && total.load(Ordering::Relaxed) >= 7);
    }
}
