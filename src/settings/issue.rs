//! One thing that is wrong with the settings: where, which key, what to do.

use std::fmt;

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Issue {
    pub place: Place,
    /// The key's full path; empty where the file as a whole is meant.
    pub key: String,
    /// What is wrong and how to fix it, one line.
    pub what: String,
}

/// Where a value came from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Place {
    Line { file: String, line: usize },
    Variable(String),
}

impl fmt::Display for Issue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Place::Line { file, line } => write!(f, "{file}:{line}: ")?,
            Place::Variable(name) => write!(f, "{name}: ")?,
        }
        if self.key.is_empty() {
            f.write_str(&self.what)
        } else {
            write!(f, "{}: {}", self.key, self.what)
        }
    }
}
