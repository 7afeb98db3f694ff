//! A wall clock that is wrong.

use std::sync::Arc;

use actors::ports::Clock;

pub(super) struct SkewedClock {
    pub(super) inner: Arc<dyn Clock>,
    pub(super) ahead_ms: i64,
}

impl Clock for SkewedClock {
    fn wall_ms(&self) -> i64 {
        self.inner.wall_ms().saturating_add(self.ahead_ms)
    }

    fn boot_ms(&self) -> u64 {
        self.inner.boot_ms()
    }
}
