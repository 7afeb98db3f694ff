//! A pipeline as it looks from outside: how far it is, and when nothing is left.
//!
//! A watch holds no actor up and outlives all of them. A drain is over when the
//! queue is empty, or has been silent for long enough where it does not tell,
//! and every row is in a file.

use std::time::Duration;

use audit::accounting::Counts;
use tokio::time::{Instant, sleep};

use super::{Kept, Ports};
use crate::{
    ingest::{inflight::InFlight, parcel::Stake, signals::Silence},
    journal::{
        desk::Desk,
        leader::{Leader, Standing},
        planner::Draining,
        replica::PlanId,
        working::Working,
    },
    ports::{Backlog, QueueError},
};

/// How often a pipeline that drains or stops is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// A queue that does not tell its backlog counts as empty when it gave nothing
/// for so long: more than a long poll, and than most of its own delays.
const SILENCE: Duration = Duration::from_secs(35);

/// Looks at a pipeline from outside of it.
#[derive(Clone, Debug)]
pub struct Watch {
    pub(super) ports: Ports,
    pub(super) desk: Desk<Stake>,
    pub(super) in_flight: InFlight,
    pub(super) silence: Silence,
    pub(super) draining: Draining,
    pub(super) working: Working,
}

/// How far things are.
#[derive(Clone, Copy, Debug, Default)]
pub struct Progress {
    pub leading: bool,
    /// Since this process leads.
    pub counts: Counts,
    /// `None` where the queue does not tell.
    pub backlog: Option<Backlog>,
    pub in_flight: usize,
    /// Messages that were deleted from the queue.
    pub messages_done: u64,
    /// Rows that are durable and not yet in a file.
    pub rows_waiting: u64,
}

/// Why a drain does not come to its end.
#[derive(Debug, thiserror::Error)]
pub enum Undrained {
    #[error(transparent)]
    Queue(#[from] QueueError),
    #[error(
        "{rows} rows are durable in the journal, and their file is not made: {why}. All else is \
         done; `idtrail journal plans` names the files"
    )]
    File { rows: u64, why: String },
}

impl Watch {
    pub(super) fn of(kept: Kept, ports: Ports) -> Watch {
        Watch {
            ports,
            desk: kept.desk,
            in_flight: kept.in_flight,
            silence: kept.silence,
            draining: kept.draining,
            working: kept.working,
        }
    }

    /// What this process is to the journal.
    pub fn standing(&self) -> Standing {
        let now = self.desk.now();
        self.leader(|leader| leader.standing(now))
    }

    /// What was counted since this process leads.
    pub fn counts(&self) -> Counts {
        let before = self.desk.counts_before();
        self.leader(|leader| leader.replica().counts() - before)
    }

    pub async fn progress(&self) -> Result<Progress, QueueError> {
        let backlog = self.ports.queue.backlog().await?;
        let before = self.desk.counts_before();
        Ok(self.leader(|leader| Progress {
            leading: leader.is_serving(),
            counts: leader.replica().counts() - before,
            backlog,
            in_flight: self.in_flight.count(),
            messages_done: self.in_flight.settled(),
            rows_waiting: leader.replica().rows_waiting(),
        }))
    }

    /// Goes on until the queue is empty and every row is in a file; tells how
    /// far it is on the way. A queue that was reached once may fail for a while.
    /// To be cancelled by whoever has a deadline, and then stops. Afterwards the
    /// pipeline closes files as it did before. It fails when nothing is left but
    /// files that cannot be made.
    pub async fn drain(&self, mut tell: impl FnMut(&Progress)) -> Result<Progress, Undrained> {
        let mut reached = false;
        loop {
            let progress = match self.progress().await {
                Err(QueueError::Retry(_)) if reached => {
                    sleep(LOOK_EVERY).await;
                    continue;
                }
                progress => progress?,
            };
            reached = true;
            tell(&progress);
            let empty = match progress.backlog {
                Some(backlog) => backlog == Backlog::default(),
                None => self.silence.lasts() >= SILENCE,
            };
            if empty && progress.in_flight == 0 && progress.leading {
                self.draining.set();
                if self.leader(|leader| leader.is_idle() && leader.replica().is_settled()) {
                    self.draining.clear();
                    return Ok(progress);
                }
                if let Some(why) = self.hopeless() {
                    self.draining.clear();
                    let rows = progress.rows_waiting;
                    return Err(Undrained::File { rows, why });
                }
            }
            sleep(LOOK_EVERY).await;
        }
    }

    /// Whether every planned file is there that can be made.
    pub(super) fn is_filed(&self) -> bool {
        self.leader(|leader| {
            let mut plans = leader.plans_to_do();
            plans.all(|plan| self.working.is_set_aside(&plan.id))
        })
    }

    /// Why the files that are left cannot be made, if no others are.
    fn hopeless(&self) -> Option<String> {
        let plans = self.leader(|leader| {
            let all_planned = leader.replica().waiting().is_empty();
            (all_planned && leader.is_idle())
                .then(|| leader.plans_to_do().map(|plan| plan.id.clone()).collect())
        });
        let plans: Vec<PlanId> = plans?;
        self.working.hopeless(plans)
    }

    /// A leader in doubt ends the tree; until it has, it can be looked at.
    pub(super) fn leader<T>(&self, look: impl FnOnce(&mut Leader<Stake>) -> T) -> T {
        self.desk.look(look)
    }

    pub(super) async fn wait_for(&self, end: Instant, reached: impl Fn(&Watch) -> bool) {
        while !reached(self) && Instant::now() < end {
            sleep(LOOK_EVERY).await;
        }
    }
}
