//! The shapes of events: which there are, how frequent, and by whom.
//!
//! A shape is a line of `templates/<source>/*.ndjson`: the members in which this
//! event differs from others, with `weight`, `by` (groups or machines) and, where
//! there are several of one event type, `variant`. `by.ndjson` of a source has
//! what all events of a group have, and `envelope.txt` the order of the members
//! and what they are where nobody says otherwise (`-`: absent; likewise a
//! member whose value is `"-"`). Members that the envelope does not list follow
//! by name. `"@service"` is no member of the event: its text is put in where
//! `@{service}` stands.

use std::collections::BTreeMap;

use audit::source::Source;
use serde_json::value::RawValue;

use crate::template::{Names, Part};

struct Texts {
    source: Source,
    envelope: &'static str,
    by: &'static str,
    /// What names an event's type.
    event_type: &'static str,
    shapes: &'static [&'static str],
}

const SOURCES: [Texts; 4] = [
    Texts {
        source: Source::Aws,
        envelope: include_str!("templates/aws/envelope.txt"),
        by: include_str!("templates/aws/by.ndjson"),
        event_type: "eventName",
        shapes: &[
            include_str!("templates/aws/identity.ndjson"),
            include_str!("templates/aws/compute.ndjson"),
            include_str!("templates/aws/storage.ndjson"),
            include_str!("templates/aws/watch.ndjson"),
        ],
    },
    Texts {
        source: Source::Github,
        envelope: include_str!("templates/github/envelope.txt"),
        by: include_str!("templates/github/by.ndjson"),
        event_type: "action",
        shapes: &[
            include_str!("templates/github/work.ndjson"),
            include_str!("templates/github/administration.ndjson"),
        ],
    },
    Texts {
        source: Source::Okta,
        envelope: include_str!("templates/okta/envelope.txt"),
        by: include_str!("templates/okta/by.ndjson"),
        event_type: "eventType",
        shapes: &[
            include_str!("templates/okta/people.ndjson"),
            include_str!("templates/okta/administration.ndjson"),
        ],
    },
    Texts {
        source: Source::Teleport,
        envelope: include_str!("templates/teleport/envelope.txt"),
        by: include_str!("templates/teleport/by.ndjson"),
        event_type: "event",
        shapes: &[
            include_str!("templates/teleport/sessions.ndjson"),
            include_str!("templates/teleport/administration.ndjson"),
        ],
    },
];

/// Of an event's members, the text of each.
type Members<'a> = BTreeMap<&'a str, &'a RawValue>;

/// An event to be filled in.
#[derive(Debug)]
pub(crate) struct Template {
    pub(crate) source: Source,
    /// `type` or `type/variant`.
    pub(crate) name: Box<str>,
    pub(crate) group: usize,
    /// How often, compared with the others of its source.
    pub(crate) weight: u64,
    pub(crate) parts: Vec<Part>,
    /// About as many bytes as the event will have.
    pub(crate) bytes: usize,
}

/// The members of an envelope, in their order.
struct Envelope(Vec<(&'static str, Option<&'static str>)>);

pub(crate) fn read(names: &Names<'_>) -> Result<Vec<Template>, String> {
    let mut templates: Vec<Template> = Vec::new();
    for texts in &SOURCES {
        let envelope = Envelope::read(texts.envelope)?;
        let groups = groups(texts.by).map_err(|error| format!("{} by: {error}", texts.source))?;
        for line in texts.shapes.iter().flat_map(|shapes| shapes.lines()) {
            let shape = parse(line).map_err(|error| format!("{error}: {line}"))?;
            for template in compiled(names, texts, &envelope, &groups, &shape)
                .map_err(|error| format!("{error}: {line}"))?
            {
                let is_twin = |other: &Template| {
                    (other.source, &other.name, other.group)
                        == (template.source, &template.name, template.group)
                };
                if templates.iter().any(is_twin) {
                    return Err(format!("a second {}: give it a variant", template.name));
                }
                templates.push(template);
            }
        }
    }
    Ok(templates)
}

fn parse(line: &str) -> Result<Members<'_>, String> {
    serde_json::from_str(line).map_err(|error| error.to_string())
}

/// What the events of each group have.
fn groups(text: &'static str) -> Result<BTreeMap<String, Members<'static>>, String> {
    let mut groups = BTreeMap::new();
    for line in text.lines() {
        let mut members = parse(line)?;
        for group in list(members.remove("by"))? {
            groups.insert(group, members.clone());
        }
    }
    Ok(groups)
}

fn list(text: Option<&RawValue>) -> Result<Vec<String>, String> {
    let text = text.ok_or("it does not say by whom")?;
    serde_json::from_str(text.get()).map_err(|error| error.to_string())
}

/// The text between the quotes.
fn unquoted(text: &RawValue) -> &str {
    text.get().trim_matches('"')
}

/// One template for each group that the shape is by.
fn compiled(
    names: &Names<'_>,
    texts: &Texts,
    envelope: &Envelope,
    groups: &BTreeMap<String, Members<'static>>,
    shape: &Members<'_>,
) -> Result<Vec<Template>, String> {
    let mut own = shape.clone();
    let weight = own.remove("weight").map_or("1", RawValue::get);
    let weight = weight.parse().map_err(|_| format!("no weight: {weight}"))?;
    let variant = own.remove("variant");
    let event_type = own.get(texts.event_type).ok_or("it has no type")?;
    let name: Box<str> = match variant {
        Some(variant) => format!("{}/{}", unquoted(event_type), unquoted(variant)).into(),
        None => unquoted(event_type).into(),
    };
    let by = list(own.remove("by"))?;
    let of_group = |group: &String| {
        let known = names.staff.group(group);
        let index = known.ok_or_else(|| format!("no group is called {group}"))?;
        let mut members = groups.get(group).cloned().unwrap_or_default();
        members.extend(own.iter().map(|(name, value)| (*name, *value)));
        let text = envelope.around(&members)?;
        Ok(Template {
            source: texts.source,
            name: name.clone(),
            group: index,
            weight,
            parts: names.compile(&text)?,
            bytes: text.len(),
        })
    };
    by.iter().map(of_group).collect()
}

impl Envelope {
    fn read(text: &'static str) -> Result<Envelope, String> {
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        let member = |line: &'static str| {
            let (name, value) = line.split_once(' ')?;
            Some((name, (value != "-").then_some(value)))
        };
        let members = lines.map(|line| member(line).ok_or_else(|| format!("no value: {line}")));
        members.collect::<Result<_, _>>().map(Envelope)
    }

    fn around(&self, members: &Members<'_>) -> Result<String, String> {
        let mut text = String::from("{");
        let mut put = |name: &str, value: &str| {
            if value != "\"-\"" {
                let comma = if text.len() == 1 { "" } else { "," };
                text.push_str(&format!("{comma}\"{name}\":{value}"));
            }
        };
        for (name, default) in &self.0 {
            if let Some(value) = members.get(name).map(|own| own.get()).or(*default) {
                put(name, value);
            }
        }
        let listed = |name: &str| self.0.iter().any(|(known, _)| *known == name);
        for (name, value) in members {
            if !name.starts_with('@') && !listed(name) {
                put(name, value.get());
            }
        }
        text.push('}');
        substituted(&text, members)
    }
}

/// With the members put in that it speaks of.
fn substituted(text: &str, members: &Members<'_>) -> Result<String, String> {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, from)) = rest.split_once("@{") {
        let (name, after) = from.split_once('}').ok_or("no } after @{")?;
        let member = members.get(format!("@{name}").as_str());
        let member = member.ok_or_else(|| format!("no @{name}"))?;
        out.push_str(before);
        out.push_str(unquoted(member));
        rest = after;
    }
    out.push_str(rest);
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(shape: &str, expected: Result<&str, &str>) {
        let envelope = "first -\ntime \"${time}\"\nhost \"@{service}.example.com\"\nlast null";
        let envelope = Envelope::read(envelope).expect("right");
        let text = envelope.around(&parse(shape).expect("JSON"));
        let shown = text.as_deref().map_err(String::as_str);
        assert_eq!(shown, expected, "{shape}");
    }

    #[test]
    fn a_shape_is_put_into_the_envelope_of_its_source() {
        for (shape, expected) in [
            (
                r#"{"@service":"s3"}"#,
                Ok(r#"{"time":"${time}","host":"s3.example.com","last":null}"#),
            ),
            (
                r#"{"z":1,"last":2,"b":3,"first":{"@service":4},"@service":"s3"}"#,
                Ok(
                    r#"{"first":{"@service":4},"time":"${time}","host":"s3.example.com","last":2,"b":3,"z":1}"#,
                ),
            ),
            (
                r#"{"time":"-","host":"-","last":"-","a":[ 1 ]}"#,
                Ok(r#"{"a":[ 1 ]}"#),
            ),
            ("{}", Err("no @service")),
        ] {
            check(shape, expected);
        }
    }
}
