//! Reads one JSON text from its first byte to its last, in place.
//!
//! What the caller wants is put where it wants it, a text borrowed from the
//! event unless it holds escapes; all else is passed over, but checked: what
//! goes into the lake is JSON (RFC 8259) that other readers take. More lenient
//! than most are two readings: the escape of a lone surrogate is U+FFFD, and a
//! number may be of any size.

mod string;
#[cfg(test)]
mod tests;

use std::{borrow::Cow, fmt};

use super::tolerant::Tolerant;

/// Deeper texts do not come here: events of more than 64 levels are refused
/// when messages are taken apart.
const DEPTH_MAX: u32 = 128;

/// Why a text is not JSON.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Invalid {
    what: &'static str,
    /// Bytes before the place.
    at: usize,
}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at byte {}", self.what, self.at)
    }
}

/// A number as it stands in the text.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Number<'de>(&'de str);

impl<'de> Number<'de> {
    pub(super) fn as_str(self) -> &'de str {
        self.0
    }

    /// The nearest one, if it is finite.
    pub(super) fn as_f64(self) -> Option<f64> {
        self.0
            .parse()
            .ok()
            .filter(|number: &f64| number.is_finite())
    }

    pub(super) fn is_zero(self) -> bool {
        let is_digit = |byte: u8| byte.is_ascii_digit();
        if self.0.len() > 1 && self.0.bytes().all(is_digit) {
            // No number begins with a zero that others follow.
            return false;
        }
        self.as_f64() == Some(0.0)
    }

    /// If it is written as one.
    pub(super) fn as_i64(self) -> Option<i64> {
        self.0.parse().ok()
    }
}

struct Reader<'de> {
    text: &'de str,
    at: usize,
    depth: u32,
}

/// An object between its braces: ask for a key, then for its value.
pub(super) struct Object<'r, 'de>(Inside<'r, 'de>);

/// A list between its brackets.
pub(super) struct List<'r, 'de>(Inside<'r, 'de>);

struct Inside<'r, 'de> {
    reader: &'r mut Reader<'de>,
    close: u8,
    is_begun: bool,
    is_over: bool,
}

/// The only value of the text.
pub(super) fn read<'de, T: Tolerant<'de>>(text: &'de str) -> Result<T, Invalid> {
    let mut reader = Reader {
        text,
        at: 0,
        depth: 0,
    };
    let mut value = T::default();
    reader.value(&mut value)?;
    match reader.token() {
        None => Ok(value),
        Some(_) => Err(reader.invalid("there is more after the value")),
    }
}

impl<'de> Object<'_, 'de> {
    /// The next key. Its value must be asked for, or skipped, before the next.
    #[inline]
    pub(super) fn key(&mut self) -> Result<Option<Cow<'de, str>>, Invalid> {
        if !self.next()? {
            return Ok(None);
        }
        let key = self.0.reader.string()?;
        self.0.reader.colon()?;
        Ok(Some(key))
    }

    #[inline]
    pub(super) fn value<T: Tolerant<'de>>(&mut self, into: &mut T) -> Result<(), Invalid> {
        self.0.reader.value(into)
    }

    pub(super) fn skip(&mut self) -> Result<(), Invalid> {
        self.0.reader.skip()
    }

    #[inline]
    fn next(&mut self) -> Result<bool, Invalid> {
        let more = self.0.next()?;
        if more && self.0.reader.token() != Some(b'"') {
            return Err(self.0.reader.invalid("a key in quotes is expected"));
        }
        Ok(more)
    }

    /// Passes over what was not asked for.
    fn finish(mut self) -> Result<(), Invalid> {
        while self.next()? {
            self.0.reader.skip_string()?;
            self.0.reader.colon()?;
            self.0.reader.skip()?;
        }
        Ok(())
    }
}

impl<'de> List<'_, 'de> {
    /// Whether there was one more.
    pub(super) fn value<T: Tolerant<'de>>(&mut self, into: &mut T) -> Result<bool, Invalid> {
        let more = self.0.next()?;
        if more {
            self.0.reader.value(into)?;
        }
        Ok(more)
    }

    fn finish(mut self) -> Result<(), Invalid> {
        while self.0.next()? {
            self.0.reader.skip()?;
        }
        Ok(())
    }
}

impl Inside<'_, '_> {
    /// Goes to the next value or key, or past the end.
    #[inline]
    fn next(&mut self) -> Result<bool, Invalid> {
        if self.is_over {
            return Ok(false);
        }
        match self.reader.token() {
            Some(byte) if byte == self.close => {
                self.reader.at += 1;
                self.reader.depth -= 1;
                self.is_over = true;
                return Ok(false);
            }
            Some(b',') if self.is_begun => {
                self.reader.at += 1;
                if self.reader.token() == Some(self.close) {
                    return Err(self.reader.invalid("a comma is followed by nothing"));
                }
            }
            Some(_) if self.is_begun => {
                return Err(self.reader.invalid("a comma is expected"));
            }
            Some(_) => self.is_begun = true,
            None => return Err(self.reader.invalid("the text ends too early")),
        }
        Ok(true)
    }
}

impl<'de> Reader<'de> {
    fn value<T: Tolerant<'de>>(&mut self, into: &mut T) -> Result<(), Invalid> {
        match self.token() {
            Some(b'"') => into.take_text(self.string()?),
            Some(b'{') => {
                let mut object = self.object()?;
                into.take_object(&mut object)?;
                object.finish()?;
            }
            Some(b'[') => {
                let mut list = self.list()?;
                into.take_list(&mut list)?;
                list.finish()?;
            }
            Some(b'-' | b'0'..=b'9') => into.take_number(self.number()?),
            Some(b't') => {
                self.literal("true")?;
                into.take_bool(true);
            }
            Some(b'f') => {
                self.literal("false")?;
                into.take_bool(false);
            }
            _ => {
                self.literal("null")?;
                *into = T::default();
            }
        }
        Ok(())
    }

    fn skip(&mut self) -> Result<(), Invalid> {
        match self.token() {
            Some(b'"') => self.skip_string(),
            Some(b'{') => self.object()?.finish(),
            Some(b'[') => self.list()?.finish(),
            Some(b'-' | b'0'..=b'9') => self.number().map(|_| ()),
            Some(b't') => self.literal("true"),
            Some(b'f') => self.literal("false"),
            _ => self.literal("null"),
        }
    }

    fn object(&mut self) -> Result<Object<'_, 'de>, Invalid> {
        self.enter(b'}').map(Object)
    }

    fn list(&mut self) -> Result<List<'_, 'de>, Invalid> {
        self.enter(b']').map(List)
    }

    #[inline]
    fn enter(&mut self, close: u8) -> Result<Inside<'_, 'de>, Invalid> {
        if self.depth == DEPTH_MAX {
            return Err(self.invalid("there are more than 128 levels"));
        }
        self.depth += 1;
        self.at += 1;
        Ok(Inside {
            reader: self,
            close,
            is_begun: false,
            is_over: false,
        })
    }

    #[inline]
    fn byte(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// The next byte that is no white space.
    #[inline]
    fn token(&mut self) -> Option<u8> {
        let mut next = self.byte();
        while let Some(b' ' | b'\n' | b'\t' | b'\r') = next {
            self.at += 1;
            next = self.byte();
        }
        next
    }

    #[inline]
    fn colon(&mut self) -> Result<(), Invalid> {
        if self.token() != Some(b':') {
            return Err(self.invalid("a colon is expected"));
        }
        self.at += 1;
        Ok(())
    }

    fn literal(&mut self, word: &'static str) -> Result<(), Invalid> {
        let rest = self.text.as_bytes().get(self.at..).unwrap_or_default();
        if !rest.starts_with(word.as_bytes()) {
            return Err(self.invalid(match rest {
                [] => "the text ends too early",
                _ => "a value is expected",
            }));
        }
        self.at += word.len();
        Ok(())
    }

    fn number(&mut self) -> Result<Number<'de>, Invalid> {
        let start = self.at;
        self.at += usize::from(self.byte() == Some(b'-'));
        match self.byte() {
            Some(b'0') => self.at += 1,
            _ => self.digits()?,
        }
        if self.byte() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.byte(), Some(b'e' | b'E')) {
            self.at += 1;
            self.at += usize::from(matches!(self.byte(), Some(b'+' | b'-')));
            self.digits()?;
        }
        Ok(Number(&self.text[start..self.at]))
    }

    /// One at least.
    fn digits(&mut self) -> Result<(), Invalid> {
        let start = self.at;
        while self.byte().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        match self.at {
            end if end > start => Ok(()),
            _ => Err(self.invalid("a digit is expected")),
        }
    }

    #[cold]
    fn invalid(&self, what: &'static str) -> Invalid {
        Invalid { what, at: self.at }
    }
}
