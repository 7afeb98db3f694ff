//! Looks at JSON text 64 bytes at a time: where strings are, how many brackets
//! and colons stand outside of them.
//!
//! The idea is that of simdjson (Langdale, Lemire: "Parsing Gigabytes of JSON
//! per Second", 2019), in safe Rust: comparisons that the compiler turns into
//! vector instructions, one bit a byte, and arithmetic on 64 bits. Nothing is
//! validated here. [`super::splitter`] decides what the bits mean.

/// Bytes looked at in one step.
pub(super) const BLOCK: usize = 64;

/// One bit of every byte of a word.
const ONES: u64 = 0x0101_0101_0101_0101;
const EVEN_BITS: u64 = 0x5555_5555_5555_5555;

/// Classes of bytes, one bit each.
const QUOTE: u8 = 1;
const OPEN: u8 = 1 << 1;
const CLOSE: u8 = 1 << 2;
const COLON: u8 = 1 << 3;
const BACKSLASH: u8 = 1 << 4;
const NEWLINE: u8 = 1 << 5;

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
    open: Packed,
    close: Packed,
    colon: Packed,
}

/// Bits in the order in which they are cheap to gather: byte `i` of word `w` of
/// the block is bit `8i + w`. Counting does not mind.
#[derive(Clone, Copy, Debug)]
struct Packed(u64);

impl Scan {
    // A function of its own: inlined into a larger one, its loops stay loops.
    #[inline(never)]
    pub(super) fn of(block: &[u8; BLOCK], carry: &mut Carry) -> Scan {
        let classes = block.map(class);
        let present = classes.iter().fold(0, |present, class| present | class);
        let backslashes = if present & BACKSLASH == 0 {
            0
        } else {
            Packed::of(&classes, BACKSLASH).in_order()
        };
        let escaped = escaped(backslashes, carry);
        let quotes = Packed::of(&classes, QUOTE).in_order() & !escaped;
        let strings = prefix_xor(quotes) ^ carry.in_string;
        carry.in_string = 0u64.wrapping_sub(strings >> 63);
        let outside = !Packed::from_order(strings).0;
        Scan {
            strings,
            newlines: if present & NEWLINE == 0 {
                0
            } else {
                Packed::of(&classes, NEWLINE).in_order()
            },
            open: Packed(Packed::of(&classes, OPEN).0 & outside),
            close: Packed(Packed::of(&classes, CLOSE).0 & outside),
            colon: Packed(Packed::of(&classes, COLON).0 & outside),
        }
    }

    /// How many `{` and `[`, how many `}` and `]`, and how many `:` stand
    /// outside of strings.
    #[inline]
    pub(super) fn counts(&self) -> (u32, u32, u32) {
        (
            self.open.0.count_ones(),
            self.close.0.count_ones(),
            self.colon.0.count_ones(),
        )
    }

    /// Where `{` and `[`, `}` and `]`, and `:` stand outside of strings.
    pub(super) fn places(&self) -> (u64, u64, u64) {
        (
            self.open.in_order(),
            self.close.in_order(),
            self.colon.in_order(),
        )
    }
}

impl Packed {
    /// Where bytes of this class are.
    #[inline]
    fn of(classes: &[u8; BLOCK], wanted: u8) -> Packed {
        let (words, _) = classes.as_chunks::<8>();
        let bit = wanted.trailing_zeros();
        Packed(words.iter().enumerate().fold(0, |packed, (i, word)| {
            packed | (u64::from_le_bytes(*word) >> bit & ONES) << i
        }))
    }

    #[inline]
    fn from_order(bits: u64) -> Packed {
        Packed(transpose(bits))
    }

    #[inline]
    fn in_order(self) -> u64 {
        transpose(self.0)
    }
}

/// Without branches, so that the compiler does many bytes at once.
#[inline(always)]
fn class(byte: u8) -> u8 {
    // `[` and `{`, `]` and `}` differ in one bit.
    let folded = byte | 0x20;
    (u8::from(byte == b'"') * QUOTE)
        | (u8::from(folded == b'{') * OPEN)
        | (u8::from(folded == b'}') * CLOSE)
        | (u8::from(byte == b':') * COLON)
        | (u8::from(byte == b'\\') * BACKSLASH)
        | (u8::from(byte == b'\n') * NEWLINE)
}

/// Eight by eight bits, rows for columns (Warren: "Hacker's Delight", 7-3).
#[inline]
fn transpose(mut x: u64) -> u64 {
    for (shift, mask) in [
        (7, 0x00aa_00aa_00aa_00aa),
        (14, 0x0000_cccc_0000_cccc),
        (28, 0x0000_0000_f0f0_f0f0),
    ] {
        let swapped = (x ^ x >> shift) & mask;
        x ^= swapped ^ swapped << shift;
    }
    x
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
