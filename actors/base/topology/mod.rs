//! The shape of the process and its limits, as `topology.toml` says.
//!
//! The file is read whole and checked whole: [`Topology::parse`] gives either a
//! topology that can run or every mistake at once, each with its line and what
//! to do. Whoever holds a [`Topology`] need not check it again: names resolve,
//! data flows in no circle, nothing is zero, the budget holds one receive. The
//! tree and the picture of the data flow are drawn from here, so that they
//! cannot differ from what runs.

mod check;
mod limits;
mod picture;
mod read;

use std::fmt;

use super::policy::Policy;
pub use limits::{
    BatchLimits, BudgetLimits, ComputeLimits, DedupLimits, JournalLimits, Limits, ParcelLimits,
    RECEIVE_MESSAGES_MAX, SealLimits, ShutdownLimits,
};

/// Where [`Topology::builtin`] comes from, for messages about it.
pub const FILE: &str = "topology.toml";

/// One mistake in the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issue {
    pub file: String,
    /// Counted from 1.
    pub line: usize,
    /// As in the file, such as `actors.poller.slots`; empty if the file is no TOML.
    pub key: String,
    /// What is wrong, and how to put it right.
    pub what: String,
}

impl fmt::Display for Issue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            file,
            line,
            key,
            what,
        } = self;
        if key.is_empty() {
            return write!(f, "{file}:{line}: {what}");
        }
        write!(f, "{file}:{line}: {key}: {what}")
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SupervisorSpec {
    pub name: String,
    /// `None` for the root alone.
    pub supervisor: Option<String>,
    pub policy: Policy,
    /// What outlives the actors below.
    pub keeps: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActorSpec {
    pub name: String,
    pub supervisor: String,
    /// Work comes to it from outside.
    pub entry: bool,
    /// Workers behind the one address.
    pub count: usize,
    /// Messages that may wait, for all its workers together.
    pub slots: usize,
    /// Who gets its data; waits.
    pub to: Vec<String>,
    /// Who gets its hints; never waits.
    pub hints: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Topology {
    limits: Limits,
    root: SupervisorSpec,
    /// Without the root, in the order of the file, like the actors.
    supervisors: Vec<SupervisorSpec>,
    actors: Vec<ActorSpec>,
    /// Indices of `actors`, each after all that send it data.
    flow: Vec<usize>,
}

impl Topology {
    /// `file` is the name that the issues show. They come in the order of their lines.
    pub fn parse(file: &str, text: &str) -> Result<Self, Vec<Issue>> {
        let mut report = read::Report::new(file, text);
        let raw = read::document(text, &mut report, check::read);
        let topology = raw.and_then(|raw| check::topology(raw, &mut report));
        match (topology, report.into_issues()) {
            (Some(topology), issues) if issues.is_empty() => Ok(topology),
            (_, issues) => Err(issues),
        }
    }

    /// The one that the program was built with.
    pub fn builtin() -> Self {
        Self::parse(FILE, include_str!("../../../topology.toml"))
            .expect("a test holds that the built-in topology is valid")
    }

    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    pub fn actor(&self, name: &str) -> Option<&ActorSpec> {
        self.actors.iter().find(|actor| actor.name == name)
    }

    /// In the order of the file.
    pub fn actors(&self) -> impl Iterator<Item = &ActorSpec> {
        self.actors.iter()
    }

    pub fn root(&self) -> &SupervisorSpec {
        &self.root
    }

    pub fn supervisor(&self, name: &str) -> Option<&SupervisorSpec> {
        self.supervisors()
            .find(|supervisor| supervisor.name == name)
    }

    /// The root first, then in the order of the file.
    pub fn supervisors(&self) -> impl Iterator<Item = &SupervisorSpec> {
        std::iter::once(&self.root).chain(&self.supervisors)
    }

    /// Names of the actors, each after all that send it data.
    pub fn in_order_of_flow(&self) -> impl Iterator<Item = &str> {
        self.flow.iter().map(|index| &*self.actors[*index].name)
    }
}

#[cfg(test)]
mod tests;
