//! What the protocol asks of the store, and what it may be told.
//!
//! A failed or timed-out call is no answer: the driver asks again. Only
//! [`Outcome::Unknown`] is passed on, since it belongs to a write.

use std::time::Duration;

use audit::{journal::KeyRange, journal_id::Seq};
use bytes::Bytes;

use crate::ports::Clock;

/// An object of the journal. What has a name is written once and never changes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Name {
    /// `log/<seq>`
    Log(Seq),
    /// `boundary/<seq>`: empty; the log up to here may be gone.
    Boundary(Seq),
    /// `ckpt/<seq>`
    Checkpoint(Seq),
    /// `keys/<from>-<upto>`
    Keys(KeyRange),
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Effect {
    /// The highest boundary; answered by [`Answer::Boundary`].
    Boundary,
    /// The highest slot in use above `after`; answered by [`Answer::Last`].
    Last { after: Seq },
    /// All checkpoints; answered by [`Answer::Checkpoints`].
    Checkpoints,
    /// Answered by [`Answer::Object`].
    Read(Name),
    /// A create-only write; answered by [`Answer::Created`].
    Create { name: Name, object: Bytes },
    /// Answered by [`Answer::Removed`].
    Remove(Removal),
}

/// What need not be kept; each says what must stay. Some of it is removed at a
/// time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Removal {
    /// Of the log up to the boundary what was written `age` before this boundary
    /// was, by the store's own clock.
    Log {
        boundary: Seq,
        age: Duration,
    },
    /// All but the newest two.
    Boundaries,
    Checkpoints {
        below: Seq,
    },
    /// Ranges that begin before this slot.
    Keys {
        below: Seq,
    },
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Answer {
    /// Zero if there is none.
    Boundary(Seq),
    Last(Option<Seq>),
    /// In order.
    Checkpoints(Vec<Seq>),
    /// `None` only if there is surely no such object.
    Object(Option<Bytes>),
    Created(Outcome),
    Removed {
        more: bool,
    },
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Outcome {
    Won,
    /// The name was in use.
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

impl Now {
    pub fn of(clock: &dyn Clock) -> Now {
        Now {
            wall_ms: clock.wall_ms(),
            boot_ms: clock.boot_ms(),
        }
    }
}
