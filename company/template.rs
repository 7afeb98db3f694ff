//! An event's text with places to fill in, compiled once.
//!
//! ```text
//! "${time}" "${time.ms-300}" "${signed_in}"       when, in the source's way
//! "${me.email}" "${other.name}" "${here.city}"    who, somebody else, where
//! "${bucket}" "${repo.visibility}"                a thing of the company
//! "${repo#digits:9}" "${session#upper:9}"         an id that belongs to it
//! "${uuid}" "${hex:17}" "${int:1-500}" "${one:a|b}"   new in each event
//! "${=int:1-500}"                                 the same without quotes
//! ["${*2-5}", {…}]                                the second, two to five times
//! ```

use crate::{atlas::Atlas, id::Form, staff::Staff, stamp::Stamp, things::Things};

#[derive(Debug)]
pub(crate) enum Part {
    Text(Box<str>),
    Value(Value),
    /// As often as it says, with commas between.
    Repeat {
        least: u64,
        most: u64,
        parts: Vec<Part>,
    },
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Value {
    Time {
        stamp: Stamp,
        seconds: i64,
    },
    SignedIn(Stamp),
    Me(usize),
    Other(usize),
    Device(usize),
    Here(usize),
    /// The client's address, alone or with a port.
    Address,
    Socket,
    Thing {
        kind: usize,
        column: usize,
    },
    /// An id that belongs to something.
    Owned(Owner, Form),
    New(Form),
    Number {
        least: u64,
        most: u64,
    },
    One(Vec<Box<str>>),
}

/// What an id belongs to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Owner {
    Me,
    Other,
    /// Of this actor, from this address, for some hours.
    Session,
    /// The session's in one AWS account.
    Credential,
    /// What several events are about: a deployment, a visit.
    Task,
    Thing(usize),
}

/// What names stand for.
pub(crate) struct Names<'a> {
    pub(crate) things: &'a Things,
    pub(crate) staff: &'a Staff,
    pub(crate) atlas: &'a Atlas,
}

/// The kind of thing that a credential belongs to besides its session.
pub(crate) const ACCOUNT: &str = "account";

impl Names<'_> {
    pub(crate) fn compile(&self, text: &str) -> Result<Vec<Part>, String> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some(at) = rest.find("${") {
            let (before, from) = rest.split_at(at);
            let end = from
                .find('}')
                .ok_or_else(|| format!("no }} after {from}"))?;
            let name = &from[2..end];
            if let Some(times) = name.strip_prefix('*') {
                // `["${*1-2}", …]`: the quotes around it and the comma go.
                let before = before.strip_suffix('"').ok_or("a repeat in quotes")?;
                let item = from[end + 1..].strip_prefix("\",");
                let item = item.ok_or_else(|| format!("nothing to repeat after {name}"))?;
                let length = closing(item).ok_or_else(|| format!("no ] after {name}"))?;
                let (least, most) = range(times)?;
                push_text(&mut parts, before);
                parts.push(Part::Repeat {
                    least,
                    most,
                    parts: self.compile(&item[..length])?,
                });
                rest = &item[length..];
            } else if let Some(name) = name.strip_prefix('=') {
                let before = before.strip_suffix('"').ok_or("a number in quotes")?;
                let after = from[end + 1..].strip_prefix('"');
                push_text(&mut parts, before);
                parts.push(Part::Value(self.value(name)?));
                rest = after.ok_or_else(|| format!("more than a number: {name}"))?;
            } else {
                push_text(&mut parts, before);
                parts.push(Part::Value(self.value(name)?));
                rest = &from[end + 1..];
            }
        }
        push_text(&mut parts, rest);
        Ok(parts)
    }

    fn value(&self, name: &str) -> Result<Value, String> {
        let unknown = || format!("nothing is called ${{{name}}}");
        if let Some((owner, written)) = name.split_once('#') {
            let owner = self.owner(owner).ok_or_else(unknown)?;
            return Ok(Value::Owned(owner, form(written).ok_or_else(unknown)?));
        }
        if let Some(form) = form(name) {
            return Ok(Value::New(form));
        }
        if let Some((word, argument)) = name.split_once(':') {
            let (least, most) = match word {
                "one" => return Ok(Value::One(argument.split('|').map(Into::into).collect())),
                "int" => range(argument)?,
                _ => return Err(unknown()),
            };
            return Ok(Value::Number { least, most });
        }
        let (subject, attribute) = name.split_once('.').unwrap_or((name, ""));
        let value = match subject {
            "ip" => Some(Value::Address),
            "socket" => Some(Value::Socket),
            "agent" => self.staff.device_column("agent").map(Value::Device),
            "device" => self.staff.device_column(attribute).map(Value::Device),
            "me" => Staff::attribute(attribute).map(Value::Me),
            "other" => Staff::attribute(attribute).map(Value::Other),
            "here" => self.atlas.column(attribute).map(Value::Here),
            "signed_in" => stamp(attribute).map(Value::SignedIn),
            _ if subject.starts_with("time") => return time(name).ok_or_else(unknown),
            _ => self.things.kind(subject).and_then(|kind| {
                let column = match attribute {
                    "" => Some(0),
                    _ => self.things.column(kind, attribute),
                };
                column.map(|column| Value::Thing { kind, column })
            }),
        };
        value.ok_or_else(unknown)
    }

    fn owner(&self, name: &str) -> Option<Owner> {
        Some(match name {
            "me" => Owner::Me,
            "other" => Owner::Other,
            "session" => Owner::Session,
            "credential" => Owner::Credential,
            "task" => Owner::Task,
            _ => Owner::Thing(self.things.kind(name)?),
        })
    }
}

fn push_text(parts: &mut Vec<Part>, text: &str) {
    match parts.last_mut() {
        _ if text.is_empty() => {}
        Some(Part::Text(before)) => *before = format!("{before}{text}").into(),
        _ => parts.push(Part::Text(text.into())),
    }
}

/// `time`, `time.ms`, with `+300` or `-300` seconds.
fn time(name: &str) -> Option<Value> {
    let (name, seconds) = match name.find(['+', '-']) {
        Some(at) => (&name[..at], name[at..].parse().ok()?),
        None => (name, 0),
    };
    let written = name.strip_prefix("time")?;
    let stamp = match written.strip_prefix('.') {
        Some(written) => stamp(written)?,
        None if written.is_empty() => Stamp::Seconds,
        None => return None,
    };
    Some(Value::Time { stamp, seconds })
}

fn stamp(name: &str) -> Option<Stamp> {
    Some(match name {
        "" => Stamp::Seconds,
        "ms" => Stamp::Millis,
        "ns" => Stamp::Nanos,
        "epoch_ms" => Stamp::EpochMs,
        "epoch" => Stamp::Epoch,
        "day" => Stamp::Day,
        "folder" => Stamp::Folder,
        _ => return None,
    })
}

fn form(written: &str) -> Option<Form> {
    let (name, length) = written.split_once(':').unwrap_or((written, "0"));
    let length = length.parse().ok()?;
    Some(match (name, length) {
        ("uuid", 0) => Form::Uuid,
        (_, 0) => return None,
        ("hex", _) => Form::Hex(length),
        ("digits", _) => Form::Digits(length),
        ("base62", _) => Form::Base62(length),
        ("upper", _) => Form::Upper(length),
        _ => return None,
    })
}

/// `2-5`.
fn range(text: &str) -> Result<(u64, u64), String> {
    let numbers = text.split_once('-').and_then(|(least, most)| {
        let (least, most) = (least.parse().ok()?, most.parse().ok()?);
        (least <= most).then_some((least, most))
    });
    numbers.ok_or_else(|| format!("no range of numbers: {text}"))
}

/// Where the bracket closes that was opened before `text`; no text in quotes
/// has a bracket in our templates.
fn closing(text: &str) -> Option<usize> {
    let mut open = 0;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'[' => open += 1,
            b']' if open == 0 => return Some(at),
            b']' => open -= 1,
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Result<&str, &str>) {
        let mut atlas = Atlas::read().expect("right");
        let staff = Staff::read(1, &mut atlas).expect("right");
        let things = Things::read(1).expect("right");
        let names = Names {
            things: &things,
            staff: &staff,
            atlas: &atlas,
        };
        let compiled = names.compile(text).map(|parts| format!("{parts:?}"));
        let shown = compiled.as_deref().map_err(String::as_str);
        assert_eq!(shown, expected, "{text}");
    }

    #[test]
    fn a_template_is_text_and_values() {
        for (text, expected) in [
            (r#"{"a":1}"#, r#"[Text("{\"a\":1}")]"#),
            ("${uuid}x", r#"[Value(New(Uuid)), Text("x")]"#),
            (r#""${=digits:3}""#, "[Value(New(Digits(3)))]"),
            ("${me.name}", "[Value(Me(0))]"),
            ("${task#hex:4}", "[Value(Owned(Task, Hex(4)))]"),
            ("${one:a|b}", r#"[Value(One(["a", "b"]))]"#),
            (
                "${time.ms-30}",
                "[Value(Time { stamp: Millis, seconds: -30 })]",
            ),
            (
                r#"["${*2-3}",[${hex:1}]]"#,
                r#"[Text("["), Repeat { least: 2, most: 3, parts: [Text("["), Value(New(Hex(1))), Text("]")] }, Text("]")]"#,
            ),
        ] {
            check(text, Ok(expected));
        }
    }

    #[test]
    fn a_mistake_is_told() {
        for (text, expected) in [
            ("${nothing}", "nothing is called ${nothing}"),
            ("${me.shoe}", "nothing is called ${me.shoe}"),
            ("${repo#long}", "nothing is called ${repo#long}"),
            ("${int:5-2}", "no range of numbers: 5-2"),
            ("${uuid", "no } after ${uuid"),
            (r#"["${*1-2}"]"#, "nothing to repeat after *1-2"),
        ] {
            check(text, Err(expected));
        }
    }
}
