//! Becoming the leader: steps 1 to 3 of the protocol.
//!
//! Look for the end of the log, put a fence there, read what lies before it,
//! and look again whether the boundary moved meanwhile: then what was read may
//! have been an impostor in a collected slot, and all begins anew. The fence
//! stops the old leader at its next write, wherever it is.

use audit::{
    journal::{Digest, Fence, Header, Incarnation, Object, Record, Sealed},
    journal_id::{Gen, Seq},
};

use super::{
    effect::{Answer, Effect, Now},
    replica::{Birth, Corrupt, Replica},
    slot::{Fate, Slot},
};

/// Who wants to lead: the process, and what a new journal would be born with.
#[derive(Clone, Debug)]
pub struct Candidate {
    pub incarnation: Incarnation,
    pub birth: Birth,
}

#[derive(Debug)]
pub(crate) enum Takeover {
    /// `quiet`: the last slot as it was when a follower found that nobody leads.
    /// Whoever wrote since then does.
    Survey {
        quiet: Option<Seq>,
    },
    Find {
        boundary: Seq,
        quiet: Option<Seq>,
    },
    /// The end of the log is known; its digest is not.
    Link {
        boundary: Seq,
        last: Seq,
    },
    Fence {
        boundary: Seq,
        slot: Slot,
    },
    Replay(Fenced),
    /// All is read, or a slot that should have been there was empty.
    Recheck {
        fenced: Fenced,
        missing: Option<Seq>,
    },
    Won,
    /// Another was faster.
    Lost,
}

/// A fence that stands, and the boundary as it was before.
#[derive(Debug)]
pub(crate) struct Fenced {
    boundary: Seq,
    fence: Object,
    sealed: Sealed,
}

impl Takeover {
    /// Whoever else may lead is fenced.
    pub(crate) const ANEW: Takeover = Takeover::Survey { quiet: None };

    pub(crate) fn effect(&self, replica: &Replica) -> Option<Effect> {
        match self {
            Takeover::Survey { .. } | Takeover::Recheck { .. } => Some(Effect::Boundary),
            Takeover::Find { boundary, .. } => Some(Effect::Last {
                after: find_after(*boundary, replica),
            }),
            Takeover::Link { last, .. } => Some(Effect::Read(*last)),
            Takeover::Fence { slot, .. } => Some(slot.effect()),
            Takeover::Replay(_) => Some(Effect::Read(replica.head().seq.next())),
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
                surveyed(boundary, replica)?;
                Ok(Takeover::Find { boundary, quiet })
            }
            (Takeover::Find { quiet, .. }, Answer::Last(last))
                if quiet.is_some() && last > quiet =>
            {
                Ok(Takeover::Lost)
            }
            (Takeover::Find { boundary, .. }, Answer::Last(last)) => {
                found(boundary, last, candidate, replica, now)
            }
            (Takeover::Link { .. }, Answer::Object(None)) => Ok(Takeover::ANEW),
            (Takeover::Link { boundary, last }, Answer::Object(Some(bytes))) => {
                let (before, digest) = decode(last, &bytes)?;
                let Header {
                    generation,
                    written_at_ms,
                    ..
                } = before.header;
                let slot = fence_after((last, digest), generation, written_at_ms, candidate, now);
                Ok(Takeover::Fence { boundary, slot })
            }
            (Takeover::Fence { boundary, slot }, answer) => Ok(match slot.answer(answer) {
                Fate::Open(slot) => Takeover::Fence { boundary, slot },
                Fate::Won(fence, sealed) => Fenced {
                    boundary,
                    fence,
                    sealed,
                }
                .replay(replica),
                Fate::Lost => Takeover::Lost,
            }),
            (Takeover::Replay(fenced), Answer::Object(Some(bytes))) => {
                let (object, digest) = decode(replica.head().seq.next(), &bytes)?;
                replica.apply(object, digest)?;
                Ok(fenced.replay(replica))
            }
            (Takeover::Replay(fenced), Answer::Object(None)) => {
                let missing = Some(replica.head().seq.next());
                Ok(Takeover::Recheck { fenced, missing })
            }
            (Takeover::Recheck { fenced, missing }, Answer::Boundary(boundary)) => {
                fenced.checked(boundary, missing, replica)
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
                missing: None,
            }
        } else {
            Takeover::Replay(self)
        }
    }

    fn checked(
        self,
        boundary: Seq,
        missing: Option<Seq>,
        replica: &mut Replica,
    ) -> Result<Takeover, Corrupt> {
        if boundary != self.boundary {
            return Ok(Takeover::ANEW);
        }
        if let Some(seq) = missing {
            let what = "it is missing, and was not collected".into();
            return Err(Corrupt { seq, what });
        }
        replica.apply(self.fence, self.sealed.digest)?;
        Ok(Takeover::Won)
    }
}

/// Whether what the replica has is where the log begins.
pub(crate) fn surveyed(boundary: Seq, replica: &Replica) -> Result<(), Corrupt> {
    if boundary > replica.head().seq {
        let what = "older objects were collected, which this version cannot start from: \
                    run the version that collected them, or a newer one";
        return Err(Corrupt {
            seq: boundary,
            what: what.into(),
        });
    }
    Ok(())
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
                writer: candidate.incarnation,
                generation: candidate.birth.generation,
                seq: Seq::ZERO.next(),
                previous: Digest::default(),
                written_at_ms: now.wall_ms,
            };
            let slot = Slot::new(Object::new(header, vec![fence]), false);
            Ok(Takeover::Fence { boundary, slot })
        }
        // Nothing came since the replica's last, which nobody needs to read again.
        Some(last) if last == head.seq => Ok(fence_on(boundary, candidate, replica, now)),
        None if boundary == head.seq => Ok(fence_on(boundary, candidate, replica, now)),
        Some(last) if last > head.seq => Ok(Takeover::Link { boundary, last }),
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
fn fence_on(boundary: Seq, candidate: &Candidate, replica: &Replica, now: Now) -> Takeover {
    let head = replica.head();
    let birth = replica.birth().unwrap_or(candidate.birth);
    let slot = fence_after(
        (head.seq, head.digest),
        birth.generation,
        head.written_at_ms,
        candidate,
        now,
    );
    Takeover::Fence { boundary, slot }
}

/// A fence in the slot after `before`.
fn fence_after(
    (before, digest): (Seq, Digest),
    generation: Gen,
    written_at_ms: i64,
    candidate: &Candidate,
    now: Now,
) -> Slot {
    let header = Header {
        writer: candidate.incarnation,
        generation,
        seq: before.next(),
        previous: digest,
        written_at_ms: now.wall_ms.max(written_at_ms),
    };
    let fence = Record::Fence(Fence { secret: None });
    Slot::new(Object::new(header, vec![fence]), false)
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
