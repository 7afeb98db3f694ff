//! A few OS threads for work that would hold up others: parsing, sorting, encoding.
//!
//! The pool stands behind a bounded channel and is entered with a slot, so that
//! async code waits for the slot and never blocks in the channel. A panic in a
//! job ends that job alone: it comes back as [`Panicked`], and the thread goes
//! on. A job whose caller has gone is finished all the same, its result dropped.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::{fmt, io, thread};

use crossbeam_channel::{Receiver, Sender, bounded};
use metrics::{Counter, Gauge, counter, gauge};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use super::blocked::Blocked;
use super::cpu::{Charge, payer};
use super::probe::Probe;
use crate::metrics::{COMPUTE_BLOCKED, COMPUTE_BUSY, COMPUTE_PANICS, COMPUTE_THREADS};

/// A job panicked, with these words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a compute job panicked: {0}")]
pub struct Panicked(pub String);

impl From<Panicked> for super::Failure {
    fn from(panicked: Panicked) -> Self {
        Self::Restart(panicked.to_string())
    }
}

type Job = Box<dyn FnOnce() + Send>;

/// The pool; clones share it. Its threads end with the last clone.
#[derive(Clone)]
pub struct Compute {
    /// `None`: jobs run where they are awaited.
    pool: Option<Pool>,
    panics: Counter,
    probe: Probe,
    jobs: Arc<AtomicU64>,
}

/// What a [`Probe`] knows the jobs as.
const NAME: &str = "compute";

#[derive(Clone)]
struct Pool {
    jobs: Sender<Job>,
    slots: Arc<Semaphore>,
    blocked: Counter,
}

impl Compute {
    /// `threads` 0 means one per core; `slots` is how many jobs may wait for a thread, at least one.
    /// Fails if the system gives no threads.
    pub fn new(threads: usize, slots: usize) -> io::Result<Self> {
        let threads = match threads {
            0 => thread::available_parallelism().map_or(1, usize::from),
            given => given,
        };
        let slots = slots.clamp(1, Semaphore::MAX_PERMITS);
        let (sender, jobs) = bounded::<Job>(slots);
        for number in 0..threads {
            let (jobs, busy) = (jobs.clone(), gauge!(COMPUTE_BUSY.name));
            thread::Builder::new()
                .name(format!("compute-{number}"))
                .spawn(move || work(&jobs, &busy))?;
        }
        gauge!(COMPUTE_THREADS.name).set(threads as f64);
        Ok(Self {
            pool: Some(Pool {
                jobs: sender,
                slots: Arc::new(Semaphore::new(slots)),
                blocked: counter!(COMPUTE_BLOCKED.name),
            }),
            panics: counter!(COMPUTE_PANICS.name),
            probe: Probe::none(),
            jobs: Arc::default(),
        })
    }

    /// Without threads: a job runs where it is awaited, and blocks it. For simulations, which must
    /// go the same way each time, and whose clock does not wait for threads.
    pub fn inline() -> Self {
        Self {
            pool: None,
            panics: counter!(COMPUTE_PANICS.name),
            probe: Probe::none(),
            jobs: Arc::default(),
        }
    }

    /// Calls the probe inside each job, as the tree does inside actors.
    #[must_use]
    pub fn with_probe(self, probe: Probe) -> Self {
        Self { probe, ..self }
    }

    /// Waits for a slot, then for the job, whose CPU time is charged to the actor that asks.
    pub async fn run<R: Send + 'static>(
        &self,
        job: impl FnOnce() -> R + Send + 'static,
    ) -> Result<R, Panicked> {
        let nth = self.jobs.fetch_add(1, Ordering::Relaxed) + 1;
        let probe = self.probe.clone();
        let job = move || {
            probe.before(NAME, nth);
            job()
        };
        let result = match &self.pool {
            None => contained(job),
            Some(pool) => pool.run(job).await,
        };
        if let Err(Panicked(reason)) = &result {
            report_panic(&self.panics, reason);
        }
        result
    }
}

impl Pool {
    async fn run<R: Send + 'static>(
        &self,
        job: impl FnOnce() -> R + Send + 'static,
    ) -> Result<R, Panicked> {
        let slot = self.slot().await;
        let (told, result) = oneshot::channel();
        let payer = payer();
        let job = move || {
            drop(slot);
            let _charge = payer.as_ref().map(Charge::to);
            // An error says that the caller has gone.
            drop(told.send(contained(job)));
        };
        // There is room for as many jobs as there are slots, and threads as long as there is `self`.
        let lost = || Panicked("the pool has lost its threads".to_owned());
        self.jobs.try_send(Box::new(job)).map_err(|_| lost())?;
        result.await.map_err(|_| lost())?
    }

    async fn slot(&self) -> OwnedSemaphorePermit {
        let slots = Arc::clone(&self.slots);
        if let Ok(slot) = Arc::clone(&slots).try_acquire_owned() {
            return slot;
        }
        let _blocked = Blocked::on(&self.blocked);
        slots.acquire_owned().await.expect("nobody closes it")
    }
}

impl fmt::Debug for Compute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let waiting = self.pool.as_ref().map(|pool| pool.jobs.len());
        f.debug_struct("Compute")
            .field("waiting", &waiting)
            .finish()
    }
}

fn work(jobs: &Receiver<Job>, busy: &Gauge) {
    for job in jobs {
        busy.increment(1);
        // The job contains its own panic; left is one in the drop of a result that nobody took.
        catch_unwind(AssertUnwindSafe(job)).ok();
        busy.decrement(1);
    }
}

/// What the job captured is dropped with it, so nothing half-changed is seen by others.
fn contained<R>(job: impl FnOnce() -> R) -> Result<R, Panicked> {
    catch_unwind(AssertUnwindSafe(job)).map_err(|panic| Panicked(words(&*panic)))
}

fn words(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "without words".to_owned())
}

fn report_panic(panics: &Counter, reason: &str) {
    panics.increment(1);
    tracing::error!(reason, "a compute job panicked");
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[tokio::test]
    async fn a_panic_comes_back_as_an_error_and_the_pool_goes_on() {
        for compute in [Compute::new(1, 1).expect("threads"), Compute::inline()] {
            type Case = (fn() -> u8, Result<u8, &'static str>);
            let cases: [Case; 4] = [
                (|| 1, Ok(1)),
                (|| panic!("a word"), Err("a word")),
                (|| panic!("{}", 2 + 2), Err("4")),
                (|| std::panic::panic_any(7), Err("without words")),
            ];
            for (job, expected) in cases {
                let expected = expected.map_err(|words| Panicked(words.to_owned()));
                assert_eq!(compute.run(job).await, expected);
            }
            assert_eq!(compute.run(|| 2).await, Ok(2));
        }
    }

    #[tokio::test]
    async fn no_more_jobs_wait_than_there_are_slots() {
        let compute = Compute::new(1, 2).expect("threads");
        let (hold, begun) = (Arc::new(Barrier::new(2)), Arc::new(AtomicUsize::new(0)));
        let jobs: Vec<_> = (0..6)
            .map(|_| {
                let (compute, hold, begun) = (compute.clone(), hold.clone(), begun.clone());
                tokio::spawn(async move {
                    let job = move || {
                        begun.fetch_add(1, Ordering::SeqCst);
                        hold.wait();
                    };
                    compute.run(job).await
                })
            })
            .collect();
        let pool = compute.pool.as_ref().expect("a pool");
        for begun_so_far in 1..=6 {
            while begun.load(Ordering::SeqCst) < begun_so_far {
                tokio::task::yield_now().await;
                assert!(pool.jobs.len() <= 2);
            }
            hold.wait();
        }
        for job in jobs {
            assert_eq!(job.await.expect("joined"), Ok(()));
        }
        assert_eq!((pool.jobs.len(), pool.slots.available_permits()), (0, 2));
    }

    #[tokio::test]
    async fn a_job_whose_caller_has_gone_frees_its_slot() {
        let compute = Compute::new(1, 1).expect("threads");
        let (begun, hold) = (Arc::new(Barrier::new(2)), Arc::new(Barrier::new(2)));
        let job = {
            let (compute, begun, hold) = (compute.clone(), begun.clone(), hold.clone());
            tokio::spawn(async move {
                let job = move || {
                    begun.wait();
                    hold.wait();
                };
                compute.run(job).await
            })
        };
        tokio::task::yield_now().await;
        begun.wait();
        job.abort();
        assert!(job.await.is_err_and(|error| error.is_cancelled()));
        hold.wait();
        assert_eq!(compute.run(|| 3).await, Ok(3));
    }
}
