//! From durable rows to files that every reader of Parquet understands.
//!
//! A plan in the journal says which rows a file has; the partition writer sorts
//! and encodes them, the uploader writes the object create-only and reports it.
//! Both hold nothing that would be missed: a plan stays open in the replica
//! state until the journal says it is done, and is simply executed again. What
//! is executed again yields the same key and the same rows.

pub mod partition_writer;
pub mod uploader;
