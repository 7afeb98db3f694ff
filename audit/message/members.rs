//! The members of a JSON object, its top level only, as they stand in the text.
//!
//! Good enough to recognise a shape by its keys: nothing is unescaped or
//! validated, and the walk ends where the text makes no sense.

use std::ops::Range;

/// A key as written between its quotes, and where its value stands.
#[derive(Debug)]
pub(super) struct Member<'a> {
    pub(super) key: &'a [u8],
    pub(super) value: Range<usize>,
}

#[derive(Debug)]
pub(super) struct Members<'a> {
    text: &'a [u8],
    at: usize,
}

impl<'a> Members<'a> {
    /// Of the object that begins with the text's first byte.
    pub(super) fn of(text: &'a [u8]) -> Members<'a> {
        Members { text, at: 1 }
    }

    /// The next byte that is not white space or `separator`.
    fn peek_after(&mut self, separator: u8) -> Option<u8> {
        loop {
            match *self.text.get(self.at)? {
                b' ' | b'\t' | b'\r' | b'\n' => self.at += 1,
                byte if byte == separator => self.at += 1,
                byte => return Some(byte),
            }
        }
    }
}

impl<'a> Iterator for Members<'a> {
    type Item = Member<'a>;

    fn next(&mut self) -> Option<Member<'a>> {
        if self.peek_after(b',')? != b'"' {
            return None;
        }
        let key_start = self.at + 1;
        self.at = value_end(self.text, self.at)?;
        let key = self.text.get(key_start..self.at - 1)?;
        self.peek_after(b':')?;
        let start = self.at;
        self.at = value_end(self.text, start)?;
        Some(Member {
            key,
            value: start..self.at,
        })
    }
}

/// One past the end of the value that begins at `start`.
fn value_end(text: &[u8], start: usize) -> Option<usize> {
    let mut at = start;
    let mut depth = 0u32;
    loop {
        match *text.get(at)? {
            b'"' => at = string_end(text, at)?,
            b'{' | b'[' => {
                depth += 1;
                at += 1;
            }
            b'}' | b']' if depth > 0 => {
                depth -= 1;
                at += 1;
            }
            b'}' | b']' | b',' if depth == 0 => return (at > start).then_some(at),
            b':' if depth == 0 => return None,
            _ if depth == 0 => {
                at += 1;
                continue;
            }
            _ => at += 1,
        }
        if depth == 0 {
            return Some(at);
        }
    }
}

/// One past the closing quote of the string that begins at `start`.
fn string_end(text: &[u8], start: usize) -> Option<usize> {
    let mut at = start + 1;
    loop {
        at += memchr::memchr2(b'"', b'\\', text.get(at..)?)?;
        if text[at] == b'"' {
            return Some(at + 1);
        }
        at += 2;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(text: &str, expected: &[(&str, &str)]) {
        let found: Vec<(&str, &str)> = Members::of(text.as_bytes())
            .map(|m| (std::str::from_utf8(m.key).expect("text"), &text[m.value]))
            .collect();
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn members_are_found_whatever_their_values_are() {
        check("{}", &[]);
        check(
            r#"{"a":1, "b" : "x\"}" ,"c":[{"d":[]}],"e":{"f":"]"},"g":null}"#,
            &[
                ("a", "1"),
                ("b", r#""x\"}""#),
                ("c", r#"[{"d":[]}]"#),
                ("e", r#"{"f":"]"}"#),
                ("g", "null"),
            ],
        );
        check(r#"{"a":1,b:2,"c":3}"#, &[("a", "1")]);
        check(r#"{"a":,"c":3}"#, &[]);
        check(r#"{"a":"unclosed"#, &[]);
        check(r#"{"a"#, &[]);
    }

    proptest! {
        #[test]
        fn any_bytes_are_walked_without_a_panic(
            text in proptest::collection::vec(
                proptest::sample::select(b"\"\\{}[]:,a1 ".to_vec()), 0..60),
        ) {
            for member in Members::of(&text) {
                prop_assert!(!text[member.value].is_empty());
            }
        }
    }
}
