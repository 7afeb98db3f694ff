//! Reading JSON of which only the syntax can be relied upon.
//!
//! In real audit logs any field may be absent, null, or of another type than
//! documented. A [`Tolerant`] type takes what it can use from whatever stands
//! there and is its default otherwise; the event never fails. Objects are
//! declared with [`object!`]: unknown keys are skipped without being parsed,
//! of a key that stands there twice the last wins. Texts are borrowed from the
//! event unless they hold escapes.

use std::borrow::Cow;

use super::json::{Invalid, List, Number, Object};
use crate::row::Text;

/// Most elements kept of a list. The longest seen in a real event is 12.
const LIST_LENGTH_MAX: usize = 32;

/// A type that can be made of any JSON value. Each method replaces what was
/// there before, by the default if there is nothing to use; of a list and an
/// object, what it leaves is skipped.
pub(super) trait Tolerant<'de>: Default {
    fn take_text(&mut self, _: Cow<'de, str>) {
        *self = Self::default();
    }

    fn take_bool(&mut self, _: bool) {
        *self = Self::default();
    }

    fn take_number(&mut self, _: Number<'de>) {
        *self = Self::default();
    }

    fn take_list(&mut self, _: &mut List<'_, 'de>) -> Result<(), Invalid> {
        *self = Self::default();
        Ok(())
    }

    fn take_object(&mut self, _: &mut Object<'_, 'de>) -> Result<(), Invalid> {
        *self = Self::default();
        Ok(())
    }
}

/// Whether a text is one of the ways in which real events say that there is
/// nothing to say.
#[inline]
fn says_nothing(text: &str) -> bool {
    const LONGEST: usize = "null".len();
    let blank = |end: Option<&u8>| end.is_none_or(u8::is_ascii_whitespace);
    let bytes = text.as_bytes();
    if bytes.len() > LONGEST && !blank(bytes.first()) && !blank(bytes.last()) {
        return false;
    }
    matches!(text.trim_ascii(), "" | "-" | "null" | "0")
}

/// Of a list, its first text. An object is no text.
impl<'de> Tolerant<'de> for Text<'de> {
    #[inline]
    fn take_text(&mut self, text: Cow<'de, str>) {
        *self = (!says_nothing(&text)).then_some(text);
    }

    fn take_bool(&mut self, value: bool) {
        *self = Some(Cow::Borrowed(if value { "true" } else { "false" }));
    }

    fn take_number(&mut self, number: Number<'de>) {
        *self = (!number.is_zero()).then(|| Cow::Borrowed(number.as_str()));
    }

    fn take_list(&mut self, list: &mut List<'_, 'de>) -> Result<(), Invalid> {
        *self = None;
        while self.is_none() && list.value(self)? {}
        Ok(())
    }
}

impl<'de> Tolerant<'de> for Option<bool> {
    fn take_text(&mut self, text: Cow<'de, str>) {
        *self = if text.eq_ignore_ascii_case("true") {
            Some(true)
        } else if text.eq_ignore_ascii_case("false") {
            Some(false)
        } else {
            None
        };
    }

    fn take_bool(&mut self, value: bool) {
        *self = Some(value);
    }
}

impl<'de> Tolerant<'de> for Option<f64> {
    fn take_text(&mut self, text: Cow<'de, str>) {
        *self = text.parse().ok().filter(|number: &f64| number.is_finite());
    }

    fn take_number(&mut self, number: Number<'de>) {
        *self = number.as_f64();
    }
}

/// One object that stands where a list of them should is a list of one.
impl<'de, T: Tolerant<'de>> Tolerant<'de> for Vec<T> {
    fn take_list(&mut self, list: &mut List<'_, 'de>) -> Result<(), Invalid> {
        self.clear();
        while self.len() < LIST_LENGTH_MAX {
            let mut element = T::default();
            if !list.value(&mut element)? {
                break;
            }
            self.push(element);
        }
        Ok(())
    }

    fn take_object(&mut self, object: &mut Object<'_, 'de>) -> Result<(), Invalid> {
        let mut only = T::default();
        only.take_object(object)?;
        *self = vec![only];
        Ok(())
    }
}

/// Reads the declared keys of an object, whatever else is in it.
macro_rules! fields {
    ($life:lifetime, $($key:literal => $field:ident: $kind:ty),+) => {
        fn take_object(
            &mut self,
            object: &mut $crate::normalize::json::Object<'_, $life>,
        ) -> ::std::result::Result<(), $crate::normalize::json::Invalid> {
            *self = Self::default();
            while let Some(key) = object.key()? {
                match key.as_ref() {
                    $($key => object.value(&mut self.$field)?,)+
                    _ => object.skip()?,
                }
            }
            Ok(())
        }
    };
}

/// Declares an object by its keys. `else field` names the field that takes a
/// text which stands where the object should.
macro_rules! object {
    ($(#[$meta:meta])* $vis:vis struct $name:ident {
        $($key:literal => $field:ident: $kind:ty),+ $(,)?
    }) => {
        $(#[$meta])*
        #[derive(Default)]
        $vis struct $name { $($field: $kind),+ }

        impl<'de> $crate::normalize::tolerant::Tolerant<'de> for $name {
            $crate::normalize::tolerant::fields!('de, $($key => $field: $kind),+);
        }
    };
    ($(#[$meta:meta])* $vis:vis struct $name:ident<$life:lifetime> {
        $($key:literal => $field:ident: $kind:ty),+ $(,)?
    } $(else $bare:ident)?) => {
        $(#[$meta])*
        #[derive(Default)]
        $vis struct $name<$life> { $($field: $kind),+ }

        impl<$life> $crate::normalize::tolerant::Tolerant<$life> for $name<$life> {
            $crate::normalize::tolerant::fields!($life, $($key => $field: $kind),+);

            $(fn take_text(&mut self, text: ::std::borrow::Cow<$life, str>) {
                *self = Self::default();
                self.$bare.take_text(text);
            })?
        }
    };
}

pub(super) use {fields, object};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::normalize::json::read;

    object! {
        struct Sample<'de> {
            "text" => text: Text<'de>,
            "flag" => flag: Option<bool>,
            "number" => number: Option<f64>,
            "list" => list: Vec<Inner<'de>>,
        }
    }

    object! {
        struct Inner<'de> {
            "name" => name: Text<'de>,
        } else name
    }

    fn check(json: &str, expected: &str) {
        let Sample {
            text,
            flag,
            number,
            list,
        } = read(json).expect(json);
        let names: Vec<_> = list.into_iter().map(|inner| inner.name).collect();
        let shown = format!("{text:?} {flag:?} {number:?} {names:?}");
        assert_eq!(shown.replace("Some", ""), expected, "{json}");
    }

    #[test]
    fn whatever_stands_in_a_field_is_used_or_left() {
        for (json, expected) in [
            ("{}", "None None None []"),
            (
                r#"{"text":"a","flag":true,"number":1.5,"list":[{"name":"x"}]}"#,
                r#"("a") (true) (1.5) [("x")]"#,
            ),
            (
                r#"{"text":null,"flag":null,"number":null,"list":null}"#,
                "None None None []",
            ),
            (
                r#"{"text":12,"flag":"TRUE","number":"2.5","list":{"name":"x"}}"#,
                r#"("12") (true) (2.5) [("x")]"#,
            ),
            (
                r#"{"text":["","a","b"],"flag":1,"number":"x","list":["x",3]}"#,
                r#"("a") None None [("x"), None]"#,
            ),
            (
                r#"{"text":{"a":1},"flag":[true],"number":{},"list":7}"#,
                "None None None []",
            ),
            (
                r#"{"text":true,"flag":{},"number":[1],"list":"x"}"#,
                r#"("true") None None []"#,
            ),
            (
                r#"{"text":123456789012345678901}"#,
                r#"("123456789012345678901") None None []"#,
            ),
            (r#"{"text":1.50}"#, r#"("1.50") None None []"#),
        ] {
            check(json, expected);
        }
    }

    #[test]
    fn an_absent_fact_is_none_however_it_is_spelt() {
        for spelt in [
            r#""""#,
            r#""-""#,
            r#""null""#,
            r#""  ""#,
            r#""0""#,
            "0",
            "0.0",
            "-0",
            "[]",
            r#"[0,""]"#,
        ] {
            check(&format!(r#"{{"text":{spelt}}}"#), "None None None []");
        }
    }

    #[test]
    fn of_a_key_that_stands_twice_the_last_wins() {
        check(r#"{"text":"a","text":"b"}"#, r#"("b") None None []"#);
        check(r#"{"text":"a","text":null}"#, "None None None []");
        check(r#"{"\u0074ext":"a\nb"}"#, r#"("a\nb") None None []"#);
    }

    #[test]
    fn a_long_list_is_read_to_its_end() {
        let long = vec![r#"{"name":"x"}"#; LIST_LENGTH_MAX + 5].join(",");
        let json = format!(r#"{{"list":[{long}],"text":"after"}}"#);
        let sample: Sample<'_> = read(&json).expect("JSON");
        assert_eq!(sample.list.len(), LIST_LENGTH_MAX);
        assert_eq!(sample.text.as_deref(), Some("after"));
    }
}
