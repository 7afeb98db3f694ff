//! Time, from outside, so that tests can own it.

/// Two clocks. Nothing that must be right rests on either.
pub trait Clock: Send + Sync + 'static {
    /// Milliseconds since 1970, as the machine believes; it may jump.
    fn wall_ms(&self) -> i64;

    /// Milliseconds since some fixed moment; never goes back and counts the
    /// time that the machine was suspended (`CLOCK_BOOTTIME`).
    fn boot_ms(&self) -> u64;
}
