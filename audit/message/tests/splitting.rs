//! A broken event harms no neighbour, and no byte is lost.

use proptest::prelude::*;

use super::{
    super::splitter::{Splitter, Step},
    *,
};

fn check(body: &str, events: &[&str], bad: &[&str]) {
    let parcel = decode(body.as_bytes(), None).expect(body);
    assert_eq!(texts(&parcel.events), events, "{body}");
    let found: Vec<&[u8]> = parcel.bad.iter().map(|b| &b.raw[..]).collect();
    let bad: Vec<&[u8]> = bad.iter().map(|b| b.as_bytes()).collect();
    assert_eq!(found, bad, "{body}: {:?}", parcel.bad);
}

const A: &str = r#"{"a":1}"#;
const B: &str = r#"{"b":"x"}"#;

#[test]
fn a_broken_line_is_bad_alone() {
    for broken in [
        "not json",
        "\"text\"",
        "42",
        "}",
        "]",
        r#"{"c":1}}"#,
        r#"{"c":1} trailing"#,
        r#"{"c":1]"#,
        r#"{"c":"cut o"#,
        r#"{"c":"cut \"#,
        r#"{"c":"#,
        r#"{"c":1,"#,
        r#"{"c":[1,{"d":2},"#,
        r#"{"c":["#,
        r#"{"c":{"d":{"#,
        "{",
        "\0\u{1}",
        "{\"c\":[}",
    ] {
        check(&format!("{A}\n{broken}\n{B}\n{A}"), &[A, B, A], &[broken]);
        check(&format!("{A}\n{broken}\n{B}"), &[A, B], &[broken]);
        check(&format!("{A}\n{broken}"), &[A], &[broken]);
        check(
            &format!("{broken}\n{broken}\n{A}\n{B}"),
            &[A, B],
            &[broken, broken],
        );
    }
}

#[test]
fn a_broken_element_is_bad_alone() {
    for broken in [
        "1",
        "tru",
        "\"a,]\\\"\"",
        "null",
        "[1,[2]]",
        r#"{"c":1}}"#,
        r#"{"c":1}x"#,
    ] {
        check(&format!("[{A},{broken},{B}]"), &[A, B], &[broken]);
        check(
            &format!("{{\"Records\":[{broken},{A},{B}]}}"),
            &[A, B],
            &[broken],
        );
    }
    check(
        &format!("[\n{A},\n{{\"c\":[1,\n{B},\n{A}\n]"),
        &[A, B, A],
        &["{\"c\":[1,"],
    );
    check(&format!("[{A},{B}"), &[A, B], &["["]);
    check(&format!("[{A},{{\"c\":"), &[A], &["{\"c\":"]);
}

#[test]
fn a_broken_pretty_printed_event_is_bad_alone() {
    let good = "{\n  \"a\": [\n    {\n      \"b\": 1\n    }\n  ]\n}";
    for broken in [
        "{\n  \"a\": \"cut\n  \"b\": {\n    \"c\": 1\n  }\n}",
        "{\n  \"a\": {\n    \"b\": 1\n}",
        "{\n  \"a\": {\n    \"b\": [\n      {\"c\": 1},\n",
    ] {
        let broken = broken.trim_end();
        check(
            &format!("{good}\n{broken}\n{good}\n{A}"),
            &[good, good, A],
            &[broken],
        );
    }
    check(&format!("{good}\n}}\n{good}"), &[good, good], &["}"]);
}

#[derive(Clone, Debug)]
enum Line {
    Good(String),
    Broken(String),
}

fn value() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        any::<bool>().prop_map(Into::into),
        any::<i32>().prop_map(Into::into),
        ".{0,12}".prop_map(Into::into),
        proptest::sample::select(vec!["}{", "\"", "\\", "\n{", "]", "[{", "\\\""])
            .prop_map(Into::into),
    ];
    leaf.prop_recursive(4, 40, 5, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..5).prop_map(Into::into),
            proptest::collection::btree_map("[a-z\"\\\\{]{0,4}", inner, 0..5)
                .prop_map(|map| serde_json::Value::Object(map.into_iter().collect())),
        ]
    })
}

/// An object under a key that no envelope has first.
pub(super) fn event() -> impl Strategy<Value = String> {
    (value(), 0..3u8).prop_map(|(value, style)| {
        let object = serde_json::json!({"action": "x", "v": value});
        match style {
            0 => serde_json::to_string_pretty(&object).expect("JSON"),
            _ => object.to_string(),
        }
    })
}

fn compact() -> impl Strategy<Value = String> {
    value().prop_map(|value| serde_json::json!({"action": "x", "v": value}).to_string())
}

/// Lines as they come from a crash or a full disk: cut off anywhere, or with
/// something at their end that does not belong there.
fn line() -> impl Strategy<Value = Line> {
    prop_oneof![
        3 => compact().prop_map(Line::Good),
        1 => (compact(), any::<proptest::sample::Index>()).prop_map(|(text, at)| {
            let mut cut = 1 + at.index(text.len() - 1);
            while !text.is_char_boundary(cut) {
                cut -= 1;
            }
            Line::Broken(text[..cut].to_owned())
        }),
        1 => compact().prop_map(|text| Line::Broken(text + "]")),
        1 => "[a-z0-9\"]{1,20}".prop_map(Line::Broken),
    ]
}

/// Splits text that arrives in chunks of `chunk` bytes.
fn split(text: &[u8], chunk: usize) -> Vec<Step> {
    let mut splitter = Splitter::new(&Limits::default());
    let (mut seen, mut steps) = (0, Vec::new());
    loop {
        match splitter.next(&text[..seen], seen == text.len()) {
            Step::More => seen = text.len().min(seen + chunk),
            Step::End => return steps,
            step => steps.push(step),
        }
    }
}

proptest! {
    #[test]
    fn good_lines_come_out_and_broken_ones_are_reported_once(
        lines in proptest::collection::vec(line(), 1..12),
    ) {
        let (mut body, mut good, mut bad) = (String::new(), Vec::new(), Vec::new());
        for line in &lines {
            let (Line::Good(text) | Line::Broken(text)) = line;
            match line {
                Line::Good(_) => good.push(text.as_str()),
                Line::Broken(_) => bad.push(text.as_str()),
            }
            body.push_str(text);
            body.push('\n');
        }
        let parcel = decode(body.as_bytes(), None).expect("reads");
        prop_assert_eq!(texts(&parcel.events), good, "{}", body);
        // Broken lines that follow each other may be reported as one.
        let found: Vec<&str> = parcel
            .bad
            .iter()
            .flat_map(|b| std::str::from_utf8(&b.raw).expect("text").lines())
            .collect();
        prop_assert_eq!(found, bad, "{}", body);
    }

    #[test]
    fn events_of_any_style_come_out_of_any_framing(
        events in proptest::collection::vec(event(), 1..8),
        framing in 0..4u8,
        chunk in 1..200usize,
    ) {
        let body = match framing {
            0 => events.join("\n"),
            1 => events.concat(),
            2 => format!("[{}]", events.join(",\n")),
            _ => format!("{{\"Records\": [{}]}}", events.join(",")),
        };
        let whole = split(body.as_bytes(), body.len());
        let found: Vec<&str> = whole.iter().map(|step| match step {
            Step::Event(range) => &body[range.clone()],
            other => panic!("{other:?}"),
        }).collect();
        prop_assert_eq!(found, events);
        prop_assert_eq!(split(body.as_bytes(), chunk), whole);
    }

    #[test]
    fn no_byte_is_lost_whatever_comes_in_whatever_chunks(
        text in proptest::collection::vec(
            proptest::sample::select(b"{{{}}}[]\"\"\\::,,\n\n\n a\xff".to_vec()), 0..300),
        chunk in 1..100usize,
    ) {
        let steps = split(&text, text.len().max(1));
        prop_assert_eq!(&split(&text, chunk), &steps);
        let mut at = 0;
        for step in &steps {
            let range = match step {
                Step::Event(range) | Step::Bad(range, _) => range.clone(),
                other => panic!("{other:?}"),
            };
            prop_assert!(is_separator(&text[at..range.start]), "{:?}", &text[at..range.start]);
            at = range.end;
        }
        prop_assert!(is_separator(&text[at..]));
    }
}

fn is_separator(text: &[u8]) -> bool {
    text.iter()
        .all(|b| b.is_ascii_whitespace() || b",[]".contains(b))
}
