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

use audit::key::Key;
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
    spans: VecDeque<Span>,
}

/// The keys of one journal object.
#[derive(Debug)]
struct Span {
    written_at_ms: i64,
    keys: Box<[Key]>,
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
        }
    }

    pub(crate) fn contains(&self, key: &Key) -> bool {
        self.set.contains(key)
    }

    pub(crate) fn extend(&mut self, written_at_ms: i64, keys: Box<[Key]>) {
        self.set.extend(keys.iter().copied());
        if !keys.is_empty() {
            self.spans.push_back(Span {
                written_at_ms,
                keys,
            });
        }
        self.forget(written_at_ms);
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
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(range: std::ops::Range<u128>) -> Box<[Key]> {
        range.map(Key).collect()
    }

    #[test]
    fn the_window_is_counted_back_from_the_newest_object() {
        let mut known = Known::new(Window {
            reach_ms: 100,
            bytes_max: u64::MAX,
        });
        known.extend(1_000, keys(0..10));
        known.extend(1_100, keys(10..20));
        assert!(known.contains(&Key(0)), "exactly at its edge");
        known.extend(1_101, keys(20..21));
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
        known.extend(1, keys(0..10));
        known.extend(2, keys(10..20));
        assert!(!known.contains(&Key(9)));
        assert!(known.contains(&Key(19)));
        known.extend(3, keys(20..60));
        assert!(!known.contains(&Key(19)));
        assert!(known.contains(&Key(59)));
    }
}
