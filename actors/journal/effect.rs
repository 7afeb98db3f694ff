//! What the protocol asks of the store, and what it may be told.
//!
//! A failed or timed-out call is no answer: the driver asks again. Only
//! [`Outcome::Unknown`] is passed on, since it belongs to a write.

use audit::journal_id::Seq;
use bytes::Bytes;

#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Effect {
    /// The highest boundary; answered by [`Answer::Boundary`].
    Boundary,
    /// The highest slot in use above `after`; answered by [`Answer::Last`].
    Last { after: Seq },
    /// Answered by [`Answer::Object`].
    Read(Seq),
    /// A create-only write; answered by [`Answer::Created`].
    Create { seq: Seq, object: Bytes },
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Answer {
    /// Zero if there is none.
    Boundary(Seq),
    Last(Option<Seq>),
    /// `None` only if the slot is surely empty.
    Object(Option<Bytes>),
    Created(Outcome),
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Outcome {
    Won,
    /// The slot was in use.
    Taken,
    /// It may or may not have taken effect, now or later.
    Unknown,
}

/// Both clocks, read once for one step.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Now {
    pub wall_ms: i64,
    pub boot_ms: u64,
}
