//! The names a journal gives: its own, its generation, and its slots.
//!
//! A generation is 64 random bits drawn when a journal is first begun; it
//! stands in every header and file name, so that a journal begun anew in an
//! emptied bucket can never use an old file's name again.

use std::{fmt, str::FromStr, sync::Arc};

use crate::tenant::{InvalidTenant, Tenant};

/// The name of a journal: the characters of a tenant id, for the same reason.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct JournalName(Arc<str>);

/// The journal's generation. Displays as 16 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub struct Gen(pub u64);

/// A slot of the journal, counted from 1. Displays as 20 digits, so that names
/// sort as numbers do.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord, Default)]
pub struct Seq(pub u64);

impl JournalName {
    pub fn parse(name: &str) -> Result<JournalName, InvalidTenant> {
        Tenant::parse(name).map(|checked| JournalName(checked.as_str().into()))
    }
}

impl Seq {
    pub const ZERO: Seq = Seq(0);

    #[must_use]
    pub fn next(self) -> Seq {
        Seq(self.0.saturating_add(1))
    }
}

impl fmt::Display for JournalName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for Gen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl fmt::Display for Seq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:020}", self.0)
    }
}

impl FromStr for Seq {
    type Err = std::num::ParseIntError;

    fn from_str(digits: &str) -> Result<Seq, Self::Err> {
        digits.parse().map(Seq)
    }
}
