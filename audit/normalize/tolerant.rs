//! Reading JSON of which only the syntax can be relied upon.
//!
//! In real audit logs any field may be absent, null, or of another type than
//! documented. A [`Tolerant`] type takes what it can use from whatever stands
//! there and is its default otherwise; the event never fails. Objects are
//! declared with [`object!`]: unknown keys are skipped without being parsed,
//! of a key that stands there twice the last wins (serde's derive would refuse
//! it). Texts are borrowed from the event unless they hold escapes.

use std::{borrow::Cow, fmt, marker::PhantomData};

use serde::{
    Deserialize, Deserializer,
    de::{Error, IgnoredAny, MapAccess, SeqAccess, Visitor},
};
use serde_json::Number;

use crate::row::Text;

/// Most elements kept of a list. The longest seen in a real event is 12.
const LIST_LENGTH_MAX: usize = 32;

/// A type that can be made of any JSON value.
pub(super) trait Tolerant<'de>: Default {
    fn from_text(_: Cow<'de, str>) -> Self {
        Self::default()
    }

    fn from_bool(_: bool) -> Self {
        Self::default()
    }

    fn from_number(_: Number) -> Self {
        Self::default()
    }

    fn from_list<S: SeqAccess<'de>>(mut list: S) -> Result<Self, S::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Self::default())
    }

    fn from_object<M: MapAccess<'de>>(mut object: M) -> Result<Self, M::Error> {
        while object.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Self::default())
    }
}

/// The way into serde for a [`Tolerant`] type.
pub(super) struct Lenient<T>(pub(super) T);

/// A key of an object.
pub(super) struct Key<'de>(pub(super) Cow<'de, str>);

struct Lenience<T>(PhantomData<T>);

impl<'de, T: Tolerant<'de>> Deserialize<'de> for Lenient<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer
            .deserialize_any(Lenience(PhantomData))
            .map(Lenient)
    }
}

impl<'de, T: Tolerant<'de>> Visitor<'de> for Lenience<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<T, E> {
        Ok(T::from_text(Cow::Borrowed(text)))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        Ok(T::from_text(Cow::Owned(text.to_owned())))
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<T, E> {
        Ok(T::from_bool(value))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<T, E> {
        Ok(T::from_number(number.into()))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<T, E> {
        Ok(T::from_number(number.into()))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<T, E> {
        Ok(Number::from_f64(number).map_or_else(T::default, T::from_number))
    }

    fn visit_unit<E: Error>(self) -> Result<T, E> {
        Ok(T::default())
    }

    fn visit_seq<S: SeqAccess<'de>>(self, list: S) -> Result<T, S::Error> {
        T::from_list(list)
    }

    fn visit_map<M: MapAccess<'de>>(self, object: M) -> Result<T, M::Error> {
        T::from_object(object)
    }
}

impl<'de> Deserialize<'de> for Key<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct KeyVisitor;

        impl<'de> Visitor<'de> for KeyVisitor {
            type Value = Key<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a key")
            }

            fn visit_borrowed_str<E: Error>(self, key: &'de str) -> Result<Key<'de>, E> {
                Ok(Key(Cow::Borrowed(key)))
            }

            fn visit_str<E: Error>(self, key: &str) -> Result<Key<'de>, E> {
                Ok(Key(Cow::Owned(key.to_owned())))
            }
        }

        deserializer.deserialize_str(KeyVisitor)
    }
}

/// Of a list, its first text. An object is no text.
impl<'de> Tolerant<'de> for Text<'de> {
    fn from_text(text: Cow<'de, str>) -> Self {
        // The ways in which real events say that there is nothing to say.
        match text.trim_ascii() {
            "" | "-" | "null" | "0" => None,
            _ => Some(text),
        }
    }

    fn from_bool(value: bool) -> Self {
        Some(Cow::Borrowed(if value { "true" } else { "false" }))
    }

    fn from_number(number: Number) -> Self {
        (number.as_f64() != Some(0.0)).then(|| Cow::Owned(number.to_string()))
    }

    fn from_list<S: SeqAccess<'de>>(mut list: S) -> Result<Self, S::Error> {
        let mut first = None;
        while first.is_none() {
            match list.next_element::<Lenient<Text<'de>>>()? {
                Some(Lenient(text)) => first = text,
                None => return Ok(None),
            }
        }
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(first)
    }
}

impl<'de> Tolerant<'de> for Option<bool> {
    fn from_text(text: Cow<'de, str>) -> Self {
        if text.eq_ignore_ascii_case("true") {
            Some(true)
        } else if text.eq_ignore_ascii_case("false") {
            Some(false)
        } else {
            None
        }
    }

    fn from_bool(value: bool) -> Self {
        Some(value)
    }
}

impl<'de> Tolerant<'de> for Option<f64> {
    fn from_text(text: Cow<'de, str>) -> Self {
        text.parse().ok().filter(|number: &f64| number.is_finite())
    }

    fn from_number(number: Number) -> Self {
        number.as_f64()
    }
}

/// One object that stands where a list of them should is a list of one.
impl<'de, T: Tolerant<'de>> Tolerant<'de> for Vec<T> {
    fn from_list<S: SeqAccess<'de>>(mut list: S) -> Result<Self, S::Error> {
        let mut kept = Vec::new();
        while kept.len() < LIST_LENGTH_MAX {
            match list.next_element::<Lenient<T>>()? {
                Some(Lenient(element)) => kept.push(element),
                None => return Ok(kept),
            }
        }
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(kept)
    }

    fn from_object<M: MapAccess<'de>>(object: M) -> Result<Self, M::Error> {
        T::from_object(object).map(|only| vec![only])
    }
}

/// Reads the declared keys of an object, whatever else is in it.
macro_rules! fields {
    ($life:lifetime, $($key:literal => $field:ident: $kind:ty),+) => {
        fn from_object<M: ::serde::de::MapAccess<$life>>(
            mut object: M,
        ) -> ::std::result::Result<Self, M::Error> {
            use $crate::normalize::tolerant::{Key, Lenient};
            let mut read = Self::default();
            while let Some(Key(key)) = object.next_key()? {
                match key.as_ref() {
                    $($key => read.$field = object.next_value::<Lenient<$kind>>()?.0,)+
                    _ => {
                        object.next_value::<::serde::de::IgnoredAny>()?;
                    }
                }
            }
            Ok(read)
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

            $(fn from_text(text: ::std::borrow::Cow<$life, str>) -> Self {
                let mut read = Self::default();
                read.$bare = $crate::normalize::tolerant::Tolerant::from_text(text);
                read
            })?
        }
    };
}

pub(super) use {fields, object};

#[cfg(test)]
mod tests {
    use super::*;

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
        let Lenient(Sample {
            text,
            flag,
            number,
            list,
        }) = serde_json::from_str(json).expect(json);
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
                r#"{"text":18446744073709551615}"#,
                r#"("18446744073709551615") None None []"#,
            ),
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
        let Lenient(sample) = serde_json::from_str::<Lenient<Sample<'_>>>(&json).expect("JSON");
        assert_eq!(sample.list.len(), LIST_LENGTH_MAX);
        assert_eq!(sample.text.as_deref(), Some("after"));
    }
}
