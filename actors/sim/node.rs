//! One process: the real protocol, and a driver that can be stopped anywhere.

use std::collections::BTreeMap;

use audit::{
    journal::{Done, Format, Keys},
    journal_id::Seq,
    key::Key,
    partition::Partition,
};
use bytes::Bytes;
use hashbrown::HashSet;

use super::{
    Mutant,
    limits::{self, Shared},
    rows::{gather, keys_of},
    world::{Checked, EventId, File, MessageNo, STEP_MS, Violation, World},
};
use crate::{
    ingest::inflight::{InFlight, Ticket},
    journal::{
        Candidate,
        claims::{BatchNo, Rider, Verdict},
        effect::{Answer, Effect, Name, Now, Outcome, Removal},
        leader::{Contents, Leader, Refused, Turn},
        replica::{OpenPlan, PlanId},
        upkeep::Upkeep,
    },
    ports::{Message, MessageId, Receipt},
};

impl Rider for Ticket {
    fn split(&self) -> Ticket {
        Ticket::split(self)
    }
}

#[derive(Debug)]
pub(super) struct Node {
    skew_ms: i64,
    leader: Leader<Ticket>,
    upkeep: Upkeep,
    in_flight: InFlight,
    filling: Option<(BatchNo, Vec<EventId>)>,
    closed: Vec<(BatchNo, Vec<EventId>)>,
    /// A message taken apart half-way.
    opened: Option<(MessageNo, Ticket, Vec<EventId>)>,
    /// Messages that may be deleted.
    settled: Vec<(MessageId, Receipt)>,
    /// The newest receipt this process has seen of each message.
    newest: BTreeMap<MessageId, Receipt>,
    /// Asleep until this step.
    pub(super) asleep_until: u64,
    /// Waits for an answer of the network.
    pub(super) waiting: bool,
    mutant: Option<Mutant>,
    /// Messages of which a part is in a batch, for [`Mutant::SettledEarly`].
    early: Vec<MessageNo>,
    /// How often it stopped following in order to lead.
    pub(super) took_over: u64,
    /// How often keys were read again for its filters.
    pub(super) recalls: u64,
    /// The newest format that its release knows.
    pub(super) reads: Format,
}

/// A write under way in the network.
#[derive(Clone, Debug)]
pub(super) enum Write {
    Journal(Name, Bytes),
    File(PlanId, File, Box<Done>),
}

impl Node {
    pub(super) fn new(
        candidate: Candidate,
        shared: Shared,
        reads: Format,
        mutant: Option<Mutant>,
    ) -> Node {
        let (limits, upkeep) = limits::limits(&candidate, shared);
        let skews_ms = [0, 3_600_000, -3_600_000, 960_000];
        Node {
            skew_ms: skews_ms[(candidate.incarnation.0 % 4) as usize],
            leader: Leader::new(candidate, limits),
            upkeep: Upkeep::new(upkeep),
            in_flight: InFlight::default(),
            filling: None,
            closed: Vec::new(),
            opened: None,
            settled: Vec::new(),
            newest: BTreeMap::new(),
            asleep_until: 0,
            waiting: false,
            mutant,
            early: Vec::new(),
            took_over: 0,
            recalls: 0,
            reads,
        }
    }

    /// Boot clocks run alike; wall clocks are off by up to an hour.
    fn now(&self, world: &World) -> Now {
        let boot_ms = world.step * STEP_MS;
        Now {
            wall_ms: boot_ms as i64 + self.skew_ms,
            boot_ms,
        }
    }

    pub(super) fn is_drained(&self) -> bool {
        self.leader.is_idle()
            && self.leader.is_serving()
            && self.leader.replica().is_settled()
            && self.settled.is_empty()
    }

    pub(super) fn effect(&mut self, world: &World) -> Option<Effect> {
        let now = self.now(world);
        self.leader.next(now)
    }

    /// What the journal's upkeep asks, which goes on beside the protocol.
    pub(super) fn upkeep(&mut self, world: &World) -> Option<Effect> {
        let now = self.now(world);
        self.upkeep.look(&mut self.leader, now);
        let effect = self.upkeep.effect()?;
        let head = self.leader.replica().head().seq;
        Some(match (self.mutant, effect) {
            (
                Some(Mutant::CollectUnfiled),
                Effect::Create {
                    name: Name::Boundary(_),
                    object,
                },
            ) => Effect::Create {
                name: Name::Boundary(head),
                object,
            },
            (Some(Mutant::CollectUnfiled), Effect::Remove(Removal::Log { age, .. })) => {
                let boundary = head;
                Effect::Remove(Removal::Log { boundary, age })
            }
            (_, effect) => effect,
        })
    }

    /// A checkpoint that was given up is no fault.
    pub(super) fn kept(&mut self, world: &World, answer: Answer) -> Result<(), String> {
        let now = self.now(world);
        self.upkeep.answer(answer, now)
    }

    /// How many checkpoints the log knows of, as far as this process read it.
    pub(super) fn has_checkpoint(&self) -> bool {
        !self.leader.replica().saved().is_empty()
    }

    /// Takes an answer; the world checks I9 by what the replica then claims.
    pub(super) fn answer(&mut self, world: &mut World, answer: Answer) -> Checked {
        let answer = match (self.mutant, answer) {
            (Some(Mutant::TakenIsSuccess), Answer::Created(Outcome::Taken)) => {
                Answer::Created(Outcome::Won)
            }
            (Some(Mutant::NoGuard), Answer::Boundary(_)) if self.leader.is_serving() => {
                Answer::Boundary(Seq::ZERO)
            }
            (Some(Mutant::NoRecheck), Answer::Boundary(_)) if self.leader.rechecks() => {
                Answer::Boundary(Seq::ZERO)
            }
            (_, answer) => answer,
        };
        let followed = self.leader.is_following();
        let turn = self
            .leader
            .answer(answer, self.now(world))
            .map_err(|corrupt| Violation(format!("I3: {corrupt}")))?;
        world.agree(self.leader.replica())?;
        if followed && !self.leader.is_following() {
            self.took_over += 1;
        }
        match turn {
            Some(Turn::Following) => world.note("followed", 0),
            Some(Turn::Committed { riders, .. }) => {
                self.owns_head(world)?;
                for rider in riders {
                    self.settle(rider)?;
                }
                for no in std::mem::take(&mut self.early) {
                    world.delete(no, self.newest.get(&id(no)).map_or(0, receipt_no))?;
                }
            }
            Some(Turn::Serving) => self.owns_head(world)?,
            Some(Turn::Fenced) => {
                world.note("fenced", 0);
                self.asleep_until = world.step + world.dice.between(5, 60);
            }
            None => {}
        }
        Ok(())
    }

    fn owns_head(&self, world: &World) -> Checked {
        let head = self.leader.replica().head();
        match world.digest(head.seq) {
            Some(digest) if digest == head.digest => Ok(()),
            _ => Err(Violation(format!("I9: slot {} was not won", head.seq))),
        }
    }

    /// Receives, and takes apart what is in hand.
    pub(super) fn receive(&mut self, world: &mut World, faults: bool) -> Checked {
        if !self.leader.is_serving() {
            return Ok(());
        }
        if let Some((no, ticket, events)) = self.opened.take() {
            return self.offer(world, no, ticket, events);
        }
        for (no, receipt, events) in world.receive(faults) {
            let id = id(no);
            let receipt = Receipt(receipt.to_string().into());
            self.newest.insert(id.clone(), receipt.clone());
            let message = Message {
                id,
                receipt,
                body: Bytes::new(),
                attributes: BTreeMap::new(),
                sender: None,
                sent_at_ms: 0,
                receives: 1,
            };
            let Some(ticket) = self.in_flight.admit(&message) else {
                continue;
            };
            if self.mutant == Some(Mutant::DeleteBeforeCommit) {
                world.delete(no, receipt_no(&message.receipt))?;
            }
            self.offer(world, no, ticket, events)?;
        }
        Ok(())
    }

    /// Offers some of a message's events; the rest may come with a later batch.
    fn offer(
        &mut self,
        world: &mut World,
        no: MessageNo,
        ticket: Ticket,
        mut events: Vec<EventId>,
    ) -> Checked {
        let rest = events.split_off(world.dice.between(1, events.len() as u64) as usize);
        let Some(batch) = self.batch() else {
            return Ok(());
        };
        let keys: Vec<Key> = events.iter().map(|event| world.key(*event)).collect();
        let Some(verdicts) = self.judge(world, batch, &keys, ticket.split()) else {
            return Ok(());
        };
        let copies = verdicts
            .iter()
            .all(|verdict| *verdict == Verdict::Duplicate);
        if self.mutant == Some(Mutant::DeleteRiderEarly) && copies && rest.is_empty() {
            world.delete(no, self.newest.get(&id(no)).map_or(0, receipt_no))?;
        }
        let new = self.rows(&events, &verdicts);
        if let Some((_, filling)) = &mut self.filling {
            filling.extend(new);
        }
        if self.mutant == Some(Mutant::SettledEarly) {
            self.early.push(no);
        }
        if rest.is_empty() {
            return self.settle(ticket);
        }
        if self.opened.is_none() && world.dice.chance(500) {
            self.opened = Some((no, ticket, rest));
            return Ok(());
        }
        self.offer(world, no, ticket, rest)
    }

    /// Those of the events that become rows.
    fn rows(&self, events: &[EventId], verdicts: &[Verdict]) -> Vec<EventId> {
        let judged = || events.iter().copied().zip(verdicts);
        let is_new = |event: EventId, verdict: Verdict| match self.mutant {
            Some(Mutant::NoDedup) => true,
            Some(Mutant::NoDedupInside) => judged().any(|of| of == (event, &Verdict::New)),
            _ => verdict == Verdict::New,
        };
        let rows = judged().filter(|(event, verdict)| is_new(*event, **verdict));
        rows.map(|(event, _)| event).collect()
    }

    /// `None`: there is no such batch, or the store could not be reached; the
    /// message comes again.
    fn judge(
        &mut self,
        world: &mut World,
        batch: BatchNo,
        keys: &[Key],
        mut stake: Ticket,
    ) -> Option<Vec<Verdict>> {
        loop {
            match self.leader.offer(batch, keys, stake) {
                Ok(verdicts) => return Some(verdicts),
                Err(Refused::Stale) => return None,
                Err(Refused::Unsure { recall, rider }) => {
                    if world.dice.chance(30) {
                        return None;
                    }
                    let read = |range| world.journal.read(Name::Keys(range));
                    let objects = recall.ranges.iter().filter_map(|range| read(*range));
                    let spans = objects
                        .filter_map(|object| Keys::decode(&object).ok())
                        .flat_map(|keys| keys.spans);
                    let mut held: HashSet<Key> = spans.flat_map(|span| span.keys).collect();
                    match self.mutant {
                        Some(Mutant::NoRecall) => held.clear(),
                        Some(Mutant::FilterHitIsCopy) => held.extend(keys),
                        _ => {}
                    }
                    self.recalls += 1;
                    self.leader.recall(recall, &held);
                    stake = rider;
                }
            }
        }
    }

    /// I7: a message is deleted with the newest receipt there is by then.
    fn settle(&mut self, ticket: Ticket) -> Checked {
        let Some((id, receipt)) = ticket.settle() else {
            return Ok(());
        };
        if self.newest.get(&id) != Some(&receipt) {
            return Err(Violation(format!(
                "I7: {id} would be deleted with an old receipt"
            )));
        }
        self.settled.push((id, receipt));
        Ok(())
    }

    fn batch(&mut self) -> Option<BatchNo> {
        if self.filling.is_none() {
            self.filling = self.leader.begin().ok().map(|batch| (batch, Vec::new()));
        }
        self.filling.as_ref().map(|(batch, _)| *batch)
    }

    /// Closes the batch that is being filled; it waits to be submitted.
    pub(super) fn close(&mut self) {
        self.closed.extend(self.filling.take());
    }

    pub(super) fn submit(&mut self, world: &World) {
        if self.closed.is_empty() {
            return;
        }
        let (batch, events) = self.closed.remove(0);
        let batch_record = gather(world, &events);
        let contents = Contents {
            batch: batch_record,
            ..Contents::default()
        };
        // A batch of an earlier leadership is dropped: its messages come again.
        drop(self.leader.submit(batch, contents));
    }

    /// A panic on the way: whatever is being filled or encoded is lost.
    pub(super) fn lose_a_batch(&mut self) {
        let lost = self.filling.take().or_else(|| self.closed.pop());
        if let Some((batch, _)) = lost {
            self.leader.abandon(batch);
        }
    }

    pub(super) fn seal(&mut self, world: &mut World) {
        let waiting: Vec<Partition> = self.leader.replica().waiting().keys().cloned().collect();
        if let Some(partition) = world.dice.pick(&waiting) {
            self.leader.seal(partition.clone());
        }
    }

    /// A person gives up some file, if this process leads.
    pub(super) fn skip(&mut self, world: &mut World) -> bool {
        let plans: Vec<OpenPlan> = self.leader.plans_to_do().cloned().collect();
        let plan = world.dice.pick(&plans);
        plan.is_some_and(|open| self.leader.skip(&open.id, String::new()).is_ok())
    }

    /// Makes a file of some open plan.
    pub(super) fn file(&mut self, world: &mut World) -> Option<Write> {
        if !self.leader.is_fresh(self.now(world)) {
            return None;
        }
        let plans: Vec<OpenPlan> = self.leader.plans_to_do().cloned().collect();
        let open = world.dice.pick(&plans)?;
        let mut keys: File = open
            .pieces
            .iter()
            .flat_map(|piece| keys_of(&piece.content))
            .collect();
        if self.mutant == Some(Mutant::FilesByTiming) {
            let waiting = self.leader.replica().waiting().get(&open.id.partition);
            let more = waiting
                .into_iter()
                .flatten()
                .flat_map(|piece| keys_of(&piece.content));
            keys.extend(more);
        }
        let done = Done {
            plan: open.id.seq,
            partition: open.id.partition.clone(),
            rows: open.plan.rows,
            key_xor: open.plan.key_xor,
            bytes: 1,
            sha256: audit::journal::Digest::default(),
            time_min_ms: 0,
            time_max_ms: 0,
        };
        Some(Write::File(open.id.clone(), keys, Box::new(done)))
    }

    pub(super) fn filed(&mut self, done: Done) {
        self.leader.done(done);
    }

    /// Deletes one settled message; the call may get lost.
    pub(super) fn delete(&mut self, world: &mut World, lost: bool) -> Checked {
        match self.settled.pop() {
            Some((id, receipt)) if !lost => {
                world.delete(id.0.parse().unwrap_or_default(), receipt_no(&receipt))
            }
            _ => Ok(()),
        }
    }
}

fn id(no: MessageNo) -> MessageId {
    MessageId(no.to_string().into())
}

fn receipt_no(receipt: &Receipt) -> u64 {
    receipt.0.parse().unwrap_or_default()
}
