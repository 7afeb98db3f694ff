//! The outside world, as the actors need it.
//!
//! Each port is the noun of an outside thing. The program implements them over
//! directories or AWS; tests implement them in memory, with faults.

mod clock;
mod objects;
mod queue;
mod store;

pub use clock::Clock;
pub use objects::{ObjectError, Objects, STRETCH_BYTES, Stretch};
pub use queue::{Backlog, Message, MessageId, Outgoing, Queue, QueueError, Receipt};
pub use store::{Created, Expiry, Listed, Store, StoreError};
