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
mod tests {
    use super::*;

    fn span(written_at_ms: i64, range: std::ops::Range<u128>) -> KeySpan {
        KeySpan {
            seq: Seq(written_at_ms.unsigned_abs()),
            written_at_ms,
            keys: range.map(Key).collect(),
        }
    }

    #[test]
    fn the_window_is_counted_back_from_the_newest_object() {
        let mut known = Known::new(Window {
            reach_ms: 100,
            bytes_max: u64::MAX,
            folding: Folding::USUAL,
        });
        known.extend(span(1_000, 0..10));
        known.extend(span(1_100, 10..20));
        assert!(known.contains(&Key(0)), "exactly at its edge");
        known.extend(span(1_101, 20..21));
        assert!(!known.contains(&Key(0)));
        assert!(known.contains(&Key(10)));
        assert_eq!(known.held_ms(), 1);
    }

    #[test]
    fn little_memory_shortens_the_window_but_keeps_the_newest_object() {
        let mut known = Known::new(Window {
            reach_ms: i64::MAX,
            bytes_max: 15 * BYTES_PER_KEY,
            folding: Folding::USUAL,
        });
        known.extend(span(1, 0..10));
        known.extend(span(2, 10..20));
        assert!(!known.contains(&Key(9)));
        assert!(known.contains(&Key(19)));
        known.extend(span(3, 20..60));
        assert!(!known.contains(&Key(19)));
        assert!(known.contains(&Key(59)));
    }

    /// Four keys a filter, which looks at three bits of them: most hits are false.
    fn coarse() -> Known {
        Known::new(Window {
            reach_ms: 100,
            bytes_max: u64::MAX,
            folding: Folding { keys: 4, mask: 7 },
        })
    }

    fn range(from: u64, upto: u64) -> KeyRange {
        KeyRange {
            from: Seq(from),
            upto: Seq(upto),
        }
    }

    #[test]
    fn what_a_filter_may_have_is_known_once_it_was_recalled() {
        let mut known = coarse();
        known.extend(span(1, 0..3));
        known.cover(&[range(0, 1)]);
        assert_eq!(known.doubt(&[Key(9)]), None, "too few for a filter");
        known.extend(span(2, 3..6));
        known.extend(span(3, 6..7));
        known.cover(&[range(1, 2)]);
        assert_eq!((known.count(), known.held_ms()), (7, 2));
        assert!(known.contains(&Key(6)), "it lies in no keys object");
        assert!(!known.contains(&Key(0)));
        let asked = [Key(6), Key(8), Key(0), Key(5)];
        let recall = known.doubt(&asked).expect("the filter takes 8 for 0");
        assert_eq!(recall.ranges, [range(0, 1), range(1, 2)]);
        assert_eq!(recall.keys, [Key(8), Key(0), Key(5)], "6 is known for sure");
        known.recall(recall, &(0..6).map(Key).collect());
        assert_eq!(known.doubt(&asked), None);
        assert!(known.contains(&Key(0)) && known.contains(&Key(5)));
        assert!(!known.contains(&Key(8)));
        assert_eq!(known.ranges().count(), 2);
    }

    #[test]
    fn a_filter_goes_as_a_whole_when_its_newest_key_is_too_old() {
        let mut known = coarse();
        known.extend(span(1, 0..3));
        known.extend(span(50, 3..6));
        known.cover(&[range(0, 50)]);
        known.extend(span(150, 10..11));
        assert_eq!(known.held_ms(), 149);
        assert!(known.doubt(&[Key(0)]).is_some());
        known.extend(span(151, 11..12));
        assert_eq!(known.doubt(&[Key(0)]), None);
        assert_eq!((known.held_ms(), known.ranges().count()), (1, 0));
    }

    #[test]
    fn keys_objects_that_may_be_gone_are_not_counted_on() {
        let mut known = coarse();
        known.extend(span(1, 0..5));
        known.cover(&[range(0, 1)]);
        known.extend(span(2, 5..6));
        known.cover(&[range(1, 2)]);
        known.extend(span(3, 6..7));
        known.uncover(Seq(2));
        assert_eq!(known.doubt(&[Key(0)]), None, "the filter had nothing else");
        assert!(!known.contains(&Key(5)));
        assert!(known.contains(&Key(6)));
        assert_eq!((known.ranges().count(), known.count()), (0, 1));
    }

    #[test]
    fn a_filter_stays_as_long_as_one_of_its_objects() {
        let mut known = coarse();
        known.extend(span(1, 0..3));
        known.cover(&[range(0, 1)]);
        known.extend(span(2, 3..6));
        known.cover(&[range(1, 2)]);
        known.uncover(Seq(1));
        let recall = known.doubt(&[Key(0), Key(4)]).expect("a filter");
        assert_eq!(recall.ranges, [range(1, 2)]);
        known.recall(recall, &(3..6).map(Key).collect());
        assert!(known.contains(&Key(4)) && !known.contains(&Key(0)));
        assert_eq!(known.doubt(&[Key(0)]), None);
    }

    #[test]
    fn what_another_replica_asked_for_is_no_answer() {
        let mut known = coarse();
        known.extend(span(1, 0..5));
        known.cover(&[range(0, 1)]);
        let mut recall = known.doubt(&[Key(0)]).expect("a filter");
        recall.ranges[0].from = Seq(9);
        known.recall(recall, &HashSet::new());
        assert!(
            known.doubt(&[Key(0)]).is_some(),
            "it is as doubtful as before"
        );
    }

    #[test]
    fn a_filter_takes_a_tenth_of_the_memory() {
        let mut known = Known::new(Window {
            reach_ms: i64::MAX,
            bytes_max: u64::MAX,
            folding: Folding {
                keys: 100_000,
                ..Folding::USUAL
            },
        });
        let key = |n: u128| Key(n.wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835));
        known.extend(KeySpan {
            seq: Seq(1),
            written_at_ms: 1,
            keys: (0..100_000).map(key).collect(),
        });
        let before = known.bytes();
        known.cover(&[range(0, 1)]);
        assert!(known.bytes() * 10 < before, "{} of {before}", known.bytes());
        assert!(
            (0..100_000).all(|n| known.doubt(&[key(n)]).is_some()),
            "none is missed"
        );
        let taken = (100_000..200_000).filter(|n| known.doubt(&[key(*n)]).is_some());
        assert!(taken.count() < 3, "hardly another is taken for one");
    }
}
