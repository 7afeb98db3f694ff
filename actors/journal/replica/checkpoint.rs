//! A replica as a checkpoint, and a checkpoint as a replica again.
//!
//! The two are equal but for the rows, which are read again from the journal's
//! own objects; so a replica that began with a checkpoint and one that read all
//! are equal after the same object.

use std::collections::BTreeMap;

use audit::{
    journal::{
        Checkpoint, Digest, KeyRange, KeySpan, Keys, Object, OpenPlan as Planned, Record, Waiting,
    },
    journal_id::{Gen, Seq},
    partition::Partition,
};

use super::{Birth, Head, OpenPlan, Piece, PlanId, Replica, Slot, piece::covers};
use crate::journal::known::{Known, Window};

/// Where the keys of the dedup window are written.
#[derive(Clone, Copy, Debug)]
pub struct KeysLimits {
    /// No more than these stand in the checkpoint itself,
    pub inline_max: usize,
    /// and in one keys object, unless a single journal object has more.
    pub object_max: usize,
}

impl KeysLimits {
    /// At most a megabyte in each checkpoint, and 16 MiB in an object; less where the
    /// window is small, so that it is folded in time.
    pub fn of(window: Window) -> KeysLimits {
        KeysLimits {
            inline_max: window.worth_folding().min(1 << 16),
            object_max: 1 << 20,
        }
    }
}

/// What is to be written for a checkpoint: first the keys.
#[derive(Debug)]
pub struct Snapshot {
    pub keys: Vec<Keys>,
    pub checkpoint: Checkpoint,
}

/// A replica that is not whole yet.
#[derive(Debug)]
pub(crate) struct Restoring {
    replica: Replica,
    /// Where the partitions' waiting rows begin.
    waiting: BTreeMap<Partition, Seq>,
    planned: BTreeMap<Partition, Vec<(Planned, Vec<Piece>)>>,
    covered: Seq,
}

impl Replica {
    /// `None` before the journal began.
    pub fn snapshot(&self, limits: KeysLimits) -> Option<Snapshot> {
        let birth = self.birth?;
        let mut recent: Vec<KeySpan> = self.known.uncovered().cloned().collect();
        let mut keys = Vec::new();
        if recent.iter().map(|span| span.keys.len()).sum::<usize>() > limits.inline_max {
            let whole = KeyRange {
                from: self.known.covered(),
                upto: self.head.seq,
            };
            let spans = std::mem::take(&mut recent);
            keys = ranges(birth.generation, whole, spans, limits.object_max);
        }
        let before = self.known.ranges().copied();
        let checkpoint = Checkpoint {
            format: self.head.format,
            generation: birth.generation,
            secret: birth.secret,
            seq: self.head.seq,
            digest: self.head.digest,
            written_at_ms: self.head.written_at_ms,
            writer: self.head.writer?,
            epoch: self.epoch,
            saved: self.saved.clone(),
            totals: self.totals.clone(),
            unfiled: self.held.unfiled(),
            waiting: self.waiting_from(),
            plans: self.planned(),
            keys: before.chain(keys.iter().map(|keys| keys.range)).collect(),
            covered: self.known.covered(),
            recent,
            skipped: self.skipped.clone(),
        };
        Some(Snapshot { keys, checkpoint })
    }

    fn waiting_from(&self) -> Vec<Waiting> {
        let waiting = self.waiting.iter();
        let waiting = waiting.filter_map(|(partition, pieces)| {
            Some(Waiting {
                partition: partition.clone(),
                first: pieces.front()?.seq,
            })
        });
        waiting.collect()
    }

    fn planned(&self) -> Vec<Planned> {
        let plans = self.plans.iter();
        let plans = plans.map(|open| Planned {
            seq: open.id.seq,
            plan: open.plan.clone(),
        });
        plans.collect()
    }
}

/// The spans of a range in objects of bearable size.
fn ranges(generation: Gen, whole: KeyRange, spans: Vec<KeySpan>, most: usize) -> Vec<Keys> {
    let mut objects: Vec<Keys> = Vec::new();
    let mut count = 0;
    for span in spans {
        count += span.keys.len();
        match objects.last_mut() {
            // The spans of one journal object stay together.
            Some(last) if count <= most || last.range.upto == span.seq => {
                last.range.upto = span.seq;
                last.spans.push(span);
            }
            last => {
                count = span.keys.len();
                let range = KeyRange {
                    from: last.map_or(whole.from, |last| last.range.upto),
                    upto: span.seq,
                };
                objects.push(Keys {
                    generation,
                    range,
                    spans: vec![span],
                });
            }
        }
    }
    if let Some(last) = objects.last_mut() {
        last.range.upto = whole.upto;
    }
    objects
}

impl Restoring {
    pub(crate) fn new(checkpoint: &Checkpoint, window: Window) -> Restoring {
        let mut replica = Replica::new(window);
        replica.head = Head {
            seq: checkpoint.seq,
            digest: checkpoint.digest,
            written_at_ms: checkpoint.written_at_ms,
            format: checkpoint.format,
            writer: Some(checkpoint.writer),
        };
        replica.epoch = checkpoint.epoch;
        replica.birth = Some(Birth {
            generation: checkpoint.generation,
            secret: checkpoint.secret,
        });
        replica.known = Known::covered_before(window, checkpoint.covered);
        replica.skipped = checkpoint.skipped.clone();
        replica.saved = checkpoint.saved.clone();
        replica.counts = checkpoint.totals.total();
        replica.totals = checkpoint.totals.clone();
        let waiting = checkpoint.waiting.iter();
        let waiting = waiting.map(|waiting| (waiting.partition.clone(), waiting.first));
        let mut planned: BTreeMap<Partition, Vec<_>> = BTreeMap::new();
        for open in &checkpoint.plans {
            let of = planned.entry(open.plan.partition.clone()).or_default();
            of.push((open.clone(), Vec::new()));
        }
        Restoring {
            replica,
            waiting: waiting.collect(),
            planned,
            covered: checkpoint.covered,
        }
    }

    pub(crate) fn keys(&mut self, keys: Keys) {
        for span in keys.spans {
            self.replica.known.extend(span);
        }
        if keys.range.upto <= self.covered {
            self.replica.known.cover(&[keys.range]);
        }
    }

    /// An object with rows that were in no file.
    pub(crate) fn object(&mut self, object: Object, digest: Digest) {
        let slot = Slot {
            seq: object.header.seq,
            written_at_ms: object.header.written_at_ms,
            digest,
        };
        for record in object.records {
            let (pieces, bytes) = match record {
                Record::Batch(batch) => Piece::of_batch(slot, batch),
                Record::Quarantine(entries) => Piece::of_entries(slot, entries),
                _ => continue,
            };
            let mut kept = 0;
            for (partition, piece) in pieces {
                kept += usize::from(self.place(partition, piece));
            }
            self.replica.held.keep(slot, kept, bytes);
        }
    }

    /// Whether the piece is in no file yet.
    fn place(&mut self, partition: Partition, piece: Piece) -> bool {
        let plans = self.planned.get_mut(&partition);
        let plan = plans.into_iter().flatten().find(|(open, _)| {
            let plan = &open.plan;
            plan.from < piece.seq && piece.seq <= plan.upto
        });
        let waits = || {
            self.waiting
                .get(&partition)
                .is_some_and(|first| *first <= piece.seq)
        };
        match plan {
            Some((_, pieces)) => {
                self.replica.held.rows += piece.rows;
                pieces.push(piece);
            }
            None if waits() => self.replica.wait(partition, piece),
            None => return false,
        }
        true
    }

    /// The whole replica, if all plans have the rows they say.
    pub(crate) fn finish(mut self, checkpoint: Checkpoint) -> Result<Replica, String> {
        for span in checkpoint.recent {
            self.replica.known.extend(span);
        }
        for (partition, plans) in self.planned {
            for (open, pieces) in plans {
                covers(&open.plan, &pieces)?;
                let id = PlanId {
                    seq: open.seq,
                    partition: partition.clone(),
                };
                self.replica.plans.insert(OpenPlan {
                    id,
                    plan: open.plan,
                    pieces: pieces.into(),
                });
            }
        }
        Ok(self.replica)
    }
}
