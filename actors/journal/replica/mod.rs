//! What a replica knows: a pure state machine whose only input is journal
//! objects, in order.
//!
//! Replicas that applied the same objects are equal, so taking over, restarting
//! and replaying are the same code. It holds the rows that are durable but not
//! yet in a file, as [`Piece`]s per partition; the plans that are not yet done;
//! the dedup window; the accounting. It promises that no row is in two plans
//! and that a plan takes exactly what it says ([`Corrupt`] otherwise: then the
//! process must end rather than guess). It survives every actor; files are made
//! of its pieces by the lake.

mod checkpoint;
mod filing;
mod held;
mod piece;
mod plans;

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

use audit::{
    accounting::{Counts, Totals},
    journal::{
        Digest, Done, Fence, Format, Incarnation, KeySpan, Object, Plan, Record, Saved, Skip,
    },
    journal_id::{Gen, Seq},
    key::{Key, Secret},
    partition::{Area, Partition},
};
use hashbrown::HashSet;

pub(crate) use self::checkpoint::Restoring;
pub use self::checkpoint::{KeysLimits, Snapshot};
pub use self::piece::{Content, Piece};
use self::{held::Held, plans::OpenPlans};
use super::known::{Known, Recall, Window};

/// The journal says something that cannot be: do not go on from here.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("journal object {seq} cannot be applied: {what}")]
pub struct Corrupt {
    pub seq: Seq,
    pub what: String,
}

/// A plan without its done record, and the pieces its file is made of.
#[derive(Clone, Debug)]
pub struct OpenPlan {
    pub id: PlanId,
    pub plan: Plan,
    pub pieces: Arc<[Piece]>,
}

/// The slot of the plan; it holds at most one for each partition.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct PlanId {
    pub seq: Seq,
    pub partition: Partition,
}

/// The last object applied.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Head {
    pub seq: Seq,
    pub digest: Digest,
    pub written_at_ms: i64,
    /// No later object is in an older one.
    pub format: Format,
    writer: Option<Incarnation>,
}

/// What is drawn when a journal begins, and never again.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Birth {
    pub generation: Gen,
    pub secret: Secret,
}

#[derive(Debug)]
pub struct Replica {
    head: Head,
    /// The slot of the newest fence.
    epoch: Seq,
    birth: Option<Birth>,
    known: Known,
    waiting: BTreeMap<Partition, VecDeque<Piece>>,
    plans: OpenPlans,
    totals: Totals,
    /// The sum of the totals.
    counts: Counts,
    held: Held,
    /// Files that were given up, in order.
    skipped: Vec<Skip>,
    /// The newest checkpoints, the older first; two at most.
    saved: Vec<Saved>,
    /// Something but heartbeats came since the newest.
    has_news: bool,
}

/// Where pieces come from.
#[derive(Clone, Copy)]
struct Slot {
    seq: Seq,
    written_at_ms: i64,
    digest: Digest,
}

impl Replica {
    pub fn new(window: Window) -> Replica {
        Replica {
            head: Head::default(),
            epoch: Seq::ZERO,
            birth: None,
            known: Known::new(window),
            waiting: BTreeMap::new(),
            plans: OpenPlans::default(),
            totals: Totals::default(),
            counts: Counts::default(),
            held: Held::default(),
            skipped: Vec::new(),
            saved: Vec::new(),
            has_news: false,
        }
    }

    pub(crate) fn window(&self) -> Window {
        self.known.window()
    }

    /// Nothing of it counts.
    pub(crate) fn forget(&mut self) {
        *self = Replica::new(self.window());
    }

    pub fn head(&self) -> Head {
        self.head
    }

    pub fn epoch(&self) -> Seq {
        self.epoch
    }

    pub fn birth(&self) -> Option<Birth> {
        self.birth
    }

    /// Sure only of keys about which there is no [`doubt`](Self::doubt).
    pub fn knows(&self, key: &Key) -> bool {
        self.known.contains(key)
    }

    /// What must be recalled before these keys can be judged.
    pub fn doubt(&self, keys: &[Key]) -> Option<Recall> {
        self.known.doubt(keys)
    }

    /// Which keys its objects hold.
    pub fn recall(&mut self, recall: Recall, held: &HashSet<Key>) {
        self.known.recall(recall, held);
    }

    /// Keys in the dedup window.
    pub fn known_count(&self) -> usize {
        self.known.count()
    }

    /// Keys that lie in no keys object.
    pub fn uncovered_count(&self) -> usize {
        self.known.uncovered_count()
    }

    /// Memory of the dedup window.
    pub fn known_bytes(&self) -> u64 {
        self.known.bytes()
    }

    /// How far back the dedup window reaches, in milliseconds.
    pub fn window_held_ms(&self) -> i64 {
        self.known.held_ms()
    }

    /// Sums over all objects applied.
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// The same, by tenant and source.
    pub fn totals(&self) -> &Totals {
        &self.totals
    }

    /// The files that were given up since the journal began, in order.
    pub fn skipped(&self) -> &[Skip] {
        &self.skipped
    }

    /// The newest checkpoints that the journal knows of, the older first.
    pub fn saved(&self) -> &[Saved] {
        &self.saved
    }

    /// Whether something but heartbeats came since the newest checkpoint.
    pub fn has_news(&self) -> bool {
        self.has_news
    }

    /// The log up to here is needed by nobody: two checkpoints can do without.
    pub fn needless(&self) -> Seq {
        match &self.saved[..] {
            [older, _] => Seq(older.low.0.saturating_sub(1)),
            _ => Seq::ZERO,
        }
    }

    /// Memory held by rows that are not yet in a file, in bytes.
    pub fn retained_bytes(&self) -> u64 {
        self.held.bytes
    }

    /// Pieces that no plan covers yet, oldest first.
    pub fn waiting(&self) -> &BTreeMap<Partition, VecDeque<Piece>> {
        &self.waiting
    }

    pub fn open_plans(&self) -> impl Iterator<Item = &OpenPlan> {
        self.plans.iter()
    }

    /// How many there are of one tenant, or of the quarantine.
    pub fn open_plans_in(&self, area: &Area) -> usize {
        self.plans.count_in(area)
    }

    /// Raw bytes of the rows of all open plans.
    pub fn open_raw_bytes(&self) -> u64 {
        self.plans.raw_bytes()
    }

    pub fn open_plan(&self, id: &PlanId) -> Option<&OpenPlan> {
        self.plans.get(id)
    }

    /// Rows that are durable and not yet in a file.
    pub fn rows_waiting(&self) -> u64 {
        self.held.rows
    }

    /// True once every row is in a file.
    pub fn is_settled(&self) -> bool {
        self.waiting.is_empty() && self.plans.is_empty()
    }

    /// Applies the next object. `digest` is that of its bytes.
    pub fn apply(&mut self, object: Object, digest: Digest) -> Result<(), Corrupt> {
        let seq = object.header.seq;
        let corrupt = |what: String| Corrupt { seq, what };
        self.follows(&object).map_err(corrupt)?;
        let slot = Slot {
            seq,
            written_at_ms: object.header.written_at_ms,
            digest,
        };
        for record in object.records {
            self.has_news |= record.is_news();
            match record {
                Record::Fence(fence) => {
                    self.begin(&fence, object.header.generation)
                        .map_err(corrupt)?;
                    self.epoch = seq;
                }
                Record::Done(done) => self.close(&done).map_err(corrupt)?,
                Record::Skip(skip) => self.give_up(skip).map_err(corrupt)?,
                Record::Saved(saved) => self.note(seq, saved).map_err(corrupt)?,
                Record::Plan(plan) => self.open(seq, plan).map_err(corrupt)?,
                Record::Quarantine(entries) => {
                    self.learn(slot, entries.iter().map(|entry| entry.key).collect());
                    self.add(slot, Piece::of_entries(slot, entries));
                }
                Record::Batch(batch) => {
                    self.learn(slot, batch.keys.as_slice().into());
                    self.add(slot, Piece::of_batch(slot, batch));
                }
                Record::Heartbeat | Record::Release => {}
            }
        }
        self.counts += object.accounting.total();
        self.totals.add(&object.accounting);
        self.head = Head {
            seq,
            digest,
            written_at_ms: slot.written_at_ms,
            format: object.header.format,
            writer: Some(object.header.writer),
        };
        Ok(())
    }

    /// The digest chain, the generation, that only a fence changes writers, and
    /// that formats do not go back.
    fn follows(&self, object: &Object) -> Result<(), String> {
        let header = &object.header;
        let fences = matches!(object.records.first(), Some(Record::Fence(_)));
        if header.seq != self.head.seq.next() {
            return Err(format!("it does not follow {}", self.head.seq));
        }
        if header.previous != self.head.digest {
            return Err("it names another predecessor: the chain is broken".into());
        }
        match self.birth {
            Some(birth) if birth.generation != header.generation => {
                return Err(format!("it is of generation {}", header.generation));
            }
            None if !fences => return Err("a journal begins with a fence".into()),
            _ => {}
        }
        if header.format < self.head.format {
            let (is, was) = (header.format, self.head.format);
            return Err(format!("it is in format {is}, after one in format {was}"));
        }
        if !fences && self.head.writer != Some(header.writer) {
            return Err("its writer is another, and it is no fence".into());
        }
        Ok(())
    }

    fn begin(&mut self, fence: &Fence, generation: Gen) -> Result<(), String> {
        match (self.birth, fence.secret) {
            (None, Some(secret)) => self.birth = Some(Birth { generation, secret }),
            (Some(_), None) => {}
            (None, None) => return Err("the first fence carries no secret".into()),
            (Some(_), Some(_)) => return Err("a later fence carries a secret".into()),
        }
        Ok(())
    }

    fn note(&mut self, seq: Seq, saved: Saved) -> Result<(), String> {
        let newest = self.saved.last().map_or(Seq::ZERO, |last| last.seq);
        if saved.seq <= newest || saved.seq >= seq || saved.low > saved.seq.next() {
            return Err(format!("its checkpoint {} cannot be", saved.seq));
        }
        self.known.cover(&saved.keys);
        self.has_news = false;
        self.saved.push(saved);
        if self.saved.len() > 2 {
            self.saved.remove(0);
        }
        if let [older, _] = &self.saved[..] {
            // Its writer may have a smaller window, and collects by it.
            self.known.uncover(older.keys_low);
        }
        Ok(())
    }

    fn learn(&mut self, slot: Slot, keys: Box<[Key]>) {
        self.known.extend(KeySpan {
            seq: slot.seq,
            written_at_ms: slot.written_at_ms,
            keys,
        });
    }

    fn add(&mut self, slot: Slot, (pieces, bytes): (Vec<(Partition, Piece)>, u64)) {
        self.held.keep(slot, pieces.len(), bytes);
        for (partition, piece) in pieces {
            self.wait(partition, piece);
        }
    }

    fn wait(&mut self, partition: Partition, piece: Piece) {
        self.held.rows += piece.rows;
        self.waiting.entry(partition).or_default().push_back(piece);
    }
}

impl PlanId {
    pub fn skipped(skip: &Skip) -> PlanId {
        PlanId {
            seq: skip.plan,
            partition: skip.partition.clone(),
        }
    }

    pub fn of(done: &Done) -> PlanId {
        PlanId {
            seq: done.plan,
            partition: done.partition.clone(),
        }
    }
}
