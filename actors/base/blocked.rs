//! Time that somebody was blocked, as a counter.

use metrics::Counter;
use tokio::time::Instant;

/// Counts from its making to its drop, so that a sender that is killed while it waits counts too.
#[derive(Debug)]
pub(super) struct Blocked<'a> {
    since: Instant,
    counter: &'a Counter,
}

impl<'a> Blocked<'a> {
    pub(super) fn on(counter: &'a Counter) -> Self {
        Self {
            since: Instant::now(),
            counter,
        }
    }
}

impl Drop for Blocked<'_> {
    fn drop(&mut self) {
        let micros = self.since.elapsed().as_micros();
        self.counter
            .increment(u64::try_from(micros).unwrap_or(u64::MAX));
    }
}
