//! One JSON object while it is being read: how deep it is, how many keys it has,
//! and whether a line inside it may be the next event already.
//!
//! [`super::splitter`] gives it block after block and decides what follows from
//! what it finds.

use super::{
    junk::line_begins,
    scan::{Carry, Scan},
    splitter::{BLANKS_MAX, Reason},
};

/// An object that is being read.
#[derive(Debug)]
pub(super) struct Object {
    pub(super) start: usize,
    /// One past its end, once known.
    pub(super) end: Option<usize>,
    pub(super) indent: usize,
    depth: u32,
    pub(super) keys: u32,
    pub(super) carry: Carry,
    /// A line break was seen in it.
    pub(super) many_lines: bool,
    /// The line break before the first line that may begin another event.
    pub(super) suspect: Option<usize>,
    pub(super) too_deep: bool,
    /// Too large, and reported: the rest is only passed over.
    pub(super) reported: bool,
}

impl Object {
    pub(super) fn new(start: usize, indent: usize) -> Object {
        Object {
            start,
            end: None,
            indent: indent.min(BLANKS_MAX),
            depth: 0,
            keys: 0,
            carry: Carry::default(),
            many_lines: false,
            suspect: None,
            too_deep: false,
            reported: false,
        }
    }

    /// Takes a block in which nothing happens but counting: the common case.
    #[inline]
    pub(super) fn is_calm(&mut self, scan: &Scan, depth_max: u32) -> bool {
        let (opened, closed, colons) = scan.counts();
        let one_line = scan.newlines == 0 && !self.many_lines;
        let calm = self.depth > closed
            && self.depth + opened <= depth_max
            && scan.newlines & scan.strings == 0
            && (one_line || opened == 0);
        if calm {
            self.depth = self.depth + opened - closed;
            self.keys += colons;
            self.many_lines |= scan.newlines != 0;
        }
        calm
    }

    /// Takes a block bracket by bracket. `Some`: broken, and where.
    pub(super) fn walk(
        &mut self,
        scan: &Scan,
        buffer: &[u8],
        from: usize,
        depth_max: u32,
    ) -> Option<(usize, Reason)> {
        let (opens, closes, colons) = scan.places();
        let mut marks = opens | closes | scan.newlines;
        while marks != 0 {
            let bit = marks & marks.wrapping_neg();
            let place = from + bit.trailing_zeros() as usize;
            marks ^= bit;
            if scan.newlines & bit != 0 {
                if scan.strings & bit != 0 {
                    return Some((place, Reason::RawNewline));
                }
                self.many_lines = true;
            } else if closes & bit != 0 {
                self.depth -= 1;
                if self.depth == 0 {
                    self.keys += (colons & (bit - 1)).count_ones();
                    self.end = Some(place + 1);
                    return None;
                }
            } else {
                if self.many_lines && !self.may_hold(buffer, place) {
                    return Some((place, Reason::Unclosed));
                }
                self.depth += 1;
                self.too_deep |= self.depth > depth_max;
                if self.too_deep && self.suspect.is_some() {
                    return Some((place, Reason::Depth(depth_max)));
                }
            }
        }
        self.keys += colons.count_ones();
        None
    }

    /// Whether the `{` at `place` can belong to this object; if that is only
    /// trusted, the line is remembered.
    fn may_hold(&mut self, buffer: &[u8], place: usize) -> bool {
        if buffer[place] != b'{' {
            return true;
        }
        let Some(line) = line_begins(&buffer[self.start..place], self.indent) else {
            return true;
        };
        let before = buffer[self.start..self.start + line].trim_ascii_end();
        let allowed = matches!(before.last(), Some(b',' | b':' | b'['));
        if !(self.reported && allowed) {
            self.suspect.get_or_insert(self.start + line);
        }
        allowed
    }
}
