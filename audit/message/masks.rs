//! Where the bytes that structure JSON are, in 64 bytes at a time: a bit for
//! each byte, bit 0 the first.

use wide::u8x64;

/// Bytes looked at in one step.
pub(super) const BLOCK: usize = 64;

/// `[` and `{`, `]` and `}` differ in this bit.
const BRACKET_BIT: u8 = 0x20;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Masks {
    pub(super) quotes: u64,
    pub(super) backslashes: u64,
    pub(super) newlines: u64,
    /// `{` and `[`.
    pub(super) open: u64,
    /// `}` and `]`.
    pub(super) close: u64,
    pub(super) colon: u64,
}

impl Masks {
    #[inline]
    pub(super) fn of(block: &[u8; BLOCK]) -> Masks {
        let bytes = u8x64::new(*block);
        let folded = bytes | u8x64::splat(BRACKET_BIT);
        let equal = |bytes: u8x64, wanted| bytes.simd_eq(u8x64::splat(wanted)).to_bitmask();
        Masks {
            quotes: equal(bytes, b'"'),
            backslashes: equal(bytes, b'\\'),
            newlines: equal(bytes, b'\n'),
            open: equal(folded, b'{'),
            close: equal(folded, b'}'),
            colon: equal(bytes, b':'),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn plain(block: &[u8; BLOCK]) -> Masks {
        let mask = |wanted: &[u8]| {
            let bits = block.iter().enumerate();
            bits.fold(0, |mask, (i, byte)| {
                mask | u64::from(wanted.contains(byte)) << i
            })
        };
        Masks {
            quotes: mask(b"\""),
            backslashes: mask(b"\\"),
            newlines: mask(b"\n"),
            open: mask(b"{["),
            close: mask(b"}]"),
            colon: mask(b":"),
        }
    }

    proptest! {
        #[test]
        fn masks_are_those_of_a_loop_over_bytes(any: [u8; 32], seeds: [prop::sample::Index; 32]) {
            let structure = b"\"\\\n{}[]:;\x1a\x02\xfb\xdd";
            let mut block = [0; BLOCK];
            block[..32].copy_from_slice(&any);
            for (byte, seed) in block[32..].iter_mut().zip(seeds) {
                *byte = *seed.get(structure);
            }
            prop_assert_eq!(Masks::of(&block), plain(&block));
        }
    }
}
