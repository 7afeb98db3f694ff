//! Reads one JSON text from its first byte to its last, in place.
//!
//! What the caller wants is put where it wants it, a text borrowed from the
//! event unless it holds escapes; all else is passed over, but checked: what
//! goes into the lake is JSON (RFC 8259) that other readers take. More lenient
//! than most are two readings: the escape of a lone surrogate is U+FFFD, and a
//! number may be of any size. Strings, which are nearly all of an audit event,
//! are looked at 16 bytes at a time.

use std::{borrow::Cow, fmt};

use wide::u8x16;

use super::tolerant::Tolerant;

/// Deeper texts do not come here: events of more than 64 levels are refused
/// when messages are taken apart.
const DEPTH_MAX: u32 = 128;

/// Bytes looked at in one step.
const BLOCK: usize = 16;

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
    pub(super) fn key(&mut self) -> Result<Option<Cow<'de, str>>, Invalid> {
        if !self.next()? {
            return Ok(None);
        }
        let key = self.0.reader.string()?;
        self.0.reader.colon()?;
        Ok(Some(key))
    }

    pub(super) fn value<T: Tolerant<'de>>(&mut self, into: &mut T) -> Result<(), Invalid> {
        self.0.reader.value(into)
    }

    pub(super) fn skip(&mut self) -> Result<(), Invalid> {
        self.0.reader.skip()
    }

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
        loop {
            match self.byte() {
                Some(b' ' | b'\n' | b'\t' | b'\r') => self.at += 1,
                other => return other,
            }
        }
    }

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

    /// The string whose opening quote comes next.
    #[inline]
    fn string(&mut self) -> Result<Cow<'de, str>, Invalid> {
        let start = self.at + 1;
        self.at = start;
        match self.string_part()? {
            None => Ok(Cow::Borrowed(&self.text[start..self.at - 1])),
            Some(first) => self.unescaped(start, first).map(Cow::Owned),
        }
    }

    fn skip_string(&mut self) -> Result<(), Invalid> {
        self.at += 1;
        while self.string_part()?.is_some() {}
        Ok(())
    }

    /// The rest of the string that began at `start` and whose first escape was
    /// passed.
    fn unescaped(&mut self, start: usize, first: char) -> Result<String, Invalid> {
        let mut text = String::with_capacity(2 * (self.at - start));
        let mut from = start;
        let mut escaped = Some(first);
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
    #[inline]
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

    fn invalid(&self, what: &'static str) -> Invalid {
        Invalid { what, at: self.at }
    }
}

/// Length of `\uXXXX`.
const UNIT: usize = 6;

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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde::de::IgnoredAny;

    use super::*;
    use crate::row::Text;

    #[derive(Default)]
    struct Anything;

    impl<'de> Tolerant<'de> for Anything {}

    /// Texts only, as they are, in the order in which they stand.
    #[derive(Default)]
    struct Texts(Vec<String>);

    impl<'de> Tolerant<'de> for Texts {
        fn take_text(&mut self, text: Cow<'de, str>) {
            self.0.push(text.into_owned());
        }

        fn take_number(&mut self, number: Number<'de>) {
            self.0.push(number.as_str().to_owned());
        }

        fn take_bool(&mut self, _: bool) {}

        fn take_list(&mut self, list: &mut List<'_, 'de>) -> Result<(), Invalid> {
            while list.value(self)? {}
            Ok(())
        }

        fn take_object(&mut self, object: &mut Object<'_, 'de>) -> Result<(), Invalid> {
            while let Some(key) = object.key()? {
                self.0.push(key.into_owned());
                object.value(self)?;
            }
            Ok(())
        }
    }

    #[test]
    fn what_is_no_json_is_told_with_its_place() {
        for (text, expected) in [
            ("", "the text ends too early at byte 0"),
            ("{", "the text ends too early at byte 1"),
            (r#"{"a":1,}"#, "a comma is followed by nothing at byte 7"),
            ("{a:1}", "a key in quotes is expected at byte 1"),
            (r#"{"a" 1}"#, "a colon is expected at byte 5"),
            (r#"{"a":1 "b":2}"#, "a comma is expected at byte 7"),
            ("[1 2]", "a comma is expected at byte 3"),
            ("[1]]", "there is more after the value at byte 3"),
            ("[1}", "a comma is expected at byte 2"),
            ("[}", "a value is expected at byte 1"),
            ("NaN", "a value is expected at byte 0"),
            ("nul", "a value is expected at byte 0"),
            ("-", "a digit is expected at byte 1"),
            ("1.", "a digit is expected at byte 2"),
            ("1e+", "a digit is expected at byte 3"),
            ("01", "there is more after the value at byte 1"),
            (r#""a"#, "the text ends too early at byte 2"),
            ("\"\t\"", "a control character stands in a string at byte 1"),
            (r#""\x""#, "an escape is not known at byte 1"),
            (r#""\u12g4""#, "an escape is not known at byte 1"),
            (r#""\u+123""#, "an escape is not known at byte 1"),
        ] {
            let read = read::<Texts>(text).map(|_| ());
            let skipped = super::read::<Anything>(text).map(|_| ());
            assert_eq!(read, skipped, "{text}");
            let error = read.expect_err(text).to_string();
            assert_eq!(error, expected, "{text}");
        }
        let levels = |count| format!("{}{}", "[".repeat(count), "]".repeat(count));
        assert!(read::<Anything>(&levels(128)).is_ok());
        let error = read::<Anything>(&levels(129))
            .map(|_| ())
            .expect_err("deep");
        assert_eq!(
            error.to_string(),
            "there are more than 128 levels at byte 128"
        );
    }

    #[test]
    fn escapes_are_the_characters_that_they_stand_for() {
        for (text, expected) in [
            (r#""plain""#, "plain"),
            (r#""\"\\\/\b\f\n\r\t""#, "\"\\/\u{8}\u{c}\n\r\t"),
            (r#""a\u0041\u00e4b""#, "aA\u{e4}b"),
            (r#""x\ud83d\ude00y""#, "x\u{1f600}y"),
            (r#""\ud800""#, "\u{fffd}"),
            (r#""\udc00x""#, "\u{fffd}x"),
            (r#""\ud800\u0041""#, "\u{fffd}A"),
            (r#""\ud83d\ud83d\ude00""#, "\u{fffd}\u{1f600}"),
            (r#""\\ud800""#, "\\ud800"),
        ] {
            let found: Texts = read(text).expect(text);
            assert_eq!(found.0, [expected], "{text}");
        }
        let borrowed: Text<'_> = read(r#""plain""#).expect("JSON");
        assert!(matches!(borrowed, Some(Cow::Borrowed("plain"))));
    }

    /// Pieces of JSON, so that many a random row of them nearly is some.
    fn pieces() -> impl Strategy<Value = String> {
        let pieces = [
            "{",
            "}",
            "[",
            "]",
            ",",
            ":",
            "\"",
            "\\",
            "\\u00e9",
            "\\ud800",
            "\\n",
            "true",
            "false",
            "null",
            "0",
            "-1.5e3",
            "12",
            "e",
            ".",
            " ",
            "\n",
            "\u{1}",
            "key",
            "\"a\":",
            "\"b\",",
            "\u{e4}",
            "a text of more than sixteen bytes",
            "1e999",
        ];
        proptest::collection::vec(proptest::sample::select(pieces.to_vec()), 0..12)
            .prop_map(|pieces| pieces.concat())
    }

    fn texts_of(value: &serde_json::Value, into: &mut Vec<String>) {
        match value {
            serde_json::Value::String(text) => into.push(text.clone()),
            serde_json::Value::Array(list) => list.iter().for_each(|item| texts_of(item, into)),
            serde_json::Value::Object(object) => {
                for (key, value) in object {
                    into.push(key.clone());
                    texts_of(value, into);
                }
            }
            _ => {}
        }
    }

    fn json() -> impl Strategy<Value = serde_json::Value> {
        let text = "[ -~\u{e4}\u{1f600}\n]{0,40}";
        let leaf = prop_oneof![
            text.prop_map(serde_json::Value::from),
            any::<bool>().prop_map(serde_json::Value::from),
        ];
        leaf.prop_recursive(4, 24, 5, move |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..5).prop_map(serde_json::Value::from),
                proptest::collection::btree_map(text, inner, 0..5)
                    .prop_map(|map| serde_json::Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn json_is_what_serde_json_takes_for_it(text in pieces()) {
            let theirs = serde_json::from_str::<IgnoredAny>(&text).is_ok();
            prop_assert_eq!(read::<Anything>(&text).is_ok(), theirs, "{:?}", text);
            prop_assert_eq!(read::<Texts>(&text).is_ok(), theirs, "{:?}", text);
        }

        #[test]
        fn every_text_is_read_as_serde_json_reads_it(value in json(), pretty: bool) {
            let text = match pretty {
                true => serde_json::to_string_pretty(&value),
                false => serde_json::to_string(&value),
            };
            let read: Texts = read(&text.expect("JSON")).expect("JSON");
            let mut expected = Vec::new();
            texts_of(&value, &mut expected);
            prop_assert_eq!(read.0, expected);
        }
    }
}
