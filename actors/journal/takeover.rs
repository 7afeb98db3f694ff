//! Becoming the leader: steps 1 to 3 of the protocol.
//!
//! Look for the end of the log, put a fence there, read what lies before it,
//! and look again whether the boundary moved meanwhile: then what was read may
//! have been an impostor in a collected slot, and all begins anew. The fence
//! stops the old leader at its next write, wherever it is.

use audit::{
    journal::{Digest, Fence, Header, Incarnation, Object, Record, Sealed},
    journal_id::Seq,
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
    Survey,
    Find {
        boundary: Seq,
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
    Replay {
        boundary: Seq,
        fence: Object,
        sealed: Sealed,
    },
    /// All is read. `missing`: a slot that should have been there was empty.
    Recheck {
        boundary: Seq,
        fence: Object,
        sealed: Sealed,
        missing: Option<Seq>,
    },
    Won,
}

impl Takeover {
    pub(crate) fn effect(&self, replica: &Replica) -> Option<Effect> {
        match self {
            Takeover::Survey | Takeover::Recheck { .. } => Some(Effect::Boundary),
            Takeover::Find { boundary } => Some(Effect::Last { after: *boundary }),
            Takeover::Link { last, .. } => Some(Effect::Read(*last)),
            Takeover::Fence { slot, .. } => Some(slot.effect()),
            Takeover::Replay { .. } => Some(Effect::Read(replica.head().seq.next())),
            Takeover::Won => None,
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
            (Takeover::Survey, Answer::Boundary(boundary)) => surveyed(boundary, replica),
            (Takeover::Find { boundary }, Answer::Last(last)) => {
                found(boundary, last, candidate, replica, now)
            }
            (Takeover::Link { boundary, last }, Answer::Object(bytes)) => {
                let Some(bytes) = bytes else {
                    return Ok(Takeover::Survey);
                };
                let (object, digest) = decode(last, &bytes)?;
                let link = Link {
                    seq: last,
                    digest,
                    object: &object,
                };
                Ok(link.fence(boundary, candidate, replica, now))
            }
            (Takeover::Fence { boundary, slot }, answer) => Ok(match slot.answer(answer) {
                Fate::Open(slot) => Takeover::Fence { boundary, slot },
                Fate::Won(fence, sealed) => replay(boundary, fence, sealed, replica),
                Fate::Lost => Takeover::Survey,
            }),
            (
                Takeover::Replay {
                    boundary,
                    fence,
                    sealed,
                },
                Answer::Object(Some(bytes)),
            ) => {
                let (object, digest) = decode(replica.head().seq.next(), &bytes)?;
                replica.apply(object, digest)?;
                Ok(replay(boundary, fence, sealed, replica))
            }
            (
                Takeover::Replay {
                    boundary,
                    fence,
                    sealed,
                },
                Answer::Object(None),
            ) => {
                let missing = Some(replica.head().seq.next());
                Ok(Takeover::Recheck {
                    boundary,
                    fence,
                    sealed,
                    missing,
                })
            }
            (Takeover::Recheck { boundary, .. }, Answer::Boundary(seen)) if seen != boundary => {
                Ok(Takeover::Survey)
            }
            (
                Takeover::Recheck {
                    missing: Some(seq), ..
                },
                Answer::Boundary(_),
            ) => {
                let what = "it is missing, and was not collected".into();
                Err(Corrupt { seq, what })
            }
            (Takeover::Recheck { fence, sealed, .. }, Answer::Boundary(_)) => {
                replica.apply(fence, sealed.digest)?;
                Ok(Takeover::Won)
            }
            // An answer to a question of an earlier life: ask again.
            (phase, _) => Ok(phase),
        }
    }
}

fn surveyed(boundary: Seq, replica: &Replica) -> Result<Takeover, Corrupt> {
    if boundary > replica.head().seq {
        let what = "older objects were collected, which this version cannot start from: \
                    run the version that collected them, or a newer one";
        return Err(Corrupt {
            seq: boundary,
            what: what.into(),
        });
    }
    Ok(Takeover::Find { boundary })
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
        Some(last) if last >= head.seq => Ok(Takeover::Link { boundary, last }),
        _ => Err(Corrupt {
            seq: head.seq,
            what: "it was there and is gone".into(),
        }),
    }
}

/// The object that the fence will follow.
struct Link<'a> {
    seq: Seq,
    digest: Digest,
    object: &'a Object,
}

impl Link<'_> {
    fn fence(self, boundary: Seq, candidate: &Candidate, replica: &Replica, now: Now) -> Takeover {
        debug_assert!(self.seq >= replica.head().seq);
        let header = Header {
            writer: candidate.incarnation,
            generation: self.object.header.generation,
            seq: self.seq.next(),
            previous: self.digest,
            written_at_ms: now.wall_ms.max(self.object.header.written_at_ms),
        };
        let fence = Record::Fence(Fence { secret: None });
        let slot = Slot::new(Object::new(header, vec![fence]), false);
        Takeover::Fence { boundary, slot }
    }
}

/// Goes on reading, or has read all that lies before the fence.
fn replay(boundary: Seq, fence: Object, sealed: Sealed, replica: &Replica) -> Takeover {
    if replica.head().seq.next() == fence.header.seq {
        Takeover::Recheck {
            boundary,
            fence,
            sealed,
            missing: None,
        }
    } else {
        Takeover::Replay {
            boundary,
            fence,
            sealed,
        }
    }
}

fn decode(seq: Seq, bytes: &bytes::Bytes) -> Result<(Object, Digest), Corrupt> {
    Object::decode(bytes).map_err(|error| Corrupt {
        seq,
        what: error.to_string(),
    })
}
