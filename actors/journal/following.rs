//! Not leading: taking in what the leader writes, and noticing that nobody does.
//!
//! A warm follower reads the slot after the last one it applied, again and
//! again, and applies what comes, so that it may lead at once. A cold one looks
//! only whether the log grows; it reads it when it takes over. Both lead when
//! the log is empty, when its last words are `release`, or when the next slot
//! was found empty for as long as [`Follow::silence`] says. Nothing is safe
//! because of that silence, the fence sees to it; it keeps replicas from duels.
//!
//! What a warm follower applies must be history and not an impostor in a slot
//! that was collected. It is if the slot was seen empty lately: collected are
//! only objects a day old. So after a start, and after a long time without a
//! look, the boundary is read before the tail and once more after it
//! (protocol, step 3).

use std::time::Duration;

use audit::journal_id::Seq;

use super::{
    effect::{Answer, Effect, Name, Now},
    replica::{Corrupt, Replica},
    restore::Restore,
    takeover::{decode, take},
};

/// Between two looks while objects come, and when none do.
const POLL_BUSY_MS: u64 = 250;
const POLL_QUIET_MS: u64 = 1_000;

/// Looks further apart than this say nothing of the time between them: this
/// process slept, or the store could not be reached, by the leader as little.
const GAP_MS: u64 = 5_000;

/// How a process stands by.
#[derive(Clone, Copy, Debug)]
pub struct Follow {
    /// How long the log must stand still before this process leads.
    pub silence: Duration,
    /// Records are applied as they come.
    pub warm: bool,
    /// A slot that was empty so lately cannot have been used and collected since:
    /// less than half of the age at which objects are removed.
    pub trusted: Duration,
}

#[derive(Debug)]
pub(crate) struct Following {
    step: Step,
    /// The last slot that is known to be in use.
    seen: Seq,
    /// The object in it ends with `release`.
    released: bool,
    /// That all was taken in has been said.
    told: bool,
    quiet: Quiet,
    /// When the next slot was last seen empty, or the last one was read.
    looked_ms: Option<u64>,
    next_look_ms: u64,
}

#[derive(Debug)]
enum Step {
    /// Before anything is applied that may be old.
    Survey,
    /// What the replica has was collected: it begins with a checkpoint.
    Restore(Restore),
    /// Up to the end of the log as it is now, from this slot on.
    Catch { first: Seq },
    /// Whether something of it was collected meanwhile, or is not as it should be.
    Recheck {
        first: Seq,
        problem: Option<Corrupt>,
    },
    /// At the end of the log.
    Tail,
    /// Of a cold follower: what the newest object says.
    Peek,
}

/// How long the log has stood still, as far as anybody looked.
#[derive(Clone, Copy, Default, Debug)]
struct Quiet {
    since_ms: Option<u64>,
    last_ms: u64,
}

/// What comes of an answer.
#[derive(Debug)]
pub(crate) enum Heard {
    Following(Following),
    /// All that is there was taken in, for the first time since the start or
    /// since this process led.
    CaughtUp(Following),
    /// Nobody leads since this slot was written.
    Silence {
        last: Seq,
    },
    /// What was applied may be nobody's history: begin with nothing.
    Doubt,
}

impl Following {
    /// From what the replica has applied already.
    pub(crate) fn new(replica: &Replica) -> Following {
        Following {
            step: Step::Survey,
            seen: replica.head().seq,
            released: false,
            told: false,
            quiet: Quiet::default(),
            looked_ms: None,
            next_look_ms: 0,
        }
    }

    #[cfg(test)]
    pub(crate) fn rechecks(&self) -> bool {
        matches!(self.step, Step::Recheck { .. })
    }

    pub(crate) fn effect(&self, replica: &Replica, follow: Follow, now: Now) -> Option<Effect> {
        if now.boot_ms < self.next_look_ms {
            return None;
        }
        Some(match &self.step {
            Step::Restore(restore) => restore.effect(),
            Step::Survey | Step::Recheck { .. } if follow.warm => Effect::Boundary,
            Step::Tail if follow.warm && self.is_stale(follow, now) => Effect::Boundary,
            Step::Catch { .. } | Step::Tail if follow.warm => {
                Effect::Read(Name::Log(replica.head().seq.next()))
            }
            Step::Peek => Effect::Read(Name::Log(self.seen)),
            _ => Effect::Last { after: self.seen },
        })
    }

    /// When to ask what is to be done next.
    pub(crate) fn wait(&self, now: Now) -> Duration {
        Duration::from_millis(self.next_look_ms.saturating_sub(now.boot_ms))
    }

    /// How long ago the end of the log was looked at; `None` if it was not reached.
    pub(crate) fn looked_at_end_ms(&self, now: Now) -> Option<u64> {
        let at_end = matches!(self.step, Step::Tail | Step::Peek);
        let looked = self.looked_ms.filter(|_| at_end)?;
        Some(now.boot_ms.saturating_sub(looked))
    }

    pub(crate) fn answer(
        mut self,
        answer: Answer,
        replica: &mut Replica,
        follow: Follow,
        now: Now,
    ) -> Result<Heard, Corrupt> {
        let step = std::mem::replace(&mut self.step, Step::Survey);
        match (step, answer) {
            (Step::Survey | Step::Tail, Answer::Boundary(boundary)) => {
                self.looked_ms = Some(now.boot_ms);
                self.step = begun(Restore::needed(boundary, replica), replica);
            }
            (Step::Restore(restore), answer) => {
                let restore = restore.answer(answer)?.into_replica(replica);
                self.seen = replica.head().seq;
                self.step = begun(restore, replica);
            }
            (Step::Recheck { first, problem }, Answer::Boundary(boundary)) => {
                if boundary >= first {
                    return Ok(Heard::Doubt);
                }
                if let Some(corrupt) = problem {
                    return Err(corrupt);
                }
                self.step = Step::Tail;
                return Ok(self.caught_up(follow, now));
            }
            (Step::Catch { first }, Answer::Object(None)) => {
                let problem = None;
                self.step = Step::Recheck { first, problem };
            }
            (Step::Catch { first }, Answer::Object(bytes)) => {
                self.step = match take(replica, bytes.as_ref()) {
                    Ok(released) => {
                        self.heard(replica.head().seq, released, now);
                        Step::Catch { first }
                    }
                    Err(corrupt) => Step::Recheck {
                        first,
                        problem: Some(corrupt),
                    },
                };
            }
            (Step::Tail, Answer::Object(None)) => {
                self.step = Step::Tail;
                return Ok(self.silent(follow, now));
            }
            (Step::Tail, Answer::Object(bytes)) => {
                self.step = Step::Tail;
                let released = take(replica, bytes.as_ref())?;
                self.heard(replica.head().seq, released, now);
            }
            (step, answer) => return self.answer_cold(step, answer, follow, now),
        }
        Ok(Heard::Following(self))
    }

    /// Of a follower that holds nothing.
    fn answer_cold(
        mut self,
        step: Step,
        answer: Answer,
        follow: Follow,
        now: Now,
    ) -> Result<Heard, Corrupt> {
        match (step, answer) {
            (Step::Peek, Answer::Object(Some(bytes))) => {
                let (object, _) = decode(self.seen, &bytes)?;
                self.heard(self.seen, object.is_release(), now);
                self.step = Step::Tail;
                return Ok(self.caught_up(follow, now));
            }
            // Collected meanwhile: there are newer ones.
            (Step::Peek, Answer::Object(None)) => self.step = Step::Tail,
            (_, Answer::Last(Some(last))) if !follow.warm => {
                self.seen = last;
                self.step = Step::Peek;
            }
            (step, Answer::Last(None)) if !follow.warm => {
                self.step = Step::Tail;
                return Ok(match step {
                    Step::Survey => self.caught_up(follow, now),
                    _ => self.silent(follow, now),
                });
            }
            // An answer to a question of an earlier life: ask again.
            (step, _) => self.step = step,
        }
        Ok(Heard::Following(self))
    }

    fn is_stale(&self, follow: Follow, now: Now) -> bool {
        let trusted = follow.trusted.as_millis();
        self.looked_ms
            .is_none_or(|looked| u128::from(now.boot_ms.saturating_sub(looked)) > trusted)
    }

    fn heard(&mut self, seq: Seq, released: bool, now: Now) {
        self.seen = seq;
        self.released = released;
        self.quiet = Quiet::default();
        self.looked_ms = Some(now.boot_ms);
    }

    fn caught_up(mut self, follow: Follow, now: Now) -> Heard {
        let told = std::mem::replace(&mut self.told, true);
        match self.silent(follow, now) {
            Heard::Following(following) if !told => Heard::CaughtUp(following),
            heard => heard,
        }
    }

    /// The next slot is empty.
    fn silent(mut self, follow: Follow, now: Now) -> Heard {
        let quiet_ms = self.quiet.lasts(now.boot_ms);
        let pause_ms = match quiet_ms {
            ..POLL_QUIET_MS => POLL_BUSY_MS,
            _ => POLL_QUIET_MS,
        };
        self.looked_ms = Some(now.boot_ms);
        self.next_look_ms = now.boot_ms + pause_ms;
        let nobody_leads = self.released
            || self.seen == Seq::ZERO
            || u128::from(quiet_ms) >= follow.silence.as_millis();
        match nobody_leads {
            true => Heard::Silence { last: self.seen },
            false => Heard::Following(self),
        }
    }
}

/// What there is, is read once the replica is where it may go on.
fn begun(restore: Option<Restore>, replica: &Replica) -> Step {
    let first = replica.head().seq.next();
    restore.map_or(Step::Catch { first }, Step::Restore)
}

impl Quiet {
    fn lasts(&mut self, now_ms: u64) -> u64 {
        if now_ms.saturating_sub(self.last_ms) > GAP_MS {
            self.since_ms = None;
        }
        self.last_ms = now_ms;
        now_ms.saturating_sub(*self.since_ms.get_or_insert(now_ms))
    }
}

#[cfg(test)]
mod tests;
