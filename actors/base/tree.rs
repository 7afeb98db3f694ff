//! The whole: actors put behind their mailboxes, started, awaited and ended.
//!
//! [`Tree`] joins what the topology says with the code of each actor;
//! [`Running`] is the tree at work. It ends in one of three ways, and whichever
//! it was, [`Running::finished`] resolves only when every address is closed and
//! no actor holds anything any more.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout, timeout_at};

use super::actor::{Actor, Blueprint};
use super::address::{Gate, Mailbox};
use super::probe::Probe;
use super::supervisor::{Branch, Child, Supervisor};
use super::topology::{SupervisorSpec, Topology};

/// How a tree ended.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Outcome {
    #[error("stopped on request")]
    Stopped,
    #[error("supervisor {supervisor} gave up: {reason}")]
    GaveUp { supervisor: String, reason: String },
    #[error("{actor} met a failure that a restart would make worse: {reason}")]
    Fatal { actor: String, reason: String },
}

/// Why a tree cannot start.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StartError {
    #[error("the topology does not have {}: add them under [actors]", .0.join(", "))]
    Unknown(Vec<String>),
    #[error("no code is behind {}: remove them from the topology", .0.join(", "))]
    Missing(Vec<String>),
    #[error("two actors share the mailbox name {}", .0.join(", "))]
    Twice(Vec<String>),
    #[error("ended while it started: {0}")]
    Ended(Outcome),
}

/// A tree in the making.
pub struct Tree {
    topology: Arc<Topology>,
    probe: Probe,
    gates: BTreeMap<String, Arc<dyn Gate>>,
    children: BTreeMap<String, Box<dyn Child>>,
    twice: Vec<String>,
}

impl Tree {
    pub fn new(topology: Arc<Topology>, probe: Probe) -> Self {
        Self {
            topology,
            probe,
            gates: BTreeMap::new(),
            children: BTreeMap::new(),
            twice: Vec::new(),
        }
    }

    /// `make` gets the number of the worker, from 0, and is called for each of its incarnations.
    pub fn add<A: Actor>(
        &mut self,
        mailbox: Mailbox<A::Message>,
        make: impl FnMut(usize) -> A + Send + 'static,
    ) {
        let Mailbox(post) = mailbox;
        let name = post.name().to_owned();
        let blueprint = Arc::new(Blueprint::new(Arc::clone(&post), make, self.probe.clone()));
        if self.gates.insert(name.clone(), post).is_some() {
            self.twice.push(name.clone());
        }
        self.children.insert(name, Box::new(blueprint));
    }

    /// Starts all actors. Resolves when each has begun or is on its way by its supervisor's policy.
    pub async fn start(mut self) -> Result<Running, StartError> {
        self.check_names()?;
        let outcome = Arc::new(OnceLock::new());
        let root = self.topology.root().clone();
        let mut branch = self.branch(&root);
        branch.outcome = Some(Arc::clone(&outcome));
        let branch = Arc::new(branch);
        let spawned = ractor::Actor::spawn(None, Supervisor, Arc::clone(&branch)).await;
        let flow = self.topology.in_order_of_flow();
        let gates: Vec<_> = flow.filter_map(|name| self.gates.remove(name)).collect();
        let stop_within = branch.stop_within;
        let (root, joined) = match spawned {
            Ok((root, joined)) => (root.get_cell(), joined),
            Err(error) => {
                close_and_wait(&gates, stop_within).await;
                return Err(StartError::Ended(outcome_of(&outcome, &error.to_string())));
            }
        };
        let (told, ended) = watch::channel(None);
        let burial = bury(
            joined,
            gates.clone(),
            stop_within,
            Arc::clone(&outcome),
            told,
        );
        tokio::spawn(burial);
        Ok(Running {
            root,
            gates,
            stop_within,
            outcome,
            ended,
        })
    }

    fn check_names(&mut self) -> Result<(), StartError> {
        let unknown = self
            .gates
            .keys()
            .filter(|name| self.topology.actor(name).is_none());
        let unknown: Vec<String> = unknown.cloned().collect();
        let missing = self.topology.actors().map(|actor| &actor.name);
        let missing: Vec<String> = missing
            .filter(|name| !self.gates.contains_key(*name))
            .cloned()
            .collect();
        if !unknown.is_empty() {
            return Err(StartError::Unknown(unknown));
        }
        if !missing.is_empty() {
            return Err(StartError::Missing(missing));
        }
        if !self.twice.is_empty() {
            return Err(StartError::Twice(std::mem::take(&mut self.twice)));
        }
        Ok(())
    }

    fn branch(&mut self, spec: &SupervisorSpec) -> Branch {
        let topology = Arc::clone(&self.topology);
        let of = |supervisor: &Option<String>| supervisor.as_deref() == Some(&*spec.name);
        let mut children: Vec<Box<dyn Child>> = Vec::new();
        for below in topology.supervisors().filter(|below| of(&below.supervisor)) {
            children.push(Box::new(Arc::new(self.branch(below))));
        }
        for actor in topology
            .actors()
            .filter(|actor| actor.supervisor == spec.name)
        {
            children.extend(self.children.remove(&actor.name));
        }
        Branch {
            name: spec.name.clone(),
            policy: spec.policy.clone(),
            children,
            stop_within: topology.limits().shutdown.stop,
            outcome: None,
        }
    }
}

/// A tree at work. Dropping it kills the tree.
pub struct Running {
    root: ractor::ActorCell,
    /// In the order of the data, from the source on.
    gates: Vec<Arc<dyn Gate>>,
    stop_within: Duration,
    outcome: Arc<OnceLock<Outcome>>,
    ended: watch::Receiver<Option<Outcome>>,
}

impl Running {
    /// Resolves when the tree has ended and left nothing.
    pub async fn finished(&mut self) -> Outcome {
        match self.ended.wait_for(Option::is_some).await.as_deref() {
            Ok(Some(outcome)) => outcome.clone(),
            _ => lost("the runtime ended before the tree"),
        }
    }

    /// Stops all, each after the message in hand, sources first, so that each can still hand on
    /// what it holds; kills what is left when `shutdown.stop_ms` is over.
    pub async fn shutdown(mut self) -> Outcome {
        let deadline = Instant::now() + self.stop_within;
        for gate in &self.gates {
            stop_until(&**gate, deadline).await;
        }
        // Unless it has ended another way before. Supervisors hold nothing and may wait for a
        // back-off, so they need no orderly end.
        self.outcome.set(Outcome::Stopped).ok();
        self.root.kill();
        self.finished().await
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.root.kill();
        for gate in &self.gates {
            gate.close();
            kill(&**gate);
        }
    }
}

impl fmt::Debug for Tree {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Tree").field(&self.gates.keys()).finish()
    }
}

impl fmt::Debug for Running {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Running")
            .field("ended", &*self.ended.borrow())
            .finish_non_exhaustive()
    }
}

fn kill(gate: &dyn Gate) {
    (0..gate.workers()).for_each(|worker| gate.kill(worker));
}

async fn all_gone(gate: &dyn Gate) {
    for worker in 0..gate.workers() {
        gate.gone(worker).await;
    }
}

async fn stop_until(gate: &dyn Gate, deadline: Instant) {
    gate.close();
    if timeout_at(deadline, all_gone(gate)).await.is_err() {
        tracing::warn!(actor = gate.name(), "did not end in time and is killed");
        kill(gate);
    }
}

async fn close_and_wait(gates: &[Arc<dyn Gate>], stop_within: Duration) {
    for gate in gates {
        gate.close();
        kill(&**gate);
    }
    for gate in gates {
        if timeout(stop_within, all_gone(&**gate)).await.is_err() {
            tracing::error!(actor = gate.name(), "does not end, even killed");
        }
    }
}

/// Waits for the root's end, closes every address, and only then tells.
async fn bury(
    root: JoinHandle<()>,
    gates: Vec<Arc<dyn Gate>>,
    stop_within: Duration,
    outcome: Arc<OnceLock<Outcome>>,
    told: watch::Sender<Option<Outcome>>,
) {
    // ractor catches panics; an error here means that the runtime ends.
    root.await.ok();
    close_and_wait(&gates, stop_within).await;
    told.send_replace(Some(outcome_of(&outcome, "the root supervisor was killed")));
}

fn outcome_of(outcome: &OnceLock<Outcome>, otherwise: &str) -> Outcome {
    outcome.get().cloned().unwrap_or_else(|| lost(otherwise))
}

fn lost(reason: &str) -> Outcome {
    Outcome::GaveUp {
        supervisor: "root".to_owned(),
        reason: reason.to_owned(),
    }
}
