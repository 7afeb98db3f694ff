//! The whole pipeline in a world of memory, on a paused clock.
//!
//! Queue and store can be told to fail; actors to panic. Each test ends by
//! reading back what was written: every distinct event is in exactly one row or
//! one line of the quarantine, no message was deleted before all its events were
//! in the journal, the numbers add up, and nothing is left: no message, no
//! credit taken, no task alive.

mod damage;
mod endings;
mod events;
mod fairness;
mod inputs;
mod objects;
mod outages;
mod panics;
mod poison;
mod pressure;
mod queue;
mod readback;
mod silence;
mod sources;
mod store;
mod tenants;
mod unmade;
mod weather;
mod window;
mod world;
