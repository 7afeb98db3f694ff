//! Looks at JSON text 64 bytes at a time: where strings are, how many brackets
//! and colons stand outside of them.
//!
//! The idea is that of simdjson (Langdale, Lemire: "Parsing Gigabytes of JSON
//! per Second", 2019), in safe Rust: [`super::masks`] tells where the bytes are,
//! the rest is arithmetic on 64 bits. Nothing is validated here.
//! [`super::splitter`] decides what the bits mean.

pub(super) use super::masks::BLOCK;
use super::masks::Masks;

const EVEN_BITS: u64 = 0x5555_5555_5555_5555;

/// What is carried from one block into the next.
#[derive(Clone, Copy, Default, Debug)]
pub(super) struct Carry {
    /// All ones when the block begins inside a string.
    in_string: u64,
    /// One when its first byte is escaped by a backslash before it.
    escaped: u64,
}

/// The bits of one block. Bit 0 is its first byte.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scan {
    /// Bytes inside strings, opening quote included, closing quote not.
    pub(super) strings: u64,
    /// Line breaks, inside and outside of strings.
    pub(super) newlines: u64,
    /// Outside of strings, like the next two.
    open: u64,
    close: u64,
    colon: u64,
}

impl Scan {
    #[inline]
    pub(super) fn of(block: &[u8; BLOCK], carry: &mut Carry) -> Scan {
        let masks = Masks::of(block);
        let quotes = masks.quotes & !escaped(masks.backslashes, carry);
        let strings = prefix_xor(quotes) ^ carry.in_string;
        carry.in_string = 0u64.wrapping_sub(strings >> 63);
        Scan {
            strings,
            newlines: masks.newlines,
            open: masks.open & !strings,
            close: masks.close & !strings,
            colon: masks.colon & !strings,
        }
    }

    /// How many `{` and `[`, how many `}` and `]`, and how many `:` stand
    /// outside of strings.
    #[inline]
    pub(super) fn counts(&self) -> (u32, u32, u32) {
        (
            self.open.count_ones(),
            self.close.count_ones(),
            self.colon.count_ones(),
        )
    }

    /// Where `{` and `[`, `}` and `]`, and `:` stand outside of strings.
    pub(super) fn places(&self) -> (u64, u64, u64) {
        (self.open, self.close, self.colon)
    }
}

/// Bit `i` is the parity of the bits up to `i`: ones from each opening quote up
/// to the closing one.
#[inline]
fn prefix_xor(mut bits: u64) -> u64 {
    for shift in [1, 2, 4, 8, 16, 32] {
        bits ^= bits << shift;
    }
    bits
}

/// The bytes that a backslash escapes: those after an odd run of backslashes.
#[inline]
fn escaped(backslashes: u64, carry: &mut Carry) -> u64 {
    let before = std::mem::take(&mut carry.escaped);
    if backslashes == 0 {
        return before;
    }
    let backslashes = backslashes & !before;
    let follows = backslashes << 1 | before;
    let odd_starts = backslashes & !EVEN_BITS & !follows;
    let (even_runs, overflow) = odd_starts.overflowing_add(backslashes);
    carry.escaped = u64::from(overflow);
    (EVEN_BITS ^ even_runs << 1) & follows
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The same, byte by byte.
    fn plain(block: &[u8], in_string: &mut bool, escaped: &mut bool) -> (u64, [u64; 3]) {
        let (mut strings, mut places) = (0, [0; 3]);
        for (i, &byte) in block.iter().enumerate() {
            let was_escaped = std::mem::replace(escaped, byte == b'\\' && !*escaped);
            if byte == b'"' && !was_escaped {
                *in_string = !*in_string;
            }
            strings |= u64::from(*in_string) << i;
            if !*in_string {
                places[0] |= u64::from(matches!(byte, b'{' | b'[')) << i;
                places[1] |= u64::from(matches!(byte, b'}' | b']')) << i;
                places[2] |= u64::from(byte == b':') << i;
            }
        }
        (strings, places)
    }

    proptest! {
        #[test]
        fn a_scan_sees_what_a_loop_over_bytes_sees(
            text in proptest::collection::vec(
                proptest::sample::select(b"\"\"\\\\{}[]:\n,a \x02\xff".to_vec()), 256..=256),
        ) {
            let (mut carry, mut in_string, mut escaped) = (Carry::default(), false, false);
            for block in text.as_chunks::<BLOCK>().0 {
                let scan = Scan::of(block, &mut carry);
                let (strings, places) = plain(block, &mut in_string, &mut escaped);
                prop_assert_eq!(scan.strings, strings);
                let (open, close, colon) = scan.places();
                prop_assert_eq!([open, close, colon], places);
                prop_assert_eq!(scan.counts().0, open.count_ones());
                let newlines = block.iter().rev().fold(0, |all, b| all << 1 | u64::from(*b == b'\n'));
                prop_assert_eq!(scan.newlines, newlines);
            }
        }
    }
}
