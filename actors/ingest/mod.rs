//! From queue messages to closed batches.
//!
//! A poller takes credit, receives messages and takes them apart into parcels
//! of at most a mebibyte; an object reader does the same with the objects that
//! messages name. A normalizer of the source turns a parcel's events into rows,
//! the enricher adds the place, the batcher drops what is known and gathers the
//! rest until a batch closes. The deleter removes from
//! the queue what the journal has. A parcel carries its message's ticket and
//! its credit: whoever drops it fails the message, and the queue brings it
//! again.

pub mod batcher;
pub mod deleter;
pub mod enricher;
pub mod filling;
pub mod inflight;
pub mod intake;
pub mod lobby;
pub mod normalizer;
pub mod object_reader;
pub mod parcel;
pub mod poller;
pub mod signals;
pub mod tenants;
