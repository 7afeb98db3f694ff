//! When a supervisor restarts, how long it waits before, and when it gives up.
//!
//! Both are counted over time, not per attempt: a count that returns to zero
//! after one good message would let an actor that fails on every second one
//! restart for ever. The history keeps the failures of the last `within`; the
//! back-off doubles with each of them, and one more than `restarts_max` means
//! that this supervisor cannot help and its own supervisor must.

use std::collections::VecDeque;
use std::fmt;
use std::time::Duration;

use tokio::time::Instant;

/// What is restarted when one child fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strategy {
    /// The child alone.
    OneForOne,
    /// All children: they hold parts of one state.
    AllForOne,
}

impl Strategy {
    pub(super) const ALL: [Self; 2] = [Self::OneForOne, Self::AllForOne];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::OneForOne => "one_for_one",
            Self::AllForOne => "all_for_one",
        }
    }
}

/// The rule of one supervisor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    pub strategy: Strategy,
    /// So many restarts are made inside `within`; the next failure escalates.
    pub restarts_max: u32,
    pub within: Duration,
    pub backoff_min: Duration,
    pub backoff_max: Duration,
}

impl Policy {
    /// The wait before the `nth` restart inside the window, counted from 1.
    pub(super) fn backoff(&self, nth: u32) -> Duration {
        let doublings = nth.saturating_sub(1).min(31);
        self.backoff_min
            .saturating_mul(1 << doublings)
            .min(self.backoff_max)
    }

    /// How long a child that always fails at once takes to use up its restarts.
    /// A window shorter than that would never see enough of them.
    pub(super) fn time_to_give_up(&self) -> Duration {
        // Beyond 32 doublings every wait is the longest, so this needs no loop over the rest.
        let growing = self.restarts_max.min(32);
        (1..=growing)
            .map(|nth| self.backoff(nth))
            .fold(Duration::ZERO, Duration::saturating_add)
            .saturating_add(self.backoff_max.saturating_mul(self.restarts_max - growing))
    }
}

impl fmt::Display for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}, {} restarts in {:?}, back-off {:?} to {:?}",
            self.strategy.as_str(),
            self.restarts_max,
            self.within,
            self.backoff_min,
            self.backoff_max
        )
    }
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Decision {
    RestartAfter(Duration),
    GiveUp,
}

/// The failures of one incarnation of a supervisor.
#[derive(Debug)]
pub(super) struct History {
    policy: Policy,
    failures: VecDeque<Instant>,
}

impl History {
    pub(super) fn new(policy: Policy) -> Self {
        Self {
            policy,
            failures: VecDeque::new(),
        }
    }

    pub(super) fn failed(&mut self, now: Instant) -> Decision {
        let within = self.policy.within;
        while self
            .failures
            .front()
            .is_some_and(|then| now.duration_since(*then) >= within)
        {
            self.failures.pop_front();
        }
        self.failures.push_back(now);
        let nth = u32::try_from(self.failures.len()).unwrap_or(u32::MAX);
        if nth > self.policy.restarts_max {
            return Decision::GiveUp;
        }
        Decision::RestartAfter(self.policy.backoff(nth))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(restarts_max: u32) -> Policy {
        Policy {
            strategy: Strategy::OneForOne,
            restarts_max,
            within: Duration::from_secs(10),
            backoff_min: Duration::from_millis(100),
            backoff_max: Duration::from_millis(500),
        }
    }

    /// Failures at these milliseconds; the wait in milliseconds that each leads to, `None` = gives up.
    fn check(restarts_max: u32, failures: &[(u64, Option<u64>)]) {
        let start = Instant::now();
        let mut history = History::new(policy(restarts_max));
        for (at, wait) in failures {
            let decision = history.failed(start + Duration::from_millis(*at));
            let expected = match wait {
                Some(ms) => Decision::RestartAfter(Duration::from_millis(*ms)),
                None => Decision::GiveUp,
            };
            assert_eq!(decision, expected, "failure at {at} ms of {failures:?}");
        }
    }

    #[test]
    fn restarts_are_counted_over_time_with_a_capped_doubling_backoff() {
        check(0, &[(0, None)]);
        check(2, &[(0, Some(100)), (1, Some(200)), (2, None)]);
        // The first failure has left the window when the fourth comes.
        check(
            3,
            &[
                (0, Some(100)),
                (5_000, Some(200)),
                (9_999, Some(400)),
                (10_000, Some(400)),
            ],
        );
        // A quiet window later everything is forgiven.
        check(1, &[(0, Some(100)), (10_000, Some(100)), (10_001, None)]);
        check(
            5,
            &[
                (0, Some(100)),
                (1, Some(200)),
                (2, Some(400)),
                (3, Some(500)),
                (4, Some(500)),
                (5, None),
            ],
        );
    }

    #[test]
    fn the_time_to_give_up_is_the_sum_of_the_waits() {
        let cases = [(0, 0), (1, 100), (3, 700), (5, 1_700), (40, 700 + 37 * 500)];
        for (restarts_max, ms) in cases {
            let time = policy(restarts_max).time_to_give_up();
            assert_eq!(time, Duration::from_millis(ms), "{restarts_max} restarts");
        }
    }
}
