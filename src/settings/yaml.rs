//! YAML as far as settings need it: a small tree in which everything knows its
//! line.
//!
//! Built from the parser's events, not with its loader: the loader and the tree
//! it makes recurse as deep as the text tells them to, and copy whatever an
//! alias names. Here depth and size have limits, and anchors, aliases, tags and
//! further documents are refused by name.

use saphyr_parser::{Event, Parser, ScalarStyle, ScanError, Span, StrInput};

/// Settings nest three deep; no honest file comes near.
const DEPTH_MAX: usize = 8;

/// Ten thousand tenants fit.
const BYTES_MAX: usize = 1 << 20;

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Node {
    /// From 1.
    pub(super) line: usize,
    pub(super) content: Content,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Content {
    /// Nothing after the colon, `~` or `null`: as if the key were not there.
    Empty,
    Scalar(String),
    List(Vec<Node>),
    Map(Vec<Entry>),
}

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) key: String,
    /// The line of the key.
    pub(super) line: usize,
    pub(super) value: Node,
}

/// Why a text is no settings file, and where.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) line: usize,
    pub(super) what: String,
}

/// The file's one document; [`Content::Empty`] if there is none.
pub(super) fn parse(text: &str) -> Result<Node, Fault> {
    if text.len() > BYTES_MAX {
        return Err(fault(
            1,
            "a settings file has at most 1 MiB, split `tenants` over deployments",
        ));
    }
    let mut reader = Reader(Parser::new_from_str(text));
    let mut document = None;
    loop {
        let (event, span) = reader.next()?;
        match event {
            Event::StreamEnd => break,
            Event::StreamStart | Event::DocumentStart(_) | Event::DocumentEnd | Event::Nothing => {}
            _ if document.is_some() => {
                return Err(fault(span.start.line(), "a second document, keep one"));
            }
            other => document = Some(reader.node(other, span, 0)?),
        }
    }
    Ok(document.unwrap_or(Node {
        line: 1,
        content: Content::Empty,
    }))
}

struct Reader<'t>(Parser<'t, StrInput<'t>>);

impl<'t> Reader<'t> {
    fn next(&mut self) -> Result<(Event<'t>, Span), Fault> {
        match self.0.next_event() {
            Some(Ok(pair)) => Ok(pair),
            Some(Err(error)) => Err(Fault::from(&error)),
            None => Ok((Event::StreamEnd, Span::default())),
        }
    }

    fn node(&mut self, event: Event<'t>, span: Span, depth: usize) -> Result<Node, Fault> {
        let line = span.start.line();
        if depth >= DEPTH_MAX {
            return Err(fault(line, "nested too deep, at most 8 levels are allowed"));
        }
        let content = match event {
            Event::Scalar(text, style, 0, None) => scalar(&text, style),
            Event::SequenceStart(0, None) => self.list(depth)?,
            Event::MappingStart(0, None) => self.map(depth)?,
            Event::Alias(_) => {
                return Err(fault(
                    line,
                    "aliases (*name) are not read, repeat the value",
                ));
            }
            Event::Scalar(..) | Event::SequenceStart(..) | Event::MappingStart(..) => {
                return Err(fault(
                    line,
                    "anchors (&name) and tags (!name) are not read, leave them out",
                ));
            }
            _ => return Err(fault(line, "the text ends inside a value, complete it")),
        };
        Ok(Node { line, content })
    }

    fn list(&mut self, depth: usize) -> Result<Content, Fault> {
        let mut items = Vec::new();
        loop {
            let (event, span) = self.next()?;
            if event == Event::SequenceEnd {
                return Ok(Content::List(items));
            }
            items.push(self.node(event, span, depth + 1)?);
        }
    }

    fn map(&mut self, depth: usize) -> Result<Content, Fault> {
        let mut entries = Vec::new();
        loop {
            let (event, span) = self.next()?;
            if event == Event::MappingEnd {
                return Ok(Content::Map(entries));
            }
            let line = span.start.line();
            let Event::Scalar(key, ..) = event else {
                return Err(fault(line, "a key must be a plain word"));
            };
            let (event, span) = self.next()?;
            let value = self.node(event, span, depth + 1)?;
            let key = key.into_owned();
            entries.push(Entry { key, line, value });
        }
    }
}

/// Every scalar stays text: `port: 8080` and `port: "8080"` mean the same, and
/// an account number keeps its leading zeros.
fn scalar(text: &str, style: ScalarStyle) -> Content {
    if style == ScalarStyle::Plain && matches!(text, "" | "~" | "null" | "Null" | "NULL") {
        Content::Empty
    } else {
        Content::Scalar(text.to_owned())
    }
}

fn fault(line: usize, what: &str) -> Fault {
    Fault {
        line,
        what: what.to_owned(),
    }
}

impl From<&ScanError> for Fault {
    fn from(error: &ScanError) -> Fault {
        fault(
            error.marker().line().max(1),
            &format!("not YAML: {}, check indentation and quotes", error.info()),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_settings_do_not_need_is_refused_by_name() {
        for (text, line, what) in [
            ("a: &x 1\nb: *x", 1, "anchors"),
            ("a: *x", 1, "not YAML"),
            ("a: !!str 1", 1, "tags"),
            ("a: 1\n---\nb: 2", 3, "second document"),
            ("a:\n  [1]: 2", 2, "plain word"),
            ("a: [1\nb: 2", 2, "not YAML"),
            ("a:\n\t- b: c\n\t  d", 2, "not YAML"),
        ] {
            let fault = parse(text).expect_err(text);
            assert!(fault.what.contains(what), "{text:?} gave {fault:?}");
            assert_eq!(fault.line, line, "{text:?} gave {fault:?}");
        }
    }

    #[test]
    fn depth_has_a_limit_whatever_the_brackets() {
        for open in ["[", "- ", "a: {", "? "] {
            let fault = parse(&open.repeat(20_000)).expect_err(open);
            assert!(
                ["nested too deep", "not YAML", "plain word"]
                    .iter()
                    .any(|known| fault.what.contains(known)),
                "{open:?} gave {fault:?}"
            );
        }
    }

    #[test]
    fn nothing_is_an_empty_document() {
        for text in ["", "# only a comment", "---", "~"] {
            assert_eq!(
                parse(text).map(|node| node.content),
                Ok(Content::Empty),
                "{text:?}"
            );
        }
    }
}
