//! A small world in virtual time, in which the journal protocol is put under
//! faults.
//!
//! One seed is one world: messages with duplicates among them, one to three
//! processes of which some believe that they lead and some follow, crashes and pauses anywhere, writes
//! whose answer is lost or that take effect later, messages delivered again,
//! deletes that get lost, checkpoints, a journal that is collected when it is
//! no, five or eighty steps old, a dedup window that ends, files that a person
//! gives up, and an upgrade on the way: before it some processes know the older
//! format only. The code under test is the real one: [`Leader`], the
//! replica state, the codec, the table of messages in hand. The world checks the
//! invariants of the protocol (I1 to I9) at each step; then faults stop, one
//! process drains the queue, and every event must be in exactly one file.
//! A failing seed prints itself: `IDTRAIL_SEED=<seed> cargo test -p actors sim`
//! replays it. Deliberate bugs ([`Mutant`]) show that the checks can fail.
//!
//! [`Leader`]: crate::journal::leader::Leader

mod bytes;
mod dice;
mod limits;
mod node;
mod rows;
mod run;
pub(crate) mod store;
mod tests;
mod truth;
mod world;

use run::run;

/// A bug, planted to be caught. All live in the driver around the protocol, not
/// in the protocol's own code.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Mutant {
    /// Messages are deleted when they are received.
    DeleteBeforeCommit,
    /// Copies become rows.
    NoDedup,
    /// An event that is twice in one message becomes two rows.
    NoDedupInside,
    /// The message of a copy is deleted while the first copy's batch is not yet
    /// in the journal.
    DeleteRiderEarly,
    /// A message is settled when any batch is committed, not with the last of its own.
    SettledEarly,
    /// An unknown outcome is taken for a failure: the next slot is tried.
    NextSlotOnUnknown,
    /// A taken slot is taken for a success.
    TakenIsSuccess,
    /// A taken slot is passed over: the next slot is tried.
    TakenIsPassed,
    /// A file holds what is there when it is written, not what its plan says.
    FilesByTiming,
    /// A file has another name each time it is written.
    FilesByChance,
    /// The log is collected up to its end, whatever is not yet in a file.
    CollectUnfiled,
    /// A leader does not look at the boundary after its writes.
    NoGuard,
    /// A process that begins does not look at the boundary again after it read.
    NoRecheck,
    /// A process that begins with a checkpoint leaves out the keys beside it.
    NoKeys,
    /// It forgets up to where keys lay in keys objects, where none is left.
    CoveredForgotten,
    /// What a filter may have is not read again, and taken for new.
    NoRecall,
    /// What a filter may have is taken for a copy.
    FilterHitIsCopy,
    /// A checkpoint is taken for written, and never is.
    CheckpointUnwritten,
    /// A newer format is written while processes run that do not know it.
    FormatTooSoon,
    /// The dedup window is half as long as it should be.
    ShortWindow,
}
