//! Every settings key there is, once: its path, what may stand there, what
//! stands there by default, and what it does.
//!
//! The parser, the names of the environment variables, the hints for misspelt
//! keys and docs/settings.md all come from this table. A group is a chapter of
//! that page, and has an example in examples/settings/.

mod aws;
mod events;
mod listener;
mod nearest;
mod process;

use super::value::Kind;
pub use nearest::nearest;

#[derive(Debug)]
pub struct Key {
    /// Segments joined by dots.
    pub path: &'static str,
    pub kind: Kind,
    /// In the form the environment has; `None` means unset.
    pub default: Option<&'static str>,
    /// One sentence.
    pub doc: &'static str,
    pub reach: Reach,
}

/// What this version does with a key.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Reach {
    /// Acted on.
    Always,
    /// Checked, and used only where events come from AWS.
    Aws,
    /// Checked; setting it has no effect yet and earns a warning.
    Later,
}

/// Keys that are read about together.
#[derive(Debug)]
pub struct Group {
    /// Its example is examples/settings/NAME.yaml.
    pub name: &'static str,
    pub title: &'static str,
    pub keys: &'static [Key],
}

pub const GROUPS: [Group; 10] = [
    group("process", "The process", process::PROCESS),
    group("log", "Log lines", process::LOG),
    group("aws", "Queue and buckets on AWS", aws::AWS),
    group("table", "Table and queries on AWS", aws::TABLE),
    group("tenants", "Whose an event is", events::TENANTS),
    group("rows", "What is added, and how it is written", events::ROWS),
    group("limits", "How large a message may be", events::LIMITS),
    group("http", "Health, metrics and push ingest", listener::HTTP),
    group("tls", "TLS", listener::TLS),
    group("later", "Not yet", aws::LATER),
];

/// All keys.
pub fn all() -> impl Iterator<Item = &'static Key> {
    GROUPS.iter().flat_map(|group| group.keys)
}

/// The key of this path.
pub fn find(path: &str) -> Option<&'static Key> {
    all().find(|key| key.path == path)
}

impl Key {
    /// The environment variable that overrides the file: `http.listen` is
    /// `IDTRAIL_HTTP_LISTEN`.
    pub fn variable(&self) -> String {
        format!("IDTRAIL_{}", self.path.to_uppercase().replace('.', "_"))
    }
}

const fn group(name: &'static str, title: &'static str, keys: &'static [Key]) -> Group {
    Group { name, title, keys }
}

const fn key(
    path: &'static str,
    kind: Kind,
    default: Option<&'static str>,
    reach: Reach,
    doc: &'static str,
) -> Key {
    Key {
        path,
        kind,
        default,
        doc,
        reach,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_two_keys_share_a_path_or_a_variable() {
        let paths: BTreeSet<_> = all().map(|key| key.path).collect();
        let variables: BTreeSet<_> = all().map(Key::variable).collect();
        assert_eq!(paths.len(), all().count());
        assert_eq!(variables.len(), all().count());
    }

    #[test]
    fn every_default_is_allowed_where_it_stands() {
        for key in all() {
            if let Some(text) = key.default {
                assert!(key.kind.parse(text).is_ok(), "{}", key.path);
            }
        }
    }
}
