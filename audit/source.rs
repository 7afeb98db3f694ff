//! The four systems whose audit logs idtrail understands: a closed set.
//!
//! A source is named by the queue message's `source` attribute or recognised by
//! the event's own shape ([`crate::message`]); its name is the value of the
//! column `event_source`.

use std::{fmt, str::FromStr};

/// Where an event was recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Source {
    Aws = 1,
    Github = 2,
    Okta = 3,
    Teleport = 4,
}

#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("unknown source {0:?}, expected one of aws, github, okta, teleport")]
pub struct UnknownSource(pub String);

impl Source {
    pub const ALL: [Source; 4] = [Source::Aws, Source::Github, Source::Okta, Source::Teleport];

    pub const fn name(self) -> &'static str {
        match self {
            Source::Aws => "aws",
            Source::Github => "github",
            Source::Okta => "okta",
            Source::Teleport => "teleport",
        }
    }

    /// The inverse of `self as u8`, the form in the journal.
    pub fn from_code(code: u8) -> Option<Source> {
        Source::ALL.into_iter().find(|source| *source as u8 == code)
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Source {
    type Err = UnknownSource;

    fn from_str(name: &str) -> Result<Source, UnknownSource> {
        Source::ALL
            .into_iter()
            .find(|source| source.name() == name)
            .ok_or_else(|| UnknownSource(name.chars().take(64).collect()))
    }
}
