//! Becoming the leader: steps 1 to 3 of the protocol.
//!
//! Look for the end of the log, put a fence there, read what lies before it,
//! and look again whether the boundary moved meanwhile: then what was read may
//! have been an impostor in a collected slot, and all begins anew. The fence
//! stops the old leader at its next write, wherever it is.

use audit::{
    journal::{Digest, Fence, Format, Header, Incarnation, Object, Record, Sealed},
    journal_id::{Gen, Seq},
};

use super::{
    effect::{Answer, Effect, Name, Now},
    replica::{Birth, Corrupt, Replica},
    restore::Restore,
    slot::{Fate, Slot},
};

/// Who wants to lead: the process, what it writes where the journal is not in a
/// later format already, and what a new journal would be born with.
#[derive(Clone, Debug)]
pub struct Candidate {
    pub incarnation: Incarnation,
    pub format: Format,
    pub birth: Birth,
}

#[derive(Debug)]
pub(crate) enum Takeover {
    /// `quiet`: the last slot as it was when a follower found that nobody leads.
    /// Whoever wrote since then does.
    Survey {
        quiet: Option<Seq>,
    },
    /// What the replica has was collected: it begins with a checkpoint.
    Restore {
        restore: Restore,
        boundary: Seq,
        quiet: Option<Seq>,
    },
    Find {
        boundary: Seq,
        quiet: Option<Seq>,
    },
    /// The end of the log is known; its digest is not.
    Link(Seq),
    Fence(Slot),
    Replay(Fenced),
    /// All is read, or something is not as it should be.
    Recheck {
        fenced: Fenced,
        problem: Option<Corrupt>,
    },
    Won,
    /// Another was faster.
    Lost,
}

/// A fence that stands, and the first slot that counts: what is read from it on
/// must not have been collected meanwhile.
#[derive(Debug)]
pub(crate) struct Fenced {
    first: Seq,
    fence: Object,
    sealed: Sealed,
}

impl Takeover {
    /// Whoever else may lead is fenced.
    pub(crate) const ANEW: Takeover = Takeover::Survey { quiet: None };

    #[cfg(test)]
    pub(crate) fn rechecks(&self) -> bool {
        matches!(self, Takeover::Recheck { .. })
    }

    pub(crate) fn effect(&self, replica: &Replica) -> Option<Effect> {
        match self {
            Takeover::Survey { .. } | Takeover::Recheck { .. } => Some(Effect::Boundary),
            Takeover::Find { boundary, .. } => Some(Effect::Last {
                after: find_after(*boundary, replica),
            }),
            Takeover::Restore { restore, .. } => Some(restore.effect()),
            Takeover::Link(last) => Some(Effect::Read(Name::Log(*last))),
            Takeover::Fence(slot) => Some(slot.effect()),
            Takeover::Replay(_) => Some(Effect::Read(Name::Log(replica.head().seq.next()))),
            Takeover::Won | Takeover::Lost => None,
        }
    }

    pub(crate) fn answer(
        self,
        answer: Answer,
        candidate: &Candidate,
        replica: &mut Replica,
        now: Now,
    ) -> Result<Takeover, Corrupt> {
        match (self, answer) {
            (Takeover::Survey { quiet }, Answer::Boundary(boundary)) => {
                let restore = Restore::needed(boundary, replica);
                Ok(surveyed(restore, boundary, quiet))
            }
            (
                Takeover::Restore {
                    restore,
                    boundary,
                    quiet,
                },
                answer,
            ) => {
                let restore = restore.answer(answer)?.into_replica(replica);
                Ok(surveyed(restore, boundary, quiet))
            }
            (Takeover::Find { quiet, .. }, Answer::Last(last))
                if quiet.is_some() && last > quiet =>
            {
                Ok(Takeover::Lost)
            }
            (Takeover::Find { boundary, .. }, Answer::Last(last)) => {
                found(boundary, last, candidate, replica, now)
            }
            (Takeover::Link(_), Answer::Object(None)) => Ok(Takeover::ANEW),
            (Takeover::Link(last), Answer::Object(Some(bytes))) => {
                let (before, digest) = decode(last, &bytes)?;
                let before = Before {
                    seq: last,
                    digest,
                    format: before.header.format,
                    generation: before.header.generation,
                    written_at_ms: before.header.written_at_ms,
                };
                Ok(Takeover::Fence(before.fence(candidate, now)))
            }
            (Takeover::Fence(slot), answer) => Ok(match slot.answer(answer) {
                Fate::Open(slot) => Takeover::Fence(slot),
                Fate::Won(fence, sealed) => Fenced {
                    first: replica.head().seq.next(),
                    fence,
                    sealed,
                }
                .replay(replica),
                Fate::Lost => Takeover::Lost,
            }),
            (Takeover::Replay(fenced), Answer::Object(bytes)) => {
                Ok(match take(replica, bytes.as_ref()) {
                    Ok(_) => fenced.replay(replica),
                    Err(corrupt) => Takeover::Recheck {
                        fenced,
                        problem: Some(corrupt),
                    },
                })
            }
            (Takeover::Recheck { fenced, problem }, Answer::Boundary(boundary)) => {
                fenced.checked(boundary, problem, replica)
            }
            // An answer to a question of an earlier life: ask again.
            (phase, _) => Ok(phase),
        }
    }
}

impl Fenced {
    /// Goes on reading, or has read all that lies before the fence.
    fn replay(self, replica: &Replica) -> Takeover {
        if replica.head().seq.next() == self.fence.header.seq {
            Takeover::Recheck {
                fenced: self,
                problem: None,
            }
        } else {
            Takeover::Replay(self)
        }
    }

    fn checked(
        self,
        boundary: Seq,
        problem: Option<Corrupt>,
        replica: &mut Replica,
    ) -> Result<Takeover, Corrupt> {
        if boundary >= self.first {
            replica.forget();
            return Ok(Takeover::ANEW);
        }
        if let Some(corrupt) = problem {
            return Err(corrupt);
        }
        replica.apply(self.fence, self.sealed.digest)?;
        Ok(Takeover::Won)
    }
}

/// Where the log ends is looked for once the replica is where it may go on.
fn surveyed(restore: Option<Restore>, boundary: Seq, quiet: Option<Seq>) -> Takeover {
    match restore {
        Some(restore) => Takeover::Restore {
            restore,
            boundary,
            quiet,
        },
        None => Takeover::Find { boundary, quiet },
    }
}

fn found(
    boundary: Seq,
    last: Option<Seq>,
    candidate: &Candidate,
    replica: &Replica,
    now: Now,
) -> Result<Takeover, Corrupt> {
    let head = replica.head();
    match last {
        None if head.seq == Seq::ZERO => {
            let fence = Record::Fence(Fence {
                secret: Some(candidate.birth.secret),
            });
            let header = Header {
                format: candidate.format,
                writer: candidate.incarnation,
                generation: candidate.birth.generation,
                seq: Seq::ZERO.next(),
                previous: Digest::default(),
                written_at_ms: now.wall_ms,
            };
            let slot = Slot::new(Object::new(header, vec![fence]), false);
            Ok(Takeover::Fence(slot))
        }
        // Nothing came since the replica's last, which nobody needs to read again.
        Some(last) if last == head.seq => Ok(fence_on(replica, candidate, now)),
        None if boundary == head.seq => Ok(fence_on(replica, candidate, now)),
        Some(last) if last > head.seq => Ok(Takeover::Link(last)),
        _ => Err(Corrupt {
            seq: head.seq,
            what: "it was there and is gone".into(),
        }),
    }
}

/// Where to look for the last slot: from the replica's own on, which must be
/// there unless it was collected.
fn find_after(boundary: Seq, replica: &Replica) -> Seq {
    boundary.max(Seq(replica.head().seq.0.saturating_sub(1)))
}

/// A fence in the slot after the replica's last.
fn fence_on(replica: &Replica, candidate: &Candidate, now: Now) -> Takeover {
    let head = replica.head();
    let before = Before {
        seq: head.seq,
        digest: head.digest,
        format: head.format,
        generation: replica.birth().unwrap_or(candidate.birth).generation,
        written_at_ms: head.written_at_ms,
    };
    Takeover::Fence(before.fence(candidate, now))
}

/// The object that a fence follows.
struct Before {
    seq: Seq,
    digest: Digest,
    format: Format,
    generation: Gen,
    written_at_ms: i64,
}

impl Before {
    fn fence(self, candidate: &Candidate, now: Now) -> Slot {
        let header = Header {
            format: self.format.max(candidate.format),
            writer: candidate.incarnation,
            generation: self.generation,
            seq: self.seq.next(),
            previous: self.digest,
            written_at_ms: now.wall_ms.max(self.written_at_ms),
        };
        let fence = Record::Fence(Fence { secret: None });
        Slot::new(Object::new(header, vec![fence]), false)
    }
}

/// Applies the next object, as it was read. Whether its writer ended with it.
pub(crate) fn take(replica: &mut Replica, bytes: Option<&bytes::Bytes>) -> Result<bool, Corrupt> {
    let seq = replica.head().seq.next();
    let Some(bytes) = bytes else {
        let what = "it is missing, and was not collected: restore it from a copy".into();
        return Err(Corrupt { seq, what });
    };
    let (object, digest) = decode(seq, bytes)?;
    let released = object.is_release();
    replica.apply(object, digest)?;
    Ok(released)
}

/// The object of this slot.
pub(crate) fn decode(seq: Seq, bytes: &bytes::Bytes) -> Result<(Object, Digest), Corrupt> {
    let corrupt = |what: String| Corrupt { seq, what };
    let (object, digest) = Object::decode(bytes).map_err(|error| corrupt(error.to_string()))?;
    if object.header.seq != seq {
        return Err(corrupt(format!(
            "it was written for slot {}",
            object.header.seq
        )));
    }
    Ok((object, digest))
}
