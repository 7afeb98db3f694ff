//! The journal protocol of one process, leading or not: a machine without I/O.
//!
//! [`Leader::next`] says what the store should be asked, [`Leader::answer`]
//! takes what it said and tells what came of it; the same code runs under the
//! appender and in the simulator. Between those calls batches are opened,
//! filled and submitted, partitions are sealed and files reported. It promises:
//! a batch's riders are returned only after its object is known to be in the
//! log; a fenced leader drops everything in hand; it never writes a slot before
//! the outcome of the one before is known.

mod outbox;
mod skip;
mod standing;

use std::{
    collections::{HashMap, HashSet, VecDeque},
    time::Duration,
};

use audit::{
    accounting::Accounting,
    journal::{Batch, Digest, Done, Format, Header, Object, Record, Saved},
    key::Key,
    partition::{Area, Partition},
    quarantine::Entry,
};

use self::outbox::Outbox;
pub use self::{
    skip::Unskippable,
    standing::{Role, Standing},
};
use super::{
    claims::{BatchNo, Claims, Rider, Verdict},
    effect::{Answer, Effect, Now},
    following::{Follow, Following, Heard},
    known::{Recall, Window},
    replica::{Corrupt, OpenPlan, PlanId, Replica},
    seal::{self, Open, SealLimits},
    slot::{Fate, Slot},
    takeover::{Candidate, Takeover},
};

/// Done records, and plans, in one object: an object must stay readable
/// whatever a drain of many tenants brings at once.
pub(super) const RECORDS_A_KIND_MAX: usize = 10_000;

#[derive(Clone, Copy, Debug)]
pub struct Limits {
    pub window: Window,
    pub heartbeat: Duration,
    /// How old objects are, at least, when they are removed.
    pub keep: Duration,
    pub seal: SealLimits,
    /// `None`: nobody else can lead, so this process does at once.
    pub follow: Option<Follow>,
}

/// What a closed batch writes: rows, entries for the quarantine, and what they
/// add to the numbers. Any of them may be empty.
#[derive(Debug, Default)]
pub struct Contents {
    pub accounting: Accounting,
    pub quarantine: Vec<Entry>,
    pub batch: Option<Batch>,
}

/// What came of an answer.
#[derive(Debug)]
pub enum Turn<R> {
    /// All that is in the log was taken in; another leads.
    Following,
    /// The log is read and ours.
    Serving,
    /// An object is in the log. Its riders are to be honoured: their events are
    /// durable.
    Committed {
        riders: Vec<R>,
        accounting: Accounting,
        bytes: u64,
    },
    /// Another leads. All in hand was dropped.
    Fenced,
}

/// Why events are not judged.
#[derive(Debug)]
pub enum Refused<R> {
    Stale,
    /// Whether they are known must be read first.
    Unsure {
        recall: Recall,
        rider: R,
    },
}

/// There is no such batch, or no leadership: what was to be written is to be
/// dropped.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("the batch was given up")]
pub struct Stale;

#[derive(Debug)]
pub struct Leader<R> {
    candidate: Candidate,
    limits: Limits,
    replica: Replica,
    phase: Phase,
    claims: Claims<R>,
    submitted: VecDeque<(BatchNo, Contents)>,
    outbox: Outbox,
    /// Plans whose file was reported, or given up, until the journal says so.
    reported: HashSet<PlanId>,
    /// How many plans of an area nobody works on for long.
    aside: HashMap<Area, usize>,
    acknowledged_boot_ms: Option<u64>,
}

#[derive(Debug)]
enum Phase {
    Following(Following),
    Taking(Takeover),
    Serving {
        writing: Option<(Slot, Option<BatchNo>)>,
    },
    Released,
}

impl<R: Rider> Leader<R> {
    pub fn new(candidate: Candidate, limits: Limits) -> Leader<R> {
        let mut replica = Replica::new(limits.window);
        Leader {
            candidate,
            limits,
            phase: standby(&limits, &mut replica),
            replica,
            claims: Claims::new(),
            submitted: VecDeque::new(),
            outbox: Outbox::default(),
            reported: HashSet::new(),
            aside: HashMap::new(),
            acknowledged_boot_ms: None,
        }
    }

    /// One that has applied the log up to some object.
    pub fn resuming(candidate: Candidate, limits: Limits, replica: Replica) -> Leader<R> {
        Leader {
            replica,
            ..Leader::new(candidate, limits)
        }
    }

    pub fn replica(&self) -> &Replica {
        &self.replica
    }

    pub fn begin(&mut self) -> Result<BatchNo, Stale> {
        if self.is_serving() {
            Ok(self.claims.begin())
        } else {
            Err(Stale)
        }
    }

    /// Judges the events of one parcel for a batch. The rider is honoured when
    /// all of them are durable.
    pub fn offer(
        &mut self,
        batch: BatchNo,
        keys: &[Key],
        rider: R,
    ) -> Result<Vec<Verdict>, Refused<R>> {
        let replica = &self.replica;
        if let Some(recall) = replica.doubt(keys) {
            return Err(Refused::Unsure { recall, rider });
        }
        self.claims
            .offer(batch, keys, rider, |key| replica.knows(key))
            .ok_or(Refused::Stale)
    }

    /// Which keys its objects hold.
    pub fn recall(&mut self, recall: Recall, held: &hashbrown::HashSet<Key>) {
        self.replica.recall(recall, held);
    }

    /// A closed batch, to be written in its turn.
    pub fn submit(&mut self, batch: BatchNo, contents: Contents) -> Result<(), Stale> {
        if !self.claims.has(batch) {
            return Err(Stale);
        }
        self.submitted.push_back((batch, contents));
        Ok(())
    }

    /// A batch that will not be submitted: its riders are failed. One that was
    /// submitted stays.
    pub fn abandon(&mut self, batch: BatchNo) {
        let writing = match &self.phase {
            Phase::Serving {
                writing: Some((_, writing)),
            } => *writing,
            _ => None,
        };
        let submitted = self
            .submitted
            .iter()
            .any(|(submitted, _)| *submitted == batch);
        if !submitted && writing != Some(batch) {
            self.claims.abandon(batch);
        }
    }

    /// Asks for the partition's waiting rows to become a file.
    pub fn seal(&mut self, partition: Partition) {
        if self.is_serving() {
            self.outbox.seal.insert(partition);
        }
    }

    /// A plan's file is in the lake. Told twice, or too late, it is no news.
    pub fn done(&mut self, done: Done) {
        let id = PlanId::of(&done);
        let open = self.is_serving() && self.replica.open_plan(&id).is_some();
        if open && self.reported.insert(id.clone()) {
            self.outbox.add(id, done);
        }
    }

    /// A checkpoint was written and read back.
    pub fn saved(&mut self, saved: Saved) {
        let newest = self.replica.saved().last().map(|last| last.seq);
        if self.is_serving() && newest < Some(saved.seq) {
            self.outbox.saved = Some(saved);
        }
    }

    /// Open plans whose file nobody reported.
    pub fn plans_to_do(&self) -> impl Iterator<Item = &OpenPlan> {
        let serving = self.is_serving();
        let open = self.replica.open_plans();
        open.filter(move |plan| serving && !self.reported.contains(&plan.id))
    }

    /// Something besides batches waits for the next object.
    pub fn has_news(&self) -> bool {
        !self.outbox.is_empty()
    }

    /// Writes `release` when all else is written, if it leads; then it never acts
    /// again.
    pub fn release(&mut self) {
        match self.phase {
            Phase::Following(_) => self.phase = Phase::Released,
            _ => self.outbox.release = true,
        }
    }

    /// What the store should be asked now; the same until it is answered.
    pub fn next(&mut self, now: Now) -> Option<Effect> {
        if matches!(self.phase, Phase::Serving { writing: None }) {
            let composed = self.compose(now);
            self.phase = Phase::Serving { writing: composed };
        }
        match &self.phase {
            Phase::Following(following) => {
                let follow = self.limits.follow?;
                following.effect(&self.replica, follow, now)
            }
            Phase::Taking(takeover) => takeover.effect(&self.replica),
            Phase::Serving { writing } => writing.as_ref().map(|(slot, _)| slot.effect()),
            Phase::Released => None,
        }
    }

    pub fn answer(&mut self, answer: Answer, now: Now) -> Result<Option<Turn<R>>, Corrupt> {
        match std::mem::replace(&mut self.phase, Phase::Released) {
            Phase::Following(following) => return self.heard(following, answer, now),
            Phase::Taking(takeover) => {
                let phase = takeover.answer(answer, &self.candidate, &mut self.replica, now)?;
                self.phase = match phase {
                    Takeover::Won => {
                        self.acknowledged_boot_ms = Some(now.boot_ms);
                        self.phase = Phase::Serving { writing: None };
                        return Ok(Some(Turn::Serving));
                    }
                    Takeover::Lost if self.outbox.release && self.limits.follow.is_some() => {
                        Phase::Released
                    }
                    Takeover::Lost => standby(&self.limits, &mut self.replica),
                    phase => Phase::Taking(phase),
                };
            }
            Phase::Serving {
                writing: Some((slot, batch)),
            } => match slot.answer(answer) {
                Fate::Open(slot) => {
                    self.phase = Phase::Serving {
                        writing: Some((slot, batch)),
                    }
                }
                Fate::Won(object, sealed) => {
                    self.acknowledged_boot_ms = Some(now.boot_ms);
                    let bytes = sealed.bytes.len() as u64;
                    return self
                        .committed(object, sealed.digest, bytes, batch)
                        .map(Some);
                }
                Fate::Lost => {
                    self.phase = standby(&self.limits, &mut self.replica);
                    self.claims.clear();
                    self.submitted.clear();
                    self.reported.clear();
                    self.outbox.drop_all_but_release();
                    return Ok(Some(Turn::Fenced));
                }
            },
            phase => self.phase = phase,
        }
        Ok(None)
    }

    /// What a follower makes of an answer.
    fn heard(
        &mut self,
        following: Following,
        answer: Answer,
        now: Now,
    ) -> Result<Option<Turn<R>>, Corrupt> {
        let Some(follow) = self.limits.follow else {
            self.phase = Phase::Taking(Takeover::ANEW);
            return Ok(None);
        };
        let (phase, turn) = match following.answer(answer, &mut self.replica, follow, now)? {
            Heard::Following(following) => (Phase::Following(following), None),
            Heard::CaughtUp(following) => (Phase::Following(following), Some(Turn::Following)),
            Heard::Silence { last } => {
                let quiet = Some(last);
                (Phase::Taking(Takeover::Survey { quiet }), None)
            }
            Heard::Doubt => {
                self.replica = Replica::new(self.limits.window);
                (standby(&self.limits, &mut self.replica), None)
            }
        };
        self.phase = phase;
        Ok(turn)
    }

    fn committed(
        &mut self,
        object: Object,
        digest: Digest,
        bytes: u64,
        batch: Option<BatchNo>,
    ) -> Result<Turn<R>, Corrupt> {
        let accounting = object.accounting.clone();
        let released = object.is_release();
        self.replica.apply(object, digest)?;
        self.reported
            .retain(|id| self.replica.open_plan(id).is_some());
        self.phase = if released {
            Phase::Released
        } else {
            Phase::Serving { writing: None }
        };
        let riders = batch
            .map(|batch| self.claims.commit(batch))
            .unwrap_or_default();
        Ok(Turn::Committed {
            riders,
            accounting,
            bytes,
        })
    }

    /// The next object, if there is a reason for one.
    fn compose(&mut self, now: Now) -> Option<(Slot, Option<BatchNo>)> {
        let mut records = self.outbox.take();
        let asked = std::mem::take(&mut self.outbox.seal);
        let plans = seal::plans(
            Open::new(&self.replica, &self.aside),
            &asked,
            &self.limits.seal,
        );
        records.extend(plans.into_iter().map(Record::Plan));

        let mut accounting = Accounting::default();
        let mut batch_no = None;
        if let Some((batch, contents)) = self.submitted.pop_front() {
            accounting = contents.accounting;
            batch_no = Some(batch);
            if !contents.quarantine.is_empty() {
                records.push(Record::Quarantine(contents.quarantine));
            }
            records.extend(contents.batch.map(Record::Batch));
        } else if self.outbox.release && self.claims.is_empty() {
            records.push(Record::Release);
        }
        if records.is_empty() && batch_no.is_none() {
            if u128::from(self.unacknowledged_ms(now)) < self.limits.heartbeat.as_millis() {
                return None;
            }
            records.push(Record::Heartbeat);
        }
        // Its slot may have been used and collected since.
        let guarded = u128::from(self.unacknowledged_ms(now)) >= self.limits.keep.as_millis() / 2;
        let object = Object {
            header: self.header(now)?,
            accounting,
            records,
        };
        Some((Slot::new(object, guarded), batch_no))
    }

    /// Formats do not go back.
    fn format(&self) -> Format {
        self.candidate.format.max(self.replica.head().format)
    }

    fn header(&self, now: Now) -> Option<Header> {
        let head = self.replica.head();
        Some(Header {
            format: self.format(),
            writer: self.candidate.incarnation,
            generation: self.replica.birth()?.generation,
            seq: head.seq.next(),
            previous: head.digest,
            // A clock that was set back must not make the journal's time go back.
            written_at_ms: now.wall_ms.max(head.written_at_ms),
        })
    }
}

/// What a process does that does not lead. A cold one holds nothing meanwhile.
fn standby(limits: &Limits, replica: &mut Replica) -> Phase {
    let Some(follow) = limits.follow else {
        return Phase::Taking(Takeover::ANEW);
    };
    if !follow.warm {
        *replica = Replica::new(limits.window);
    }
    Phase::Following(Following::new(replica))
}

#[cfg(test)]
mod tests;
