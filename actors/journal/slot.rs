//! One slot of the journal on its way from "to be written" to a known outcome.
//!
//! The rule that everything rests on: an unknown outcome is met by the same
//! bytes in the same slot, until it is known; and a taken slot is ours only if
//! it holds our bytes. Never the next slot, never success by assumption.

use audit::{
    journal::{Object, Sealed},
    journal_id::Seq,
};

use super::effect::{Answer, Effect, Name, Outcome};

#[derive(Debug)]
pub(crate) struct Slot {
    object: Object,
    sealed: Sealed,
    step: Step,
    /// Whether the boundary must be looked at after the write: the slot may
    /// have been used and collected while this writer was asleep.
    guarded: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Step {
    Write,
    /// Somebody has the slot: perhaps this writer, by an earlier try.
    Compare,
    Guard,
}

#[derive(Debug)]
pub(crate) enum Fate {
    Open(Slot),
    Won(Object, Sealed),
    Lost,
}

impl Slot {
    pub(crate) fn new(object: Object, guarded: bool) -> Slot {
        let sealed = object.encode();
        Slot {
            object,
            sealed,
            step: Step::Write,
            guarded,
        }
    }

    pub(crate) fn seq(&self) -> Seq {
        self.object.header.seq
    }

    pub(crate) fn effect(&self) -> Effect {
        match self.step {
            Step::Write => Effect::Create {
                name: Name::Log(self.seq()),
                object: self.sealed.bytes.clone(),
            },
            Step::Compare => Effect::Read(Name::Log(self.seq())),
            Step::Guard => Effect::Boundary,
        }
    }

    pub(crate) fn answer(mut self, answer: Answer) -> Fate {
        match (self.step, answer) {
            (Step::Write, Answer::Created(Outcome::Won)) => self.written(),
            (Step::Write, Answer::Created(Outcome::Taken)) => {
                self.step = Step::Compare;
                Fate::Open(self)
            }
            (Step::Compare, Answer::Object(Some(bytes))) if bytes == self.sealed.bytes => {
                self.written()
            }
            (Step::Compare, Answer::Object(_)) => Fate::Lost,
            (Step::Guard, Answer::Boundary(boundary)) if boundary >= self.seq() => Fate::Lost,
            (Step::Guard, Answer::Boundary(_)) => Fate::Won(self.object, self.sealed),
            // Unknown, or an answer to a question of an earlier life: ask again.
            _ => Fate::Open(self),
        }
    }

    fn written(mut self) -> Fate {
        if self.guarded {
            self.step = Step::Guard;
            Fate::Open(self)
        } else {
            Fate::Won(self.object, self.sealed)
        }
    }
}
