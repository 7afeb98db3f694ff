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
    replica::{Corrupt, PlanId, Replica},
};
use crate::ports::{Clock, Store, StoreError};

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
    #[error(transparent)]
    Lake(#[from] StoreError),
    #[error("the store does not say whether it was written: look with `idtrail journal plans`")]
    Unknown,
    #[error("another process took the journal over meanwhile: try again")]
    Fenced,
}

/// A file to be given up.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    pub plan: &'a PlanId,
    /// Its key in the lake.
    pub key: &'a str,
    pub reason: &'a str,
}

/// Nobody sends events on an errand.
#[derive(Debug)]
struct Alone;

impl Rider for Alone {
    fn split(&self) -> Alone {
        Alone
    }
}

/// Gives the plan's file up, and says how many rows that are. `replica`: the
/// journal as it was read, so that it is without a leader for a moment only.
pub async fn skip(
    (log, lake, clock): (&mut Log, &dyn Store, &dyn Clock),
    (candidate, limits): (Candidate, Limits),
    replica: Replica,
    wanted: Wanted<'_>,
) -> Result<u64, Undone> {
    let at_once = Limits {
        follow: None,
        ..limits
    };
    let mut leader: Leader<Alone> = Leader::resuming(candidate, at_once, replica);
    let mut skipped = Err(Undone::Fenced);
    let mut tries = TRIES;
    while let Some(effect) = leader.next(Now::of(clock)) {
        let asked = log.ask(&effect).await;
        // A slot that is taken is another's fence, or this one's by an earlier try.
        let is_settled = !matches!(
            asked,
            Err(_) | Ok(Answer::Created(Outcome::Unknown | Outcome::Taken))
        );
        if !is_settled {
            if tries == 0 {
                return Err(match asked {
                    Err(unreachable) if !leader.is_serving() => unreachable.into(),
                    _ => Undone::Unknown,
                });
            }
            tries -= 1;
            tokio::time::sleep(PAUSE).await;
        }
        let Ok(answer) = asked else { continue };
        match leader.answer(answer, Now::of(clock))? {
            Some(Turn::Serving) => {
                // Nobody else makes it from here on.
                skipped = decide(&mut leader, lake, wanted).await;
                leader.release();
            }
            Some(Turn::Fenced) => return Err(Undone::Fenced),
            Some(Turn::Committed { .. } | Turn::Following) | None => {}
        }
    }
    skipped
}

async fn decide(
    leader: &mut Leader<Alone>,
    lake: &dyn Store,
    wanted: Wanted<'_>,
) -> Result<u64, Undone> {
    let listed = lake.list(wanted.key, None).await?;
    if listed.iter().any(|object| object.key == wanted.key) {
        return Err(Unskippable::Made.into());
    }
    Ok(leader.skip(wanted.plan, wanted.reason.to_owned())?)
}
