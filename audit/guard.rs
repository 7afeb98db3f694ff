//! Calls into decoders of others' formats that may panic on hostile bytes.
//!
//! The Arrow and Parquet crates validate much, but index, slice and add with
//! what a file says. A panic there must stay an error of that one file: a
//! replica that dies of an object dies of it again when it is restarted. It is
//! told as that error and not printed besides: the process's panic hook is told
//! nothing of it.

use std::{
    cell::Cell,
    panic::{self, AssertUnwindSafe, catch_unwind},
    sync::Once,
};

thread_local! {
    /// Whether this thread runs what is guarded.
    static GUARDED: Cell<bool> = const { Cell::new(false) };
}

/// Puts a hook before the process's own that keeps guarded panics to itself.
fn be_quiet() {
    static PUT: Once = Once::new();
    PUT.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |panic| {
            if !GUARDED.get() {
                before(panic);
            }
        }));
    });
}

/// What `decode` returns, or `None` if it panicked. Whatever `decode` borrows
/// mutably must not be used after that.
pub(crate) fn panics<T>(decode: impl FnOnce() -> T) -> Option<T> {
    be_quiet();
    let outer = GUARDED.replace(true);
    let decoded = catch_unwind(AssertUnwindSafe(decode)).ok();
    GUARDED.set(outer);
    decoded
}
