//! What an audit event is.
//!
//! Everything here is pure: bytes in, values out. No clock, no I/O but a GeoIP
//! file handed in by path, no async. In the order of the data:
//! [`message`] takes a queue message apart into events, [`normalize`] turns one
//! event into a row, [`geo`] adds the place, [`key`] tells copies apart,
//! [`partition`] says where a row belongs, [`journal`] is how a batch of rows
//! becomes durable, and [`lake`] is how it becomes Parquet.

pub mod accounting;
pub mod columns;
pub mod credential;
pub mod geo;
mod guard;
pub mod journal;
pub mod journal_id;
pub mod key;
pub mod lake;
pub mod message;
pub mod normalize;
mod order;
pub mod partition;
mod places;
pub mod quarantine;
pub mod row;
pub mod schema;
pub mod source;
pub mod tenant;
pub mod token;

#[cfg(test)]
mod samples;
