//! What is outside of the processes: the queue, the journal's store, the lake,
//! the network between, and the truth that is checked.

use std::collections::{BTreeMap, BTreeSet};

use audit::{
    journal::{Digest, Saved},
    journal_id::Seq,
    key::{Key, KeyXor, Secret},
    partition::{Day, Partition},
    source::Source,
    tenant::Tenant,
};
use bytes::Bytes;

use super::{dice::Dice, store::Journal, truth::Truth};
use crate::journal::{
    effect::{Name, Removal},
    replica::{PlanId, Replica},
};

/// Virtual milliseconds of one step.
pub(super) const STEP_MS: u64 = 50;

pub(super) type EventId = u64;
pub(super) type MessageNo = u64;

/// Steps for which a received message is hidden.
const HIDDEN: u64 = 40;

#[derive(Debug)]
pub(super) struct Letter {
    pub(super) events: Vec<EventId>,
    pub(super) visible_at: u64,
    /// Of the newest receive.
    pub(super) receipt: u64,
}

/// A file of the lake: the events it holds.
pub(super) type File = Vec<Key>;

#[derive(Debug)]
pub(super) struct World {
    pub(super) dice: Dice,
    pub(super) step: u64,
    pub(super) journal: Journal,
    /// By plan; a bug gives a file more than one name.
    lake: BTreeMap<(PlanId, u64), File>,
    pub(super) queue: BTreeMap<MessageNo, Letter>,
    /// Event n belongs to the tenant and partition n modulo their number.
    tenants: Vec<Tenant>,
    partitions: Vec<Partition>,
    /// Hash over all that happened.
    pub(super) trace: u64,
    secret: Secret,
    /// Of the dedup window.
    reach_ms: i64,
    truth: Truth,
    /// What a replica is that has applied the log up to a slot.
    replicas: BTreeMap<Seq, Shape>,
    receipts: u64,
}

/// What replicas that applied the same must agree in.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Shape {
    digest: Digest,
    rows_waiting: u64,
    partitions: usize,
    plans: Vec<PlanId>,
    /// Keys that lie in no keys object.
    uncovered: usize,
    /// Of a window without end. Beyond one that ends, who began with a checkpoint may
    /// know more.
    keys: Option<usize>,
    retained_bytes: u64,
    given_up: usize,
    saved: Vec<Saved>,
}

/// An invariant that did not hold.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Violation(pub(super) String);

pub(super) type Checked = Result<(), Violation>;

impl World {
    pub(super) fn new(mut dice: Dice, secret: Secret, reach_ms: i64) -> World {
        let tenant = |id| Tenant::parse(id).expect("it is valid");
        let day = |days| Day::from_days(days).expect("it is in range");
        let tenants = ["a", "b"].map(tenant);
        let partitions = [(0, 1), (1, 1), (0, 2), (1, 2)]
            .map(|(index, days): (usize, i32)| Partition::tenant(tenants[index].clone(), day(days)))
            .to_vec();
        let mut world = World {
            step: 0,
            journal: Journal::default(),
            lake: BTreeMap::new(),
            queue: BTreeMap::new(),
            tenants: tenants.to_vec(),
            partitions,
            trace: 0xcbf2_9ce4_8422_2325,
            secret,
            reach_ms,
            truth: Truth::default(),
            replicas: BTreeMap::new(),
            receipts: 0,
            dice: Dice::new(dice.next()),
        };
        world.fill_queue(&mut dice);
        world
    }

    /// Each event once at least; some messages again, with others or in part.
    fn fill_queue(&mut self, dice: &mut Dice) {
        let events = dice.between(3, 20);
        let mut sent = Vec::new();
        let mut next = 0;
        while next < events {
            let count = dice.between(1, 4).min(events - next);
            sent.push((next..next + count).collect::<Vec<_>>());
            next += count;
        }
        for index in 0..sent.len() {
            if dice.chance(350) {
                let mut copy = sent[index].clone();
                copy.truncate(dice.between(1, copy.len() as u64) as usize);
                copy.push(dice.below(events));
                if dice.chance(300) {
                    copy.push(copy[0]);
                }
                sent.push(copy);
            }
        }
        for (no, events) in (0..).zip(sent) {
            let letter = Letter {
                events,
                visible_at: dice.below(120),
                receipt: 0,
            };
            self.queue.insert(no, letter);
        }
    }

    pub(super) fn note(&mut self, what: &str, value: u64) {
        for byte in what.bytes().chain(value.to_le_bytes()) {
            self.trace = (self.trace ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }

    pub(super) fn partition(&self, event: EventId) -> &Partition {
        &self.partitions[event as usize % self.partitions.len()]
    }

    /// The journal's secret is the same for all candidates, so that the world
    /// can tell events by their keys.
    pub(super) fn key(&self, event: EventId) -> Key {
        let tenant = &self.tenants[event as usize % self.tenants.len()];
        self.secret.key(tenant, Source::Aws, &event.to_le_bytes())
    }

    /// Hides some visible messages and gives them a new receipt each; now and
    /// then one that is hidden comes as well.
    pub(super) fn receive(&mut self, faults: bool) -> Vec<(MessageNo, u64, Vec<EventId>)> {
        let visible =
            |(no, letter): (&MessageNo, &Letter)| (letter.visible_at <= self.step).then_some(*no);
        let mut ready: Vec<MessageNo> = self.queue.iter().filter_map(visible).collect();
        let all: Vec<MessageNo> = self.queue.keys().copied().collect();
        if faults && self.dice.chance(80) {
            ready.extend(self.dice.pick(&all));
        }
        let mut taken = Vec::new();
        for _ in 0..self.dice.between(1, 4) {
            let Some(no) = self.dice.pick(&ready).copied() else {
                break;
            };
            ready.retain(|other| *other != no);
            self.receipts += 1;
            if let Some(letter) = self.queue.get_mut(&no) {
                letter.visible_at = self.step + HIDDEN;
                letter.receipt = self.receipts;
                taken.push((no, self.receipts, letter.events.clone()));
            }
        }
        taken
    }

    /// I1 and I7; an old receipt deletes nothing.
    pub(super) fn delete(&mut self, no: MessageNo, receipt: u64) -> Checked {
        let Some(letter) = self.queue.get(&no) else {
            return Ok(());
        };
        for event in &letter.events {
            if !self.truth.durable.contains_key(&self.key(*event)) {
                let what = format!("I1: message {no} deleted, event {event} is not durable");
                return Err(Violation(what));
            }
        }
        if letter.receipt == receipt {
            self.queue.remove(&no);
        }
        self.note("delete", no);
        Ok(())
    }

    /// A create-only write into the journal. True if this call made the object.
    pub(super) fn append(&mut self, name: Name, bytes: &Bytes) -> Result<bool, Violation> {
        let new = self.journal.create(name, bytes, self.step);
        self.truth.boundary = self.truth.boundary.max(self.journal.boundary());
        match name {
            // In a slot that was collected it is nobody's history.
            Name::Log(seq) if new && seq > self.truth.boundary => {
                self.note("append", seq.0);
                self.truth.learn(seq, bytes, self.reach_ms)?;
            }
            Name::Log(seq) | Name::Checkpoint(seq) | Name::Boundary(seq) => {
                self.note("write", seq.0);
            }
            Name::Keys(range) => self.note("keys", range.upto.0),
        }
        Ok(new)
    }

    /// What was removed, and whether more is to be. I8: the boundary stays.
    pub(super) fn remove(
        &mut self,
        removal: Removal,
        one: bool,
    ) -> Result<(usize, bool), Violation> {
        let removed = self.journal.remove(removal, one, STEP_MS);
        self.note("remove", removed.0 as u64);
        if self.journal.boundary() < self.truth.boundary {
            return Err(Violation("I8: the boundary went back".into()));
        }
        Ok(removed)
    }

    /// Of an object that is or was in the log.
    pub(super) fn digest(&self, seq: Seq) -> Option<Digest> {
        self.truth.digests.get(&seq).copied()
    }

    /// A create-only write into the lake, under the plan's name or one by chance: I2,
    /// I5 and I6 for the file.
    pub(super) fn write_file(
        &mut self,
        id: &PlanId,
        file: &File,
        by_chance: bool,
    ) -> Result<bool, Violation> {
        let name = match by_chance {
            true => (id.clone(), self.dice.next()),
            false => (id.clone(), 0),
        };
        if let Some(there) = self.lake.get(&name) {
            let (mut ours, mut theirs) = (file.clone(), there.clone());
            ours.sort_unstable();
            theirs.sort_unstable();
            if ours != theirs {
                return Err(Violation(format!(
                    "I5: {id:?} would be written with other rows"
                )));
            }
            return Ok(false);
        }
        self.note("file", id.seq.0);
        let Some(plan) = self.truth.plans.get(id) else {
            return Err(Violation(format!("I5: {id:?} is in no journal")));
        };
        if file.len() as u64 != plan.rows || KeyXor::of(file.iter().copied()) != plan.key_xor {
            return Err(Violation(format!(
                "I5: the file of {id:?} is not its plan's"
            )));
        }
        let rows = self.truth.planned(id);
        let (mut expected, mut found): (Vec<Key>, Vec<Key>) =
            (rows.iter().map(|(_, key)| *key).collect(), file.clone());
        expected.sort_unstable();
        found.sort_unstable();
        if expected != found {
            return Err(Violation(format!(
                "I6: the file of {id:?} has rows from elsewhere"
            )));
        }
        for row in rows {
            if !self.truth.filed.insert(row) {
                return Err(Violation(format!("I2: {row:?} is in two files")));
            }
        }
        self.lake.insert(name, file.clone());
        Ok(true)
    }

    /// Replicas that applied the same objects are equal, whoever wrote them.
    pub(super) fn agree(&mut self, replica: &Replica) -> Checked {
        let head = replica.head();
        if head.seq > Seq::ZERO && self.digest(head.seq) != Some(head.digest) {
            let what = format!("I8: what was applied as {} is not the log's", head.seq);
            return Err(Violation(what));
        }
        self.remembers(replica)?;
        let shape = Shape {
            digest: head.digest,
            rows_waiting: replica.rows_waiting(),
            partitions: replica.waiting().len(),
            plans: replica.open_plans().map(|open| open.id.clone()).collect(),
            uncovered: replica.uncovered_count(),
            keys: (self.reach_ms == i64::MAX).then(|| replica.known_count()),
            retained_bytes: replica.retained_bytes(),
            given_up: replica.skipped().len(),
            saved: replica.saved().to_vec(),
        };
        let first = self.replicas.entry(head.seq).or_insert(shape.clone());
        if *first == shape {
            return Ok(());
        }
        let what = format!("two replicas differ at {}: {first:?}, {shape:?}", head.seq);
        Err(Violation(what))
    }

    /// I2: whatever is inside the window is known, or asked for before it is judged.
    fn remembers(&self, replica: &Replica) -> Checked {
        let Some(newest_ms) = self.truth.written_at.get(&replica.head().seq) else {
            return Ok(());
        };
        for (key, (seq, written_at_ms)) in &self.truth.durable {
            let is_inside = newest_ms.saturating_sub(*written_at_ms) <= self.reach_ms;
            if *seq <= replica.head().seq
                && is_inside
                && !replica.knows(key)
                && replica.doubt(&[*key]).is_none()
            {
                let head = replica.head().seq;
                return Err(Violation(format!(
                    "I2: {key:?} of {seq} is forgotten at {head}"
                )));
            }
        }
        Ok(())
    }

    /// I1, I2 and I4 at the end: every event is durable, and every row in exactly
    /// one file, unless that was given up.
    pub(super) fn all_filed(&self, events: &BTreeSet<EventId>) -> Checked {
        for event in events {
            if !self.truth.durable.contains_key(&self.key(*event)) {
                return Err(Violation(format!("I1: event {event} is not durable")));
            }
        }
        for row in self.truth.rows.values().flatten() {
            if !self.truth.filed.contains(row) && !self.truth.given_up.contains(row) {
                return Err(Violation(format!("I2: {row:?} is in no file")));
            }
        }
        let rows: usize = self.lake.values().map(Vec::len).sum();
        match self.truth.filed.len() {
            filed if filed == rows => Ok(()),
            filed => Err(Violation(format!("I2: {rows} rows in files, not {filed}"))),
        }
    }

    /// What came of the log, besides files.
    pub(super) fn counts(&self) -> [(&'static str, u64); 2] {
        [
            ("format 2", self.truth.newer),
            ("second row", self.truth.second),
        ]
    }

    pub(super) fn events(&self) -> BTreeSet<EventId> {
        self.queue
            .values()
            .flat_map(|letter| letter.events.iter().copied())
            .collect()
    }
}
