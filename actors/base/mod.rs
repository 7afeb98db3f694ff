//! The kit that the stages are built with: supervised actors with bounded mailboxes.
//!
//! ractor supervises, but its mailboxes have no bound. The kit adds two:
//! [slots](mailbox) bound how many messages wait for one actor, [credit](Budget)
//! bounds how many bytes and messages the process holds. An [`Address`] outlives
//! the incarnations of its actor. Dropping means failure: what a dead actor held
//! is dropped, and whoever must know learns it by that drop. The shape and all
//! limits stand in `topology.toml`, read by [`Topology`].
//!
//! ```
//! use std::sync::Arc;
//! use actors::base::{Actor, Address, Context, Failure, Outcome, Probe, Topology, Tree, mailbox};
//! use tokio::sync::oneshot;
//!
//! /// Counts words and tells.
//! struct Counter(Address<(usize, oneshot::Sender<usize>)>);
//! struct Answerer;
//!
//! impl Actor for Counter {
//!     type Message = (String, oneshot::Sender<usize>);
//!
//!     async fn handle(&mut self, message: Self::Message, _: &mut Context<Self::Message>) -> Result<(), Failure> {
//!         let (text, reply) = message;
//!         // Waits for a slot; if the other actor is being restarted, for that, too.
//!         Ok(self.0.send((text.split_whitespace().count(), reply)).await?)
//!     }
//! }
//!
//! impl Actor for Answerer {
//!     type Message = (usize, oneshot::Sender<usize>);
//!
//!     async fn handle(&mut self, message: Self::Message, _: &mut Context<Self::Message>) -> Result<(), Failure> {
//!         let (count, reply) = message;
//!         reply.send(count).map_err(|_| Failure::Restart("nobody listens".into()))
//!     }
//! }
//!
//! # let limits = include_str!("../../topology.toml").split("# --- Supervisors").next().unwrap_or("");
//! # let shape = r#"
//! # [supervisors.root]
//! # strategy = "one_for_one"
//! # restarts_max = 3
//! # within_secs = 60
//! # backoff_min_ms = 100
//! # backoff_max_ms = 1_000
//! # [actors.counter]
//! # supervisor = "root"
//! # entry = true
//! # count = 2
//! # slots = 4
//! # to = ["answerer"]
//! # [actors.answerer]
//! # supervisor = "root"
//! # count = 1
//! # slots = 4
//! # "#;
//! # let text = format!("{limits}{shape}");
//! # tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime").block_on(async {
//! let topology = Arc::new(Topology::parse("topology.toml", &text).expect("valid"));
//! let (words, counter) = mailbox(&topology, "counter");
//! let (counts, answerer) = mailbox(&topology, "answerer");
//! let mut tree = Tree::new(topology, Probe::none());
//! tree.add(counter, move |_worker| Counter(counts.clone()));
//! tree.add(answerer, |_worker| Answerer);
//! let running = tree.start().await.expect("all actors are there");
//!
//! let (reply, answer) = oneshot::channel();
//! words.send(("who did what".to_owned(), reply)).await.expect("the tree runs");
//! assert_eq!(answer.await, Ok(3));
//! assert_eq!(running.shutdown().await, Outcome::Stopped);
//! # });
//! ```

mod actor;
mod address;
mod blocked;
mod compute;
mod context;
pub(crate) mod cpu;
mod credit;
mod policy;
mod probe;
mod slots;
mod supervisor;
mod tree;

pub mod topology;

pub use actor::{Actor, Failure};
pub use address::{Address, Closed, Mailbox, mailbox};
pub use compute::{Compute, Panicked};
pub use context::Context;
pub use credit::{Budget, Lease};
pub use policy::{Policy, Strategy};
pub use probe::Probe;
pub use topology::{Issue, Topology};
pub use tree::{Outcome, Running, StartError, Tree};

#[cfg(test)]
mod tests;
