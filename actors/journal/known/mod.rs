//! The keys of events that are already durable: the dedup window.
//!
//! It reaches back over the journal's last hours, counted from the newest
//! object and not from the wall clock, so that an outage does not age it. The
//! newest keys are held as they are, older ones that lie in keys objects as
//! filters ([`folded`]); what a filter may have is [`Recall`]ed from its objects
//! before anything is judged by it. Too little memory shortens the window, never
//! its correctness inside: an older copy becomes a second row, which compaction
//! removes.

mod folded;
mod hasher;

use std::{collections::VecDeque, hash::BuildHasherDefault};

use audit::{
    journal::{KeyRange, KeySpan},
    journal_id::Seq,
    key::Key,
};
use hashbrown::HashSet;

use self::{folded::Folded, hasher::AlreadyHashed};

/// Memory that one key takes: 16 bytes in its span, 17 in the table, which is
/// between half and seven eighths full.
const BYTES_PER_KEY: u64 = 48;

/// Keys of which it is remembered, for a while, what their filters turned out to
/// hold.
const RECALLED_MAX: usize = 1 << 18;

#[derive(Clone, Copy, Debug)]
pub struct Window {
    /// Milliseconds back from the newest object.
    pub reach_ms: i64,
    pub bytes_max: u64,
    pub folding: Folding,
}

/// When keys become a filter, and how coarse it is.
#[derive(Clone, Copy, Debug)]
pub struct Folding {
    pub keys: usize,
    /// Which bits of a key the filter looks at.
    pub mask: u64,
}

/// What must be read before some keys can be judged.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Recall {
    /// The filter that may have them.
    folded: Seq,
    /// The keys objects that it was made of.
    pub ranges: Vec<KeyRange>,
    pub keys: Vec<Key>,
}

/// What was read again of keys that a filter may have.
#[derive(Debug, Default)]
struct Recalled {
    /// In one of them.
    known: Set,
    /// Not in this one.
    strange: HashSet<(Seq, Key)>,
}

type Set = HashSet<Key, BuildHasherDefault<AlreadyHashed>>;

#[derive(Debug)]
pub(crate) struct Known {
    window: Window,
    /// What is older than the spans.
    folded: VecDeque<Folded>,
    recalled: Recalled,
    set: Set,
    spans: VecDeque<KeySpan>,
    /// What of the spans lies in keys objects, and up to where.
    ranges: VecDeque<KeyRange>,
    covered: Seq,
}

impl Window {
    /// For whoever judges no events.
    pub const NONE: Window = Window {
        reach_ms: 0,
        bytes_max: 0,
        folding: Folding::USUAL,
    };

    /// So many keys are worth a filter; of little memory, sooner.
    pub(crate) fn worth_folding(self) -> usize {
        let bearable = usize::try_from(self.bytes_max / 4 / BYTES_PER_KEY);
        bearable.map_or(self.folding.keys, |keys| keys.min(self.folding.keys))
    }
}

impl Folding {
    /// Half a million keys and more, at least two megabytes.
    pub const USUAL: Folding = Folding {
        keys: 1 << 19,
        mask: u64::MAX,
    };
}

impl Known {
    pub(crate) fn new(window: Window) -> Known {
        Known {
            window,
            folded: VecDeque::new(),
            recalled: Recalled::default(),
            set: Set::default(),
            spans: VecDeque::new(),
            ranges: VecDeque::new(),
            covered: Seq::ZERO,
        }
    }

    /// With nothing in it: what lay in keys objects up to this slot was forgotten.
    pub(crate) fn covered_before(window: Window, covered: Seq) -> Known {
        Known {
            covered,
            ..Known::new(window)
        }
    }

    pub(crate) fn window(&self) -> Window {
        self.window
    }

    /// Sure of what it says only of keys about which there is no
    /// [`doubt`](Self::doubt).
    pub(crate) fn contains(&self, key: &Key) -> bool {
        self.set.contains(key) || self.recalled.known.contains(key)
    }

    /// A filter that may have some of these keys.
    pub(crate) fn doubt(&self, keys: &[Key]) -> Option<Recall> {
        self.folded.iter().rev().find_map(|folded| {
            let upto = folded.upto();
            let doubtful = |key: &&Key| {
                folded.may_hold(key)
                    && !self.contains(key)
                    && !self.recalled.strange.contains(&(upto, **key))
            };
            let keys: Vec<Key> = keys.iter().filter(doubtful).copied().collect();
            (!keys.is_empty()).then(|| Recall {
                folded: upto,
                ranges: folded.ranges.clone(),
                keys,
            })
        })
    }

    /// Which of the keys are in the filter's objects.
    pub(crate) fn recall(&mut self, recall: Recall, held: &HashSet<Key>) {
        let Recalled { known, strange } = &mut self.recalled;
        let is_that =
            |folded: &Folded| (folded.upto(), &folded.ranges) == (recall.folded, &recall.ranges);
        if !self.folded.iter().any(is_that) {
            // It was asked for by a replica that was given up since.
            return;
        }
        // What one load needs must stay until it is judged.
        if known.len() + strange.len() > RECALLED_MAX.max(64 * recall.keys.len()) {
            known.clear();
            strange.clear();
        }
        for key in recall.keys {
            if held.contains(&key) {
                known.insert(key);
            } else {
                strange.insert((recall.folded, key));
            }
        }
    }

    pub(crate) fn extend(&mut self, span: KeySpan) {
        let newest_ms = span.written_at_ms;
        self.set.extend(span.keys.iter().copied());
        if !span.keys.is_empty() {
            self.spans.push_back(span);
        }
        self.forget(newest_ms);
    }

    /// These ranges, which follow what was covered before, lie in keys objects.
    pub(crate) fn cover(&mut self, ranges: &[KeyRange]) {
        for range in ranges {
            self.ranges.push_back(*range);
            self.covered = range.upto;
            self.drop_ranges();
            self.fold();
        }
    }

    /// Keys objects that begin before this slot may be gone: what they held is
    /// forgotten.
    pub(crate) fn uncover(&mut self, low: Seq) {
        for folded in &mut self.folded {
            folded.ranges.retain(|range| range.from >= low);
        }
        self.folded.retain(|folded| !folded.ranges.is_empty());
        while let Some(range) = self.ranges.front().filter(|range| range.from < low) {
            let upto = range.upto;
            while self.spans.front().is_some_and(|span| span.seq <= upto) {
                self.drop_span();
            }
            self.drop_ranges();
        }
    }

    pub(crate) fn ranges(&self) -> impl Iterator<Item = &KeyRange> {
        let folded = self.folded.iter().flat_map(|folded| &folded.ranges);
        folded.chain(&self.ranges)
    }

    pub(crate) fn covered(&self) -> Seq {
        self.covered
    }

    /// What lies in no keys object.
    pub(crate) fn uncovered(&self) -> impl Iterator<Item = &KeySpan> {
        self.spans.range(self.covered_spans()..)
    }

    pub(crate) fn uncovered_count(&self) -> usize {
        self.uncovered().map(|span| span.keys.len()).sum()
    }

    pub(crate) fn count(&self) -> usize {
        let folded = self.folded.iter().map(|folded| folded.count);
        self.set.len() + folded.sum::<usize>()
    }

    /// Memory, but for what was recalled.
    pub(crate) fn bytes(&self) -> u64 {
        let folded = self.folded.iter().map(Folded::bytes);
        self.set.len() as u64 * BYTES_PER_KEY + folded.sum::<u64>()
    }

    /// How far back the window reaches now, in milliseconds.
    pub(crate) fn held_ms(&self) -> i64 {
        let folded = self.folded.front().map(|folded| folded.oldest_ms);
        let first = self.spans.front().map(|span| span.written_at_ms);
        let last = self.spans.back().map(|span| span.written_at_ms);
        let last = last.or_else(|| self.folded.back().map(|folded| folded.newest_ms));
        match (folded.or(first), last) {
            (Some(first), Some(last)) => last - first,
            _ => 0,
        }
    }

    fn covered_spans(&self) -> usize {
        self.spans.partition_point(|span| span.seq <= self.covered)
    }

    /// Makes a filter of what lies in keys objects, once it is worth it.
    fn fold(&mut self) {
        let covered = self.covered_spans();
        let keys = self.spans.range(..covered).map(|span| span.keys.len());
        if keys.sum::<usize>() < self.window.worth_folding().max(1) {
            return;
        }
        let (spans, _) = self.spans.make_contiguous().split_at(covered);
        let ranges = self.ranges.iter().copied().collect();
        let Some(folded) = Folded::of(spans, ranges, self.window.folding.mask) else {
            return;
        };
        for _ in 0..covered {
            self.drop_span();
        }
        self.ranges.clear();
        self.set.shrink_to(2 * self.set.len());
        self.folded.push_back(folded);
    }

    fn forget(&mut self, newest_ms: i64) {
        let Window {
            reach_ms,
            bytes_max,
            ..
        } = self.window;
        let aged = |written_at_ms: i64| newest_ms.saturating_sub(written_at_ms) > reach_ms;
        while let Some(first) = self.folded.front() {
            if !aged(first.newest_ms) && self.bytes() <= bytes_max {
                return;
            }
            self.folded.pop_front();
        }
        while let Some(first) = self.spans.front() {
            let crowded = self.bytes() > bytes_max && self.spans.len() > 1;
            if !aged(first.written_at_ms) && !crowded {
                return;
            }
            self.drop_span();
            self.drop_ranges();
        }
    }

    fn drop_span(&mut self) {
        for key in self.spans.pop_front().iter().flat_map(|span| &span.keys) {
            self.set.remove(key);
        }
    }

    /// Ranges of which nothing is known any more are of no use.
    fn drop_ranges(&mut self) {
        let first = self.spans.front();
        let first = first.map_or(self.covered.next(), |span| span.seq);
        while self.ranges.front().is_some_and(|range| range.upto < first) {
            self.ranges.pop_front();
        }
    }
}

#[cfg(test)]
mod tests;
