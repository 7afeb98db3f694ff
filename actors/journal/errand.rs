//! Leading for one thing to be written, with none of the stages around it.
//!
//! For verbs that decide something for the journal: they fence whoever leads, as
//! any process does that takes over, write, and release. A replica that was
//! fenced follows, finds the release, and leads on.

use std::time::Duration;

use super::{
    Candidate,
    claims::Rider,
    effect::{Answer, Now, Outcome},
    leader::{Leader, Limits, Turn, Unskippable},
    log::{Log, Unreachable},
    replica::{Corrupt, PlanId},
};
use crate::ports::Clock;

/// A person waits, and may try again.
const TRIES: u32 = 5;
const PAUSE: Duration = Duration::from_secs(1);

#[derive(Debug, thiserror::Error)]
pub enum Undone {
    #[error(transparent)]
    Unreachable(#[from] Unreachable),
    #[error(transparent)]
    Corrupt(#[from] Corrupt),
    #[error(transparent)]
    Unskippable(#[from] Unskippable),
    #[error("the store does not say whether it was written: look with `idtrail journal plans`")]
    Unknown,
    #[error("another process took the journal over meanwhile: try again")]
    Fenced,
}

/// Nobody sends events on an errand.
#[derive(Debug)]
struct Alone;

impl Rider for Alone {
    fn split(&self) -> Alone {
        Alone
    }
}

/// Gives the plan's file up, and says how many rows that are.
pub async fn skip(
    log: &mut Log,
    candidate: Candidate,
    limits: Limits,
    clock: &dyn Clock,
    (id, reason): (&PlanId, &str),
) -> Result<u64, Undone> {
    let at_once = Limits {
        follow: None,
        ..limits
    };
    let mut leader: Leader<Alone> = Leader::new(candidate, at_once);
    let mut skipped = Err(Undone::Fenced);
    let mut tries = TRIES;
    while let Some(effect) = leader.next(now(clock)) {
        let asked = log.ask(&effect).await;
        let is_answered = !matches!(asked, Err(_) | Ok(Answer::Created(Outcome::Unknown)));
        if !is_answered {
            if tries == 0 {
                return Err(asked.err().map_or(Undone::Unknown, Undone::from));
            }
            tries -= 1;
            tokio::time::sleep(PAUSE).await;
        }
        let Ok(answer) = asked else { continue };
        match leader.answer(answer, now(clock))? {
            Some(Turn::Serving) => {
                skipped = leader.skip(id, reason.to_owned()).map_err(Undone::from);
                leader.release();
            }
            Some(Turn::Fenced) => return Err(Undone::Fenced),
            Some(Turn::Committed { .. } | Turn::Following) | None => {}
        }
    }
    skipped
}

fn now(clock: &dyn Clock) -> Now {
    Now {
        wall_ms: clock.wall_ms(),
        boot_ms: clock.boot_ms(),
    }
}
