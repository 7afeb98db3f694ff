//! YAML files of ours as the trees that they are; every scalar is text.

use saphyr_parser::{Event, Parser, StrInput};
use serde_json::{Map, Value};

/// Of a file with `---` between them.
pub(super) fn documents(text: &str) -> Vec<Value> {
    let mut parser = Parser::new_from_str(text);
    let mut documents = Vec::new();
    loop {
        match next(&mut parser) {
            Event::StreamStart | Event::DocumentStart(_) | Event::DocumentEnd => {}
            Event::StreamEnd => return documents,
            event => documents.push(node(&mut parser, event)),
        }
    }
}

fn next<'t>(parser: &mut Parser<'t, StrInput<'t>>) -> Event<'t> {
    let event = parser.next_event().expect("the text goes on");
    event.expect("YAML").0
}

fn node<'t>(parser: &mut Parser<'t, StrInput<'t>>, event: Event<'t>) -> Value {
    match event {
        Event::SequenceStart(..) => {
            let mut list = Vec::new();
            loop {
                match next(parser) {
                    Event::SequenceEnd => return list.into(),
                    event => list.push(node(parser, event)),
                }
            }
        }
        Event::MappingStart(..) => {
            let mut map = Map::new();
            loop {
                match next(parser) {
                    Event::MappingEnd => return map.into(),
                    Event::Scalar(key, ..) => {
                        let event = next(parser);
                        map.insert(key.into_owned(), node(parser, event));
                    }
                    other => panic!("no key: {other:?}"),
                }
            }
        }
        Event::Scalar(text, ..) => text.into_owned().into(),
        other => panic!("no value: {other:?}"),
    }
}

#[test]
fn a_file_of_two_documents_is_two_trees() {
    let text = "# x\na: {b: [1, c]}\n---\nd: |\n  e: f\n  g\nh: \"1\"\n";
    let expected = serde_json::json!([
        {"a": {"b": ["1", "c"]}},
        {"d": "e: f\ng\n", "h": "1"}
    ]);
    assert_eq!(Value::from(documents(text)), expected);
}
