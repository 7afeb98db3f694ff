//! Small readings of texts that several sources share.

use std::borrow::Cow;

use crate::row::Text;

/// The lower-cased address if `text` is an e-mail address. What joins a
/// person's rows across sources must be strict rather than generous: one `@`,
/// something before it, a domain with a dot after it, no white space.
pub(super) fn email<'a>(text: &Cow<'a, str>) -> Text<'a> {
    if !is_email(text) {
        return None;
    }
    if text.chars().any(char::is_uppercase) {
        Some(Cow::Owned(text.to_lowercase()))
    } else {
        Some(text.clone())
    }
}

pub(super) fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.split_once('@') else {
        return false;
    };
    let clean = |part: &str| {
        let mut characters = part.chars();
        characters.all(|c| !c.is_whitespace() && !c.is_control() && !"@/:,;<>\"".contains(c))
    };
    let mut labels = domain.split('.');
    !local.is_empty()
        && clean(local)
        && clean(domain)
        && domain.contains('.')
        && labels.all(|label| !label.is_empty())
}

/// A part of a text, borrowed where the whole is.
pub(super) fn part<'a>(whole: &Cow<'a, str>, cut: fn(&str) -> Option<&str>) -> Text<'a> {
    let found = match whole {
        Cow::Borrowed(text) => cut(text).map(Cow::Borrowed),
        Cow::Owned(text) => cut(text).map(|part| Cow::Owned(part.to_owned())),
    };
    found.filter(|part| !part.is_empty())
}

/// A fixed word as a text.
pub(super) fn word(text: &'static str) -> Text<'static> {
    Some(Cow::Borrowed(text))
}

/// The text with what serde_json refuses in valid JSON replaced in place:
/// escapes of lone surrogates become U+FFFD, numbers beyond `f64` become null.
/// `None` if there is nothing of this kind.
pub(super) fn repaired(text: &str) -> Option<String> {
    let bytes = text.as_bytes();
    let mut fixed: Option<Vec<u8>> = None;
    let mut mend = |at: usize, with: &[u8]| {
        let copy = fixed.get_or_insert_with(|| bytes.to_vec());
        copy[at..at + with.len()].copy_from_slice(with);
    };
    let mut in_string = false;
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            b'"' => {
                in_string = !in_string;
                at += 1;
            }
            b'\\' if in_string => match surrogate(bytes, at) {
                Some(0xD800..=0xDBFF)
                    if matches!(surrogate(bytes, at + 6), Some(0xDC00..=0xDFFF)) =>
                {
                    at += 12;
                }
                Some(_) => {
                    mend(at, b"\\ufffd");
                    at += 6;
                }
                None => at += 2,
            },
            b'-' | b'0'..=b'9' if !in_string => {
                let rest = &text[at..];
                let length = rest
                    .find(|c: char| !matches!(c, '0'..='9' | '+' | '-' | '.' | 'e' | 'E'))
                    .unwrap_or(rest.len());
                if rest[..length].parse::<f64>().is_ok_and(f64::is_infinite) {
                    let blank = [b"null", " ".repeat(length - 4).as_bytes()].concat();
                    mend(at, &blank);
                }
                at += length;
            }
            _ => at += 1,
        }
    }
    let fixed = fixed?;
    Some(String::from_utf8(fixed).expect("whole ASCII tokens were replaced by ASCII"))
}

/// The surrogate whose escape `\uXXXX` stands at `at`.
fn surrogate(bytes: &[u8], at: usize) -> Option<u16> {
    let escape = bytes.get(at..at + 6)?.strip_prefix(b"\\u")?;
    let digits = std::str::from_utf8(escape).ok()?;
    let unit = u16::from_str_radix(digits, 16).ok()?;
    (0xD800..=0xDFFF).contains(&unit).then_some(unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_address_is_an_email_address() {
        for (text, expected) in [
            ("Ada@Example.com", Some("ada@example.com")),
            ("ada.l+x@mail.example.com", Some("ada.l+x@mail.example.com")),
            ("ada", None),
            ("ada@localhost", None),
            ("@example.com", None),
            ("ada@.com", None),
            ("ada@example.", None),
            ("ada b@example.com", None),
            ("a@b@example.com", None),
            ("https://x@example.com/", None),
        ] {
            assert_eq!(email(&Cow::Borrowed(text)).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn only_what_serde_json_refuses_is_repaired() {
        for (text, expected) in [
            (r#"{"a":"\ud800"}"#, Some(r#"{"a":"\ufffd"}"#)),
            (r#"{"a":"\uDC00x"}"#, Some(r#"{"a":"\ufffdx"}"#)),
            (r#"{"a":"\ud83d\ude00"}"#, None),
            (
                r#"{"a":"\ud83d\ud83d\ude00"}"#,
                Some(r#"{"a":"\ufffd\ud83d\ude00"}"#),
            ),
            (r#"{"a":"\\ud800"}"#, None),
            (r#"{"a":"\"\\"}"#, None),
            (r#"{"a":1e999}"#, Some(r#"{"a":null }"#)),
            (r#"{"a":-1E+999,"b":1.5}"#, Some(r#"{"a":null   ,"b":1.5}"#)),
            (r#"{"a":"1e999"}"#, None),
            (r#"{"a":1"#, None),
            ("\\ud8", None),
            (r#"{"a":"\u"#, None),
        ] {
            assert_eq!(repaired(text).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn a_part_is_borrowed_where_the_whole_is() {
        fn tail(text: &str) -> Option<&str> {
            text.strip_prefix('a')
        }
        assert!(matches!(
            part(&Cow::Borrowed("ab"), tail),
            Some(Cow::Borrowed("b"))
        ));
        assert_eq!(part(&Cow::Borrowed("a"), tail), None);
    }
}
