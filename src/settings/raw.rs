//! The raw form: every value that was given, with the place it came from.
//!
//! Flattens the file to key paths, lays the environment over it, checks each
//! value by its key's kind, and gathers all issues. Nothing here knows what a
//! key is for.

use std::collections::BTreeMap;

use super::{
    Environment, Issue, Place, Value,
    aws::NEEDED,
    keys::{self, Key, Reach},
    relations,
    yaml::{self, Content, Entry, Node},
};

/// Checked values by key path, defaults included.
#[derive(Debug)]
pub(super) struct Values {
    values: BTreeMap<&'static str, Value>,
    /// Of those that were given.
    places: BTreeMap<&'static str, Place>,
    pub(super) warnings: Vec<Issue>,
}

impl Values {
    /// Where the key's value was given.
    pub(super) fn place(&self, path: &str) -> Option<Place> {
        self.places.get(path).cloned()
    }

    /// The value of a key that may be unset.
    pub(super) fn optional<T: TryFrom<Value>>(&mut self, path: &str) -> Option<T> {
        self.values
            .remove(path)
            .and_then(|value| T::try_from(value).ok())
    }

    /// The value of a key that has a default, or is needed in the AWS mode.
    pub(super) fn required<T: TryFrom<Value>>(&mut self, path: &str) -> T {
        self.optional(path)
            .expect("the table gives this key a default of this kind, or it was required")
    }
}

/// Given values by key path, each with its place.
pub(super) type Placed = BTreeMap<&'static str, (Place, Value)>;

/// Where each value was found, until the environment had its say.
struct Given<'f> {
    file: &'f str,
    values: Placed,
    issues: Vec<Issue>,
    warnings: Vec<Issue>,
}

/// All values of `text` and `environment`, or all that is wrong with them.
pub(super) fn values(
    file: &str,
    text: &str,
    environment: &Environment,
) -> Result<Values, Vec<Issue>> {
    let mut given = Given {
        file,
        values: BTreeMap::new(),
        issues: Vec::new(),
        warnings: Vec::new(),
    };
    match yaml::parse(text).map(|node| node.content) {
        Ok(Content::Map(entries)) => given.section("", &entries),
        Ok(Content::Empty) => {}
        Ok(_) => given.issue(
            1,
            "",
            "expects keys, such as `http:`, at the top".to_owned(),
        ),
        Err(fault) => given.issue(fault.line, "", fault.what),
    }
    given.variables(environment);
    given.require_aws();
    given.issues.extend(relations::issues(&given.values));
    given.finish()
}

pub(super) fn at(file: &str, line: usize, key: &str, what: String) -> Issue {
    Issue {
        place: Place::Line {
            file: file.to_owned(),
            line,
        },
        key: key.to_owned(),
        what,
    }
}

impl Given<'_> {
    fn issue(&mut self, line: usize, key: &str, what: String) {
        self.issues.push(at(self.file, line, key, what));
    }

    fn section(&mut self, prefix: &str, entries: &[Entry]) {
        for Entry { key, line, value } in entries {
            let path = if prefix.is_empty() {
                key.clone()
            } else {
                format!("{prefix}.{key}")
            };
            match (keys::find(&path), &value.content) {
                (Some(known), _) => self.leaf(known, *line, value),
                (None, Content::Map(inner)) if !inner.is_empty() => self.section(&path, inner),
                (None, Content::Empty) if is_section(&path) => {}
                (None, _) => self.unknown(&path, *line),
            }
        }
    }

    fn leaf(&mut self, key: &'static Key, line: usize, node: &Node) {
        let place = Place::Line {
            file: self.file.to_owned(),
            line,
        };
        match key.kind.read(node) {
            Ok(Some(value)) => {
                if self.values.insert(key.path, (place, value)).is_some() {
                    self.issue(line, key.path, "is given twice, keep one".to_owned());
                }
            }
            Ok(None) => {}
            Err(what) => self.issue(line, key.path, what),
        }
    }

    fn unknown(&mut self, path: &str, line: usize) {
        let what = if is_section(path) {
            let members = keys::all()
                .filter_map(|key| key.path.strip_prefix(path)?.strip_prefix('.'))
                .collect::<Vec<_>>();
            format!("is a section, expects keys in it: {}", members.join(", "))
        } else {
            match keys::nearest(path, keys::all().map(|key| key.path)) {
                Some(meant) => format!("unknown key, did you mean `{meant}`?"),
                None => "unknown key, remove it".to_owned(),
            }
        };
        let shown: String = path
            .chars()
            .take(128)
            .flat_map(char::escape_debug)
            .collect();
        self.issue(line, &shown, what);
    }

    /// Lays the environment over the file. An unknown variable is no error,
    /// since Kubernetes makes some of its own (`IDTRAIL_SERVICE_HOST`); one that
    /// looks like a misspelt key earns a warning.
    fn variables(&mut self, environment: &Environment) {
        let names: BTreeMap<String, &'static Key> =
            keys::all().map(|key| (key.variable(), key)).collect();
        for (name, text) in environment
            .iter()
            .filter(|(name, _)| name.starts_with("IDTRAIL_"))
        {
            let place = Place::Variable(name.clone());
            let issue = |place, key: &str, what| Issue {
                place,
                key: key.to_owned(),
                what,
            };
            match names.get(name) {
                Some(key) => match key.kind.parse(text) {
                    Ok(value) => {
                        self.values.insert(key.path, (place, value));
                    }
                    Err(what) => self.issues.push(issue(place, key.path, what)),
                },
                None => {
                    if let Some(meant) = keys::nearest(name, names.keys().map(String::as_str)) {
                        let what = format!("is no setting and is ignored, did you mean {meant}?");
                        self.warnings.push(issue(place, "", what));
                    }
                }
            }
        }
    }

    /// The AWS mode needs keys that have no default.
    fn require_aws(&mut self) {
        const ENABLED: &str = "identity_activity_center.enabled";
        let Some((place, Value::Boolean(true))) = self.values.get(ENABLED) else {
            return;
        };
        let place = place.clone();
        for (key, example) in NEEDED {
            // One that was given and is wrong has been told of.
            let told = self.issues.iter().any(|issue| issue.key == key);
            if !told && !self.values.contains_key(key) {
                self.issues.push(Issue {
                    place: place.clone(),
                    key: key.to_owned(),
                    what: format!("is needed where {ENABLED} is true, such as {example}"),
                });
            }
        }
    }

    fn finish(mut self) -> Result<Values, Vec<Issue>> {
        if !self.issues.is_empty() {
            return Err(self.issues);
        }
        for key in keys::all().filter(|key| key.reach == Reach::Later) {
            if let Some((place, _)) = self.values.get(key.path) {
                self.warnings.push(Issue {
                    place: place.clone(),
                    key: key.path.to_owned(),
                    what: "has no effect in this build yet".to_owned(),
                });
            }
        }
        let mut values: BTreeMap<_, _> = keys::all()
            .filter_map(|key| Some((key.path, key.kind.parse(key.default?).ok()?)))
            .collect();
        let mut places = BTreeMap::new();
        for (path, (place, value)) in self.values {
            values.insert(path, value);
            places.insert(path, place);
        }
        Ok(Values {
            values,
            places,
            warnings: self.warnings,
        })
    }
}

fn is_section(path: &str) -> bool {
    keys::all().any(|key| {
        key.path
            .strip_prefix(path)
            .is_some_and(|rest| rest.starts_with('.'))
    })
}
