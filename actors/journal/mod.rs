//! From a closed batch to rows that can never be lost.
//!
//! The protocol is a machine without I/O ([`leader`]) over a pure state
//! ([`replica`]); the actors here drive it. A batch goes in, its object is
//! written into one slot, and only then are its riders (the messages it came
//! from) told. What is durable waits in the replica state until the lake has
//! made files of it.

pub mod appender;
pub mod checkpointer;
pub mod claims;
pub mod desk;
pub mod effect;
pub mod errand;
mod following;
mod known;
pub mod leader;
pub mod log;
pub mod planner;
mod read_ahead;
pub mod recaller;
pub mod replica;
mod restore;
pub mod seal;
mod slot;
#[cfg(test)]
mod specimen;
mod takeover;
pub mod upkeep;
pub mod working;

pub use following::Follow;
pub use known::{Folding, Recall, Window};
pub use restore::begin;
pub use takeover::Candidate;
