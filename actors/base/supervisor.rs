//! Restarts what fails, by policy, and passes on what it cannot help.
//!
//! A supervisor is a ractor actor that learns of each child's end through
//! `handle_supervisor_evt`. It carries no data and never waits for a slot. A
//! child starts again only after the old incarnation holds nothing any more, so
//! two incarnations are never at work together. A supervisor that gives up ends
//! its children, then fails itself, and its own supervisor restarts the whole
//! subtree, under its own policy; the root giving up ends the tree.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use async_trait::async_trait;
use metrics::counter;
use ractor::{ActorCell, ActorProcessingErr, ActorRef, SpawnErr, SupervisionEvent};
use tokio::time::{Instant, timeout};

use super::actor::Failure;
use super::policy::{Decision, History, Policy, Strategy};
use super::tree::Outcome;
use crate::metrics::{ACTOR, ACTOR_RESTARTS};

/// What a supervisor supervises: the workers of an actor, or another supervisor.
#[async_trait]
pub(super) trait Child: Send + Sync {
    fn name(&self) -> &str;
    fn workers(&self) -> usize;
    /// False once it was stopped on purpose: its end is no failure then.
    fn wanted(&self) -> bool;
    async fn spawn(
        &self,
        worker: usize,
        supervisor: ActorCell,
    ) -> Result<ActorCell, ActorProcessingErr>;
    fn kill(&self, worker: usize);
    /// Resolves when this worker, and all below it, hold nothing any more.
    async fn gone(&self, worker: usize);
}

/// Unnamed for ractor: its registry is one per process, and tests run many trees.
pub(super) async fn spawn_linked<A: ractor::Actor>(
    actor: A,
    arguments: A::Arguments,
    supervisor: ActorCell,
) -> Result<ActorCell, ActorProcessingErr> {
    match A::spawn_linked(None, actor, arguments, supervisor).await {
        Ok((actor, _)) => Ok(actor.get_cell()),
        Err(SpawnErr::StartupFailed(error)) => Err(error),
        Err(other) => Err(other.into()),
    }
}

/// One supervisor of the tree, for all its incarnations.
pub(super) struct Branch {
    pub(super) name: String,
    pub(super) policy: Policy,
    pub(super) children: Vec<Box<dyn Child>>,
    /// How long a child may take to end before it counts as stuck.
    pub(super) stop_within: Duration,
    /// Only the root has it.
    pub(super) outcome: Option<Arc<OnceLock<Outcome>>>,
}

impl Branch {
    fn units(&self) -> impl Iterator<Item = (usize, usize)> {
        (0..self.children.len()).flat_map(|child| {
            let workers = self.children[child].workers();
            (0..workers).map(move |worker| (child, worker))
        })
    }

    fn kill_all(&self) {
        for (child, worker) in self.units() {
            self.children[child].kill(worker);
        }
    }

    async fn all_gone(&self) {
        for (child, worker) in self.units() {
            self.children[child].gone(worker).await;
        }
    }

    fn decide(&self, outcome: Outcome) -> Outcome {
        if let Some(cell) = &self.outcome {
            // The first word counts.
            cell.set(outcome.clone()).ok();
        }
        outcome
    }
}

#[async_trait]
impl Child for Arc<Branch> {
    fn name(&self) -> &str {
        &self.name
    }

    fn workers(&self) -> usize {
        1
    }

    fn wanted(&self) -> bool {
        self.children.iter().any(|child| child.wanted())
    }

    async fn spawn(
        &self,
        _worker: usize,
        supervisor: ActorCell,
    ) -> Result<ActorCell, ActorProcessingErr> {
        spawn_linked(Supervisor, Arc::clone(self), supervisor).await
    }

    fn kill(&self, _worker: usize) {
        self.kill_all();
    }

    async fn gone(&self, _worker: usize) {
        self.all_gone().await;
    }
}

pub(super) struct Supervisor;

/// Start these units again, if they are still down.
pub(super) struct Restart(Vec<usize>);

struct Unit {
    child: usize,
    worker: usize,
    cell: Option<ActorCell>,
    /// Stopped on purpose; never comes back.
    ended: bool,
}

pub(super) struct Ward {
    myself: ActorRef<Restart>,
    branch: Arc<Branch>,
    units: Vec<Unit>,
    history: History,
}

impl ractor::Actor for Supervisor {
    type Msg = Restart;
    type State = Ward;
    type Arguments = Arc<Branch>;

    async fn pre_start(
        &self,
        myself: ActorRef<Restart>,
        branch: Arc<Branch>,
    ) -> Result<Ward, ActorProcessingErr> {
        for child in &branch.children {
            counter!(ACTOR_RESTARTS.name, ACTOR => child.name().to_owned()).increment(0);
        }
        let units: Vec<Unit> = branch
            .units()
            .map(|(child, worker)| Unit {
                child,
                worker,
                cell: None,
                ended: false,
            })
            .collect();
        let all = (0..units.len()).collect();
        let history = History::new(branch.policy.clone());
        let mut ward = Ward {
            myself,
            branch,
            units,
            history,
        };
        ward.start(all).await?;
        Ok(ward)
    }

    async fn handle(
        &self,
        _myself: ActorRef<Restart>,
        Restart(units): Restart,
        ward: &mut Ward,
    ) -> Result<(), ActorProcessingErr> {
        Ok(ward.start(units).await?)
    }

    async fn handle_supervisor_evt(
        &self,
        _myself: ActorRef<Restart>,
        event: SupervisionEvent,
        ward: &mut Ward,
    ) -> Result<(), ActorProcessingErr> {
        let (who, error) = match event {
            SupervisionEvent::ActorFailed(who, error) => (who, error),
            SupervisionEvent::ActorTerminated(who, _state, reason) => {
                (who, reason.unwrap_or_else(|| "ended".to_owned()).into())
            }
            _ => return Ok(()),
        };
        let is_this = |unit: &Unit| {
            unit.cell
                .as_ref()
                .is_some_and(|c| c.get_id() == who.get_id())
        };
        // Not found: ended by this supervisor, which knows.
        if let Some(unit) = ward.units.iter().position(is_this) {
            ward.units[unit].cell = None;
            ward.settle(unit, error).await?;
        }
        Ok(())
    }

    async fn post_stop(
        &self,
        _myself: ActorRef<Restart>,
        ward: &mut Ward,
    ) -> Result<(), ActorProcessingErr> {
        ward.branch.decide(Outcome::Stopped);
        Ok(())
    }
}

impl Ward {
    fn child(&self, unit: usize) -> &dyn Child {
        &*self.branch.children[self.units[unit].child]
    }

    async fn start(&mut self, units: Vec<usize>) -> Result<(), Outcome> {
        for unit in units {
            if self.units[unit].ended || self.units[unit].cell.is_some() {
                continue;
            }
            let worker = self.units[unit].worker;
            let gone = self.child(unit).gone(worker);
            if timeout(self.branch.stop_within, gone).await.is_err() {
                return Err(self.stuck(unit));
            }
            match self.child(unit).spawn(worker, self.myself.get_cell()).await {
                Ok(cell) => self.units[unit].cell = Some(cell),
                Err(error) => {
                    self.settle(unit, error).await?;
                    if self.branch.policy.strategy == Strategy::AllForOne {
                        // All are down again, those not yet tried too, and start together later.
                        return Ok(());
                    }
                }
            }
        }
        Ok(())
    }

    /// Decides what follows from the end of a unit.
    async fn settle(&mut self, unit: usize, error: ActorProcessingErr) -> Result<(), Outcome> {
        let name = self.child(unit).name().to_owned();
        if let Some(fatal) = fatal(&name, &error) {
            self.halt().await.ok();
            return Err(self.branch.decide(fatal));
        }
        if !self.child(unit).wanted() {
            self.units[unit].ended = true;
            if self.units.iter().all(|unit| unit.ended) {
                self.myself.stop(None);
            }
            return Ok(());
        }
        match self.history.failed(Instant::now()) {
            Decision::GiveUp => {
                self.halt().await.ok();
                Err(self.give_up(format!("{name} failed too often, last: {error}")))
            }
            Decision::RestartAfter(delay) => {
                let mut again = vec![unit];
                if self.branch.policy.strategy == Strategy::AllForOne {
                    self.halt().await?;
                    again = (0..self.units.len()).collect();
                }
                report_restart(&self.branch.name, &name, &error, delay);
                // The handle is not needed: a supervisor that has ended gets no message.
                drop(self.myself.send_after(delay, move || Restart(again)));
                Ok(())
            }
        }
    }

    /// Ends all children and waits until they hold nothing any more.
    async fn halt(&mut self) -> Result<(), Outcome> {
        for unit in &mut self.units {
            if let Some(cell) = unit.cell.take() {
                // Unlinked, for ractor would send the state of what is killed to this supervisor,
                // which waits here for its drop. A supervisor before its children: it must not
                // bring them back.
                cell.unlink(self.myself.get_cell());
                cell.kill();
            }
        }
        self.branch.kill_all();
        let gone = timeout(self.branch.stop_within, self.branch.all_gone()).await;
        gone.map_err(|_| self.give_up("a child does not end".to_owned()))
    }

    fn stuck(&self, unit: usize) -> Outcome {
        let name = self.child(unit).name();
        self.give_up(format!("{name} does not end, so it cannot start again"))
    }

    fn give_up(&self, reason: String) -> Outcome {
        tracing::error!(supervisor = self.branch.name, reason, "supervisor gives up");
        self.branch.decide(Outcome::GaveUp {
            supervisor: self.branch.name.clone(),
            reason,
        })
    }
}

/// The fatal failure of an actor, or of one further down.
fn fatal(actor: &str, error: &ActorProcessingErr) -> Option<Outcome> {
    if let Some(Failure::Fatal(reason)) = error.downcast_ref() {
        tracing::error!(actor, reason, "fatal failure: everything ends");
        return Some(Outcome::Fatal {
            actor: actor.to_owned(),
            reason: reason.clone(),
        });
    }
    match error.downcast_ref() {
        Some(fatal @ Outcome::Fatal { .. }) => Some(fatal.clone()),
        _ => None,
    }
}

fn report_restart(supervisor: &str, actor: &str, error: &ActorProcessingErr, delay: Duration) {
    counter!(ACTOR_RESTARTS.name, ACTOR => actor.to_owned()).increment(1);
    let delay_ms = u64::try_from(delay.as_millis()).unwrap_or(u64::MAX);
    tracing::warn!(supervisor, actor, %error, delay_ms, "failed, will be restarted");
}
