//! Tokens that let a sender push events.
//!
//! `idt_` and 72 hexadecimal digits: 256 random bits, and 32 bits of their
//! SHA-256 as a checksum, so that a mistyped or cut token is told from a wrong
//! one, and scanners for leaked secrets can be sure of what they found. Only a
//! token's [`struct@Hash`] is ever kept. Randomness comes as an argument.

use std::fmt;

use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

const PREFIX: &str = "idt_";
const SECRET_BYTES: usize = 32;
const CHECKSUM_BYTES: usize = 4;

/// A secret: it has no `Debug` and is shown by [`Token::reveal`] alone.
pub struct Token(String);

/// A token's SHA-256: what settings hold, and the key of the signatures that
/// [`super::credential`] makes.
#[derive(Clone, Copy)]
pub struct Hash([u8; 32]);

/// Not a token at all, whoever's.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("not a token: idt_ and 72 hexadecimal digits are one; it may be cut off or mistyped")]
pub struct NoToken;

impl Token {
    /// From 256 bits that nobody can guess.
    pub fn new(secret: [u8; SECRET_BYTES]) -> Token {
        Token(format!(
            "{PREFIX}{}{}",
            hex(&secret),
            hex(&checksum(&secret))
        ))
    }

    pub fn parse(text: &str) -> Result<Token, NoToken> {
        let digits = text.strip_prefix(PREFIX).ok_or(NoToken)?;
        let bytes = unhex::<{ SECRET_BYTES + CHECKSUM_BYTES }>(digits).ok_or(NoToken)?;
        let (secret, sum) = bytes.split_at(SECRET_BYTES);
        (checksum(secret) == sum)
            .then(|| Token(text.to_owned()))
            .ok_or(NoToken)
    }

    /// The text that the sender must keep secret.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    pub fn hash(&self) -> Hash {
        Hash(Sha256::digest(&self.0).into())
    }
}

impl Hash {
    /// 64 hexadecimal digits, in lower case.
    pub fn parse(text: &str) -> Option<Hash> {
        unhex(text).map(Hash)
    }

    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

/// In constant time, although a hash tells little of its token.
impl PartialEq for Hash {
    fn eq(&self, other: &Hash) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for Hash {}

/// As settings have it.
impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex(&self.0))
    }
}

/// Signatures are made with it, so that no log line shows it.
impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hash(…)")
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

fn checksum(secret: &[u8]) -> [u8; CHECKSUM_BYTES] {
    let digest = Sha256::digest(secret);
    std::array::from_fn(|index| digest[index])
}

/// Lower-case hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    const DIGITS: [u8; 16] = *b"0123456789abcdef";
    let digit = |nibble: u8| char::from(DIGITS[usize::from(nibble)]);
    let pairs = bytes.iter().map(|byte| [byte >> 4, byte & 0xf]);
    pairs.flatten().map(digit).collect()
}

/// So many bytes, if it is their lower-case digits and nothing else.
pub(crate) fn unhex<const BYTES: usize>(text: &str) -> Option<[u8; BYTES]> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    if pairs.len() != BYTES || !rest.is_empty() {
        return None;
    }
    let mut bytes = [0; BYTES];
    for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
        *byte = digit(*high)? << 4 | digit(*low)?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_token_has_the_form_that_is_documented_and_a_hash_that_anybody_can_compute() {
        let token = Token::new([7; SECRET_BYTES]);
        let expected = format!("idt_{}{}", "07".repeat(32), "4bb06f8e");
        assert_eq!(token.reveal(), expected);
        // printf %s "$TOKEN" | sha256sum
        assert_eq!(token.hash().to_string(), hex(&Sha256::digest(&expected)));
        assert_eq!(Hash::parse(&token.hash().to_string()), Some(token.hash()));
    }

    #[test]
    fn what_is_no_token_is_refused() {
        let whole = Token::new([7; SECRET_BYTES]);
        let whole = whole.reveal();
        let upper = whole.to_uppercase();
        let longer = format!("{whole}0");
        for text in ["", "idt_", &whole[..75], &whole[4..], &upper, &longer, " "] {
            assert!(Token::parse(text).is_err(), "{text:?}");
        }
        for text in ["", "07", &"0g".repeat(32), &"0A".repeat(32)] {
            assert!(Hash::parse(text).is_none(), "{text:?}");
        }
    }

    #[test]
    fn neither_a_token_nor_its_hash_can_be_logged() {
        let token = Token::new([7; SECRET_BYTES]);
        assert_eq!(format!("{token:?}{:?}", token.hash()), "Token(…)Hash(…)");
    }

    proptest! {
        #[test]
        fn one_wrong_character_is_found(secret: [u8; 32], place in 0_usize..76, other in "[0-9a-f]") {
            let token = Token::new(secret);
            prop_assert!(Token::parse(token.reveal()).is_ok());
            let mut wrong = token.reveal().to_owned();
            wrong.replace_range(place..=place, &other);
            prop_assert_eq!(Token::parse(&wrong).is_ok(), wrong == token.reveal());
        }
    }
}
