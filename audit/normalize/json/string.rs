//! Strings, which are nearly all of an audit event: looked at 16 bytes at a time,
//! and copied only where they hold escapes.

use std::borrow::Cow;

use wide::u8x16;

use super::{Invalid, Reader};

/// Bytes looked at in one step.
const BLOCK: usize = 16;

/// Length of `\uXXXX`.
const UNIT: usize = 6;

impl<'de> Reader<'de> {
    /// The string whose opening quote comes next.
    #[inline]
    pub(super) fn string(&mut self) -> Result<Cow<'de, str>, Invalid> {
        let start = self.at + 1;
        self.at = special(self.text.as_bytes(), start);
        if self.byte() == Some(b'"') {
            self.at += 1;
            return Ok(Cow::Borrowed(&self.text[start..self.at - 1]));
        }
        self.unescaped(start).map(Cow::Owned)
    }

    #[inline]
    pub(super) fn skip_string(&mut self) -> Result<(), Invalid> {
        self.at = special(self.text.as_bytes(), self.at + 1);
        if self.byte() == Some(b'"') {
            self.at += 1;
            return Ok(());
        }
        while self.string_part()?.is_some() {}
        Ok(())
    }

    /// The string that began at `start`, read up to its first escape.
    #[cold]
    fn unescaped(&mut self, start: usize) -> Result<String, Invalid> {
        let mut text = String::with_capacity(2 * (self.at - start));
        let mut from = start;
        let mut escaped = self.string_part()?;
        loop {
            let part = &self.text[from..self.at];
            let Some(character) = escaped else {
                text.push_str(&part[..part.len() - 1]);
                return Ok(text);
            };
            let plain = part.split('\\').next().unwrap_or_default();
            text.push_str(plain);
            text.push(character);
            from = self.at;
            escaped = self.string_part()?;
        }
    }

    /// Goes past the string's closing quote, or past its next escape: the
    /// character that this stands for.
    fn string_part(&mut self) -> Result<Option<char>, Invalid> {
        self.at = special(self.text.as_bytes(), self.at);
        match self.byte() {
            Some(b'"') => {
                self.at += 1;
                Ok(None)
            }
            Some(b'\\') => self.escape().map(Some),
            Some(_) => Err(self.invalid("a control character stands in a string")),
            None => Err(self.invalid("the text ends too early")),
        }
    }

    fn escape(&mut self) -> Result<char, Invalid> {
        let rest = self.text.as_bytes().get(self.at..).unwrap_or_default();
        let character = match rest.get(1) {
            Some(b'"') => '"',
            Some(b'\\') => '\\',
            Some(b'/') => '/',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => return self.unicode_escape(),
            _ => return Err(self.invalid("an escape is not known")),
        };
        self.at += 2;
        Ok(character)
    }

    fn unicode_escape(&mut self) -> Result<char, Invalid> {
        let Some(first) = self.unit(self.at) else {
            return Err(self.invalid("an escape is not known"));
        };
        self.at += UNIT;
        let low = || self.unit(self.at).unwrap_or_default();
        let read = match first {
            0xd800..=0xdbff => char::decode_utf16([first, low()]).next(),
            _ => char::decode_utf16([first]).next(),
        };
        let character = read.and_then(Result::ok);
        if character.is_some_and(|character| character.len_utf16() == 2) {
            self.at += UNIT;
        }
        Ok(character.unwrap_or(char::REPLACEMENT_CHARACTER))
    }

    /// The UTF-16 unit whose escape stands there.
    fn unit(&self, at: usize) -> Option<u16> {
        let escape = self.text.as_bytes().get(at..at + UNIT)?;
        let digits = escape.strip_prefix(b"\\u")?;
        digits.iter().try_fold(0, |unit, digit| {
            let digit = char::from(*digit).to_digit(16)?;
            Some(unit << 4 | u16::try_from(digit).ok()?)
        })
    }
}

/// Where the first byte from `at` on is that ends a string or may not simply
/// stand in one.
#[inline]
fn special(bytes: &[u8], mut at: usize) -> usize {
    while let Some(block) = bytes.get(at..).and_then(|rest| rest.first_chunk::<BLOCK>()) {
        let block = u8x16::new(*block);
        let quote = block.simd_eq(u8x16::splat(b'"'));
        let backslash = block.simd_eq(u8x16::splat(b'\\'));
        let control = (block & u8x16::splat(0xe0)).simd_eq(u8x16::splat(0));
        let found = (quote | backslash | control).to_bitmask();
        if found != 0 {
            return at + found.trailing_zeros() as usize;
        }
        at += BLOCK;
    }
    let is_plain = |byte: &&u8| !matches!(byte, b'"' | b'\\' | ..0x20);
    let rest = bytes.get(at..).unwrap_or_default();
    at + rest.iter().take_while(is_plain).count()
}
