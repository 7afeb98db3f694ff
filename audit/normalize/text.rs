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
