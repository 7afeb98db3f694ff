//! The machine's clocks. The only place that asks them; everything else takes
//! time as an argument or through [`actors::ports::Clock`].

use std::time::{SystemTime, UNIX_EPOCH};

use actors::ports::Clock;
use rustix::time::{ClockId, clock_gettime};

/// The wall clock and `CLOCK_BOOTTIME`.
#[derive(Clone, Copy, Default, Debug)]
pub struct Machine;

impl Clock for Machine {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the port's one implementation"
    )]
    fn wall_ms(&self) -> i64 {
        match SystemTime::now().duration_since(UNIX_EPOCH) {
            Ok(since) => i64::try_from(since.as_millis()).unwrap_or(i64::MAX),
            Err(before) => i64::try_from(before.duration().as_millis()).map_or(i64::MIN, |ms| -ms),
        }
    }

    fn boot_ms(&self) -> u64 {
        let time = clock_gettime(ClockId::Boottime);
        let ms = time
            .tv_sec
            .saturating_mul(1_000)
            .saturating_add(time.tv_nsec / 1_000_000);
        u64::try_from(ms).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_clocks_tell_plausible_times() {
        let year_2020_ms = 1_577_836_800_000;
        assert!(Machine.wall_ms() > year_2020_ms);
        let earlier = Machine.boot_ms();
        assert!(earlier > 0 && Machine.boot_ms() >= earlier);
    }
}
