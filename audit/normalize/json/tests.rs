//! What is JSON and what is not, and that serde_json thinks the same.

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
