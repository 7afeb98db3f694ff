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

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    sync::Arc,
};

use audit::{
    accounting::Counts,
    journal::{Batch, Digest, Done, Fence, Incarnation, Object, Plan, Record},
    journal_id::{Gen, Seq},
    key::{Key, KeyXor, Secret},
    partition::{Day, Partition},
    quarantine::Entry,
};

use super::known::{Known, Window};

/// The journal says something that cannot be: do not go on from here.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("journal object {seq} cannot be applied: {what}")]
pub struct Corrupt {
    pub seq: Seq,
    pub what: String,
}

/// Rows of one partition from one journal object.
#[derive(Clone, Debug)]
pub struct Piece {
    pub seq: Seq,
    pub rows: u64,
    pub raw_bytes: u64,
    pub key_xor: KeyXor,
    /// When its object was written, by the writer's wall clock.
    pub written_at_ms: i64,
    pub content: Content,
}

#[derive(Clone, Debug)]
pub enum Content {
    /// The rows of `batch.slices[slice]`.
    Rows {
        batch: Arc<Batch>,
        slice: usize,
    },
    Quarantine(Arc<[Entry]>),
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
    plans: BTreeMap<PlanId, OpenPlan>,
    counts: Counts,
    held: Held,
}

impl Replica {
    pub fn new(window: Window) -> Replica {
        Replica {
            head: Head::default(),
            epoch: Seq::ZERO,
            birth: None,
            known: Known::new(window),
            waiting: BTreeMap::new(),
            plans: BTreeMap::new(),
            counts: Counts::default(),
            held: Held::default(),
        }
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

    pub fn knows(&self, key: &Key) -> bool {
        self.known.contains(key)
    }

    /// How far back the dedup window reaches, in milliseconds.
    pub fn window_held_ms(&self) -> i64 {
        self.known.held_ms()
    }

    /// Sums over all objects applied.
    pub fn counts(&self) -> Counts {
        self.counts
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
        self.plans.values()
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
        let written_at_ms = object.header.written_at_ms;
        for record in object.records {
            match record {
                Record::Fence(fence) => {
                    self.begin(&fence, object.header.generation)
                        .map_err(corrupt)?;
                    self.epoch = seq;
                }
                Record::Done(done) => self.close(&done).map_err(corrupt)?,
                Record::Plan(plan) => self.open(seq, plan).map_err(corrupt)?,
                Record::Quarantine(entries) => self.put_aside(seq, written_at_ms, entries),
                Record::Batch(batch) => self.add(seq, written_at_ms, batch),
                Record::Heartbeat | Record::Release => {}
            }
        }
        self.counts += object.accounting.total();
        self.head = Head {
            seq,
            digest,
            written_at_ms,
            writer: Some(object.header.writer),
        };
        Ok(())
    }

    /// The digest chain, the generation, and that only a fence changes writers.
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

    fn add(&mut self, seq: Seq, written_at_ms: i64, batch: Batch) {
        self.known
            .extend(written_at_ms, batch.keys.as_slice().into());
        let batch = Arc::new(batch);
        self.held
            .keep(seq, batch.slices.len(), batch.retained_bytes() as u64);
        for (slice, row) in batch.slices.iter().enumerate() {
            let piece = Piece {
                seq,
                rows: u64::from(row.row_end - row.row_start),
                raw_bytes: row.raw_bytes,
                key_xor: row.key_xor,
                written_at_ms,
                content: Content::Rows {
                    batch: Arc::clone(&batch),
                    slice,
                },
            };
            self.wait(row.partition.clone(), piece);
        }
    }

    fn put_aside(&mut self, seq: Seq, written_at_ms: i64, entries: Vec<Entry>) {
        let mut days: BTreeMap<Day, Vec<Entry>> = BTreeMap::new();
        let keys = entries.iter().map(|entry| entry.key).collect();
        self.known.extend(written_at_ms, keys);
        for entry in entries {
            days.entry(Day::of_ms(entry.sent_at_ms))
                .or_default()
                .push(entry);
        }
        for (day, entries) in days {
            let raw_bytes = entries.iter().map(|entry| entry.raw.len() as u64).sum();
            self.held.keep(seq, 1, raw_bytes);
            let piece = Piece {
                seq,
                rows: entries.len() as u64,
                raw_bytes,
                key_xor: KeyXor::of(entries.iter().map(|entry| entry.key)),
                written_at_ms,
                content: Content::Quarantine(entries.into()),
            };
            self.wait(Partition::quarantine(day), piece);
        }
    }

    fn wait(&mut self, partition: Partition, piece: Piece) {
        self.held.rows += piece.rows;
        self.waiting.entry(partition).or_default().push_back(piece);
    }

    fn open(&mut self, seq: Seq, plan: Plan) -> Result<(), String> {
        let id = PlanId {
            seq,
            partition: plan.partition.clone(),
        };
        if plan.upto >= seq {
            return Err(format!("its plan for {} covers itself", plan.partition));
        }
        if self.plans.contains_key(&id) {
            return Err(format!("it plans {} twice", plan.partition));
        }
        let mut pieces = Vec::new();
        if let Some(waiting) = self.waiting.get_mut(&plan.partition) {
            let count = waiting
                .iter()
                .take_while(|piece| piece.seq <= plan.upto)
                .count();
            pieces.extend(waiting.drain(..count));
            if waiting.is_empty() {
                self.waiting.remove(&plan.partition);
            }
        }
        let rows: u64 = pieces.iter().map(|piece| piece.rows).sum();
        let mut key_xor = KeyXor::default();
        pieces.iter().for_each(|piece| key_xor.0 ^= piece.key_xor.0);
        let before = pieces.first().is_some_and(|piece| piece.seq <= plan.from);
        if before || rows != plan.rows || key_xor != plan.key_xor {
            return Err(format!(
                "its plan for {} covers {} rows, but {rows} wait there in {}..={}",
                plan.partition, plan.rows, plan.from, plan.upto
            ));
        }
        self.plans.insert(
            id.clone(),
            OpenPlan {
                id,
                plan,
                pieces: pieces.into(),
            },
        );
        Ok(())
    }

    fn close(&mut self, done: &Done) -> Result<(), String> {
        let id = PlanId {
            seq: done.plan,
            partition: done.partition.clone(),
        };
        let Some(open) = self.plans.get(&id) else {
            return Err(format!(
                "it ends plan {} of {}, which is not open",
                id.seq, id.partition
            ));
        };
        if open.plan.rows != done.rows || open.plan.key_xor != done.key_xor {
            return Err(format!(
                "the file of plan {} of {} has other rows",
                id.seq, id.partition
            ));
        }
        for piece in open.pieces.iter() {
            self.held.release(piece.seq);
            self.held.rows -= piece.rows;
        }
        self.plans.remove(&id);
        Ok(())
    }
}

impl PlanId {
    pub fn of(done: &Done) -> PlanId {
        PlanId {
            seq: done.plan,
            partition: done.partition.clone(),
        }
    }
}

/// What the objects' contents weigh, and the rows in them that no file has. The
/// pieces of one object share its memory, which goes with the last of them.
#[derive(Debug, Default)]
struct Held {
    objects: HashMap<Seq, (usize, u64)>,
    bytes: u64,
    rows: u64,
}

impl Held {
    fn keep(&mut self, seq: Seq, pieces: usize, bytes: u64) {
        if pieces == 0 {
            return;
        }
        let object = self.objects.entry(seq).or_default();
        object.0 += pieces;
        object.1 += bytes;
        self.bytes += bytes;
    }

    fn release(&mut self, seq: Seq) {
        if let Some(object) = self.objects.get_mut(&seq) {
            object.0 -= 1;
            if object.0 == 0 {
                self.bytes -= object.1;
                self.objects.remove(&seq);
            }
        }
    }
}
