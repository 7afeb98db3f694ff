//! The keys of events that are already durable: the exact dedup window.
//!
//! It reaches back over the journal's last hours, counted from the newest
//! object and not from the wall clock, so that an outage does not age it. Too
//! little memory shortens the window, never its correctness inside: an older
//! copy becomes a second row, which compaction removes.

use std::{
    collections::VecDeque,
    hash::{BuildHasherDefault, Hasher},
};

use audit::{
    journal::{KeyRange, KeySpan},
    journal_id::Seq,
    key::Key,
};
use hashbrown::HashSet;

/// Memory that one key takes: 16 bytes in its span, 17 in the table, which is
/// between half and seven eighths full.
const BYTES_PER_KEY: u64 = 48;

#[derive(Clone, Copy, Debug)]
pub struct Window {
    /// Milliseconds back from the newest object.
    pub reach_ms: i64,
    pub bytes_max: u64,
}

#[derive(Debug)]
pub(crate) struct Known {
    window: Window,
    set: HashSet<Key, BuildHasherDefault<AlreadyHashed>>,
    spans: VecDeque<KeySpan>,
    /// What of it lies in keys objects, and up to where.
    ranges: VecDeque<KeyRange>,
    covered: Seq,
}

/// A key is the output of a keyed hash: its low half needs no hashing.
#[derive(Debug, Default)]
struct AlreadyHashed(u64);

impl Hasher for AlreadyHashed {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        // Only `write_u128` is called by `Key`'s derived `Hash`.
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u128(&mut self, key: u128) {
        let bytes = key.to_le_bytes();
        let (low, high) = bytes.split_at(8);
        self.0 = u64::from_le_bytes(low.try_into().expect("half of sixteen bytes"))
            ^ u64::from_le_bytes(high.try_into().expect("half of sixteen bytes"));
    }
}

impl Known {
    pub(crate) fn new(window: Window) -> Known {
        Known {
            window,
            set: HashSet::default(),
            spans: VecDeque::new(),
            ranges: VecDeque::new(),
            covered: Seq::ZERO,
        }
    }

    pub(crate) fn window(&self) -> Window {
        self.window
    }

    pub(crate) fn contains(&self, key: &Key) -> bool {
        self.set.contains(key)
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
        self.ranges.extend(ranges);
        self.covered = self.ranges.back().map_or(self.covered, |last| last.upto);
        self.uncover();
    }

    pub(crate) fn ranges(&self) -> impl Iterator<Item = &KeyRange> {
        self.ranges.iter()
    }

    pub(crate) fn covered(&self) -> Seq {
        self.covered
    }

    /// What lies in no keys object.
    pub(crate) fn uncovered(&self) -> impl Iterator<Item = &KeySpan> {
        let begin = self.spans.partition_point(|span| span.seq <= self.covered);
        self.spans.range(begin..)
    }

    pub(crate) fn count(&self) -> usize {
        self.set.len()
    }

    /// How far back the window reaches now, in milliseconds.
    pub(crate) fn held_ms(&self) -> i64 {
        match (self.spans.front(), self.spans.back()) {
            (Some(first), Some(last)) => last.written_at_ms - first.written_at_ms,
            _ => 0,
        }
    }

    fn forget(&mut self, newest_ms: i64) {
        while let Some(first) = self.spans.front() {
            let aged = newest_ms.saturating_sub(first.written_at_ms) > self.window.reach_ms;
            let crowded = self.set.len() as u64 * BYTES_PER_KEY > self.window.bytes_max;
            if !(aged || crowded && self.spans.len() > 1) {
                return;
            }
            for key in &first.keys {
                self.set.remove(key);
            }
            self.spans.pop_front();
            self.uncover();
        }
    }

    /// Ranges of which nothing is known any more are of no use.
    fn uncover(&mut self) {
        let first = self
            .spans
            .front()
            .map_or(self.covered.next(), |span| span.seq);
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
        });
        known.extend(span(1, 0..10));
        known.extend(span(2, 10..20));
        assert!(!known.contains(&Key(9)));
        assert!(known.contains(&Key(19)));
        known.extend(span(3, 20..60));
        assert!(!known.contains(&Key(19)));
        assert!(known.contains(&Key(59)));
    }
}
