//! What a replica is after some object, so that nobody need read the journal
//! from its beginning.
//!
//! A [`Checkpoint`] holds no rows: those that are not yet in a file lie in
//! journal objects, which are kept until they are, and it names them with their
//! digests. Nor does it hold the keys of the dedup window but the newest: those
//! of older objects lie in [`Keys`] objects, each written once and named by all
//! checkpoints after it. Both have a magic of their own and end in a SHA-256,
//! as journal objects do.

use bytes::Bytes;

use super::{
    CodecError, Digest, Format, Incarnation, Plan, Saved, Sealed, Skip,
    codec::{self, Magic},
};
use crate::{
    accounting::Totals,
    journal_id::{Gen, Seq},
    key::{Key, Secret},
    partition::Partition,
};

const CHECKPOINT: Magic = Magic(*b"idtrlck\0");
const KEYS: Magic = Magic(*b"idtrlky\0");

/// No later format has another layout of them.
const KEYS_FORMAT: Format = Format::One;

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Checkpoint {
    /// That of the last object applied.
    pub format: Format,
    pub generation: Gen,
    pub secret: Secret,
    /// The last object applied, its digest, and what its header says.
    pub seq: Seq,
    pub digest: Digest,
    pub written_at_ms: i64,
    pub writer: Incarnation,
    /// The slot of the newest fence.
    pub epoch: Seq,
    /// The newest checkpoints before this one, the older first; two at most.
    pub saved: Vec<Saved>,
    pub totals: Totals,
    /// Objects with rows that are not in a file, in order.
    pub unfiled: Vec<Unfiled>,
    /// Where each partition's waiting rows begin, in the partitions' order.
    pub waiting: Vec<Waiting>,
    /// Plans that are not done, in order.
    pub plans: Vec<OpenPlan>,
    /// The dedup window: what lies in keys objects, then what follows.
    pub keys: Vec<KeyRange>,
    /// Up to where the journal knew of keys objects; later ones are new.
    pub covered: Seq,
    pub recent: Vec<KeySpan>,
    /// Files that were given up since the journal began, in order. None in format 1.
    pub skipped: Vec<Skip>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Unfiled {
    pub seq: Seq,
    pub digest: Digest,
}

/// Rows of the partition in slots from this one on are in no plan.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Waiting {
    pub partition: Partition,
    pub first: Seq,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OpenPlan {
    pub seq: Seq,
    pub plan: Plan,
}

/// The slots `(from, upto]`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct KeyRange {
    pub from: Seq,
    pub upto: Seq,
}

/// The keys of one object.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct KeySpan {
    pub seq: Seq,
    pub written_at_ms: i64,
    pub keys: Box<[Key]>,
}

/// The keys of a range of the journal.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Keys {
    pub generation: Gen,
    pub range: KeyRange,
    pub spans: Vec<KeySpan>,
}

impl Checkpoint {
    /// What the log is told of it, once it is in the store.
    pub fn saved(&self) -> Saved {
        let first = self.unfiled.first();
        let keys = self.keys.iter().copied();
        Saved {
            seq: self.seq,
            low: first.map_or(self.seq.next(), |first| first.seq),
            keys_low: self.keys.first().map_or(self.covered, |first| first.from),
            keys: keys.filter(|range| range.upto > self.covered).collect(),
        }
    }

    pub fn encode(&self) -> Sealed {
        codec::seal(CHECKPOINT, self.format, self, 4_096 + self.bytes_about())
    }

    pub fn decode(bytes: &Bytes) -> Result<Checkpoint, CodecError> {
        let checkpoint: Checkpoint = codec::open(CHECKPOINT, Format::NEWEST, bytes)?;
        let saved = checkpoint.saved.iter().map(|saved| saved.seq);
        let before: Vec<Seq> = saved.chain([checkpoint.seq]).collect();
        if before.len() > 3 || !before.is_sorted_by(|a, b| a < b) {
            let what = "checkpoints are not in order";
            return Err(CodecError::Malformed { what, at: 0 });
        }
        Ok(checkpoint)
    }

    fn bytes_about(&self) -> usize {
        let recent = self.recent.iter().map(|span| 32 + 16 * span.keys.len());
        let partitions = self.waiting.len() + self.plans.len() + self.totals.0.len();
        recent.sum::<usize>() + 48 * self.unfiled.len() + 160 * partitions
    }
}

impl Keys {
    pub fn encode(&self) -> Sealed {
        let keys = self.spans.iter().map(|span| 32 + 16 * span.keys.len());
        codec::seal(KEYS, KEYS_FORMAT, self, 128 + keys.sum::<usize>())
    }

    pub fn decode(bytes: &Bytes) -> Result<Keys, CodecError> {
        codec::open(KEYS, KEYS_FORMAT, bytes)
    }
}
