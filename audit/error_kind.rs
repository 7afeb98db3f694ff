//! What whoever gets an error should do about it.
//!
//! Every error enum of this package answers `kind()` with one of these, so that
//! a caller decides without knowing the details, which are for people.

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ErrorKind {
    /// The same call may succeed later.
    Retry,
    /// The input can never be accepted; put it aside and go on.
    Reject,
    /// Going on would lose or duplicate data: stop and tell people.
    Fatal,
}
