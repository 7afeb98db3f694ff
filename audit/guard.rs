//! Calls into decoders of others' formats that may panic on hostile bytes.
//!
//! The Arrow and Parquet crates validate much, but index, slice and add with
//! what a file says. A panic there must stay an error of that one file: a
//! replica that dies of an object dies of it again when it is restarted.

use std::panic::{AssertUnwindSafe, catch_unwind};

/// What `decode` returns, or `None` if it panicked. Whatever `decode` borrows
/// mutably must not be used after that.
pub(crate) fn panics<T>(decode: impl FnOnce() -> T) -> Option<T> {
    catch_unwind(AssertUnwindSafe(decode)).ok()
}
