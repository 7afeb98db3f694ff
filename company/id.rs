//! Identifiers: those that belong to a thing and never change, and those that
//! are new in each event.
//!
//! Both are made from 64-bit words: of a stable one the words follow from the
//! thing's key, of a new one from the event's own. So an event is a function of
//! its plan alone, and can be made in any order.

const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;

const HEX: &[u8; 16] = b"0123456789abcdef";
const UPPER: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// How an identifier is written; the number is its length in characters.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Form {
    /// Version 4, lower-case.
    Uuid,
    Hex(u16),
    /// The first is not 0, so that it is a number in JSON, too.
    Digits(u16),
    Base62(u16),
    /// Base 32, as AWS writes the ids of its keys and roles.
    Upper(u16),
}

impl Form {
    /// Of what has ids of several forms, each is another.
    fn kind(self) -> u64 {
        let (kind, length) = match self {
            Form::Uuid => (0, 0),
            Form::Hex(length) => (1, length),
            Form::Digits(length) => (2, length),
            Form::Base62(length) => (3, length),
            Form::Upper(length) => (4, length),
        };
        kind << 16 | u64::from(length)
    }
}

/// A word that follows from both and looks like neither: SplitMix64's step from
/// the state `a + b` steps away.
pub(crate) fn mix(a: u64, b: u64) -> u64 {
    let mut z = a.wrapping_add(b.wrapping_add(1).wrapping_mul(GOLDEN));
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// The key of something that is known by its name (FNV-1a).
pub(crate) fn key_of(name: &str) -> u64 {
    name.bytes().fold(0xCBF2_9CE4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3)
    })
}

/// `word` as a number below `bound`, which is not 0.
pub(crate) fn below(word: u64, bound: u64) -> u64 {
    let scaled = u128::from(word) * u128::from(bound);
    (scaled >> 64) as u64
}

/// Words that follow from a key, one after the other.
#[derive(Clone, Debug)]
pub(crate) struct Words {
    key: u64,
    taken: u64,
}

impl Words {
    pub(crate) fn of(key: u64) -> Words {
        Words { key, taken: 0 }
    }

    /// The id of that form that belongs to a key.
    pub(crate) fn put_owned(key: u64, form: Form, out: &mut Vec<u8>) {
        Words::of(mix(key, form.kind())).put(form, out);
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.taken += 1;
        mix(self.key, self.taken)
    }

    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        below(self.next(), bound)
    }

    pub(crate) fn put(&mut self, form: Form, out: &mut Vec<u8>) {
        match form {
            Form::Uuid => self.put_uuid(out),
            Form::Hex(length) => self.put_digits(length, HEX, out),
            Form::Upper(length) => self.put_digits(length, UPPER, out),
            Form::Base62(length) => self.put_digits(length, BASE62, out),
            Form::Digits(length) => {
                let first = out.len();
                self.put_digits(length, &HEX[..10], out);
                if out.get(first) == Some(&b'0') {
                    out[first] = b'7';
                }
            }
        }
    }

    /// Six bits of a word choose a digit: more than enough for ids.
    fn put_digits(&mut self, length: u16, digits: &[u8], out: &mut Vec<u8>) {
        let mut word = 0;
        for place in 0..usize::from(length) {
            if place % 10 == 0 {
                word = self.next();
            }
            let chosen = ((word & 63) as usize * digits.len()) >> 6;
            out.push(digits[chosen]);
            word >>= 6;
        }
    }

    fn put_uuid(&mut self, out: &mut Vec<u8>) {
        let mut text = *b"00000000-0000-4000-8000-000000000000";
        let mut word = 0;
        let mut nibbles = 0;
        for (at, place) in text.iter_mut().enumerate() {
            if matches!(at, 8 | 13 | 14 | 18 | 23) {
                continue;
            }
            if nibbles % 16 == 0 {
                word = self.next();
            }
            nibbles += 1;
            let nibble = (word & 15) as usize;
            *place = HEX[if at == 19 { 8 | nibble & 3 } else { nibble }];
            word >>= 4;
        }
        out.extend_from_slice(&text);
    }
}

/// A number in decimal.
pub(crate) fn put_number(number: u64, out: &mut Vec<u8>) {
    let mut digits = [0; 20];
    let mut first = digits.len();
    let mut rest = number;
    loop {
        first -= 1;
        digits[first] = HEX[(rest % 10) as usize];
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[first..]);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(form: Form, expected: &str) {
        let mut out = Vec::new();
        Words::put_owned(key_of("acme"), form, &mut out);
        assert_eq!(String::from_utf8_lossy(&out), expected, "{form:?}");
    }

    /// Golden: the same seed gives the same events in every version.
    #[test]
    fn an_id_follows_from_its_key() {
        check(Form::Uuid, "6a6e6ba3-8235-487a-94cc-1df88ba6d4a8");
        check(Form::Hex(17), "ee04a584e6e721c21");
        check(Form::Digits(9), "317727657");
        check(Form::Base62(12), "5VOP40uDKwLX");
        check(Form::Upper(9), "DYJJSGOK5");
    }

    #[test]
    fn a_number_is_written_in_decimal() {
        for number in [0, 7, 10, 65_535, u64::MAX] {
            let mut out = Vec::new();
            put_number(number, &mut out);
            assert_eq!(String::from_utf8_lossy(&out), number.to_string());
        }
    }

    #[test]
    fn no_number_begins_with_zero() {
        for key in 0..200 {
            let mut out = Vec::new();
            Words::of(key).put(Form::Digits(4), &mut out);
            assert_ne!(out[0], b'0');
        }
    }
}
