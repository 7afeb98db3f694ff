//! How audit events move.
//!
//! A tree of supervised actors around a journal: [`ingest`] brings messages in
//! and turns them into batches, [`journal`] makes a batch durable with one
//! create-only write and only then lets its messages be deleted, [`lake`] turns
//! what is durable into files. [`base`] is the kit they are built with: bounded
//! mailboxes, credit, supervision. [`ports`] are the outside things as traits;
//! `src` implements them. `pipeline.rs` is the only file that joins stages.

pub mod base;
pub mod ingest;
pub mod journal;
pub mod lake;
pub mod metrics;
pub mod pipeline;
pub mod ports;
pub mod report;
#[cfg(test)]
mod sim;
