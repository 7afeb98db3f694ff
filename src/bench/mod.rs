//! `idtrail bench`: the whole program, from the queue to Parquet, measured.
//!
//! Each run is a process of its own on a new directory, so that no run inherits
//! another's memory, caches or counters: first the events are sent to the
//! embedded queue, then a pipeline drains it. What is told is of the second part,
//! from the start of the pipeline until every row is in a file; sending is told
//! beside it. CPU time counts, not time on the wall: other programs on the
//! machine change the latter.

mod counted;
mod input;
mod process;
mod report;
mod run;
mod spread;
mod yardstick;

pub use self::{
    input::{Input, InputError},
    report::Report,
    run::{Plan, measure},
    spread::Spread,
};
