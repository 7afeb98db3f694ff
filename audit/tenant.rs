//! A tenant id that can stand in an object key.
//!
//! Ids come from outside (message attributes, settings), and they become a path
//! segment of the lake. The only way to make one is [`Tenant::parse`], which
//! admits `^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$` and nothing else, so that no key
//! built from a `Tenant` can leave its prefix. Ids that begin with `_` are ours.

use std::{fmt, sync::Arc};

/// Longest tenant id, in bytes.
pub const LENGTH_MAX: usize = 63;

#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Tenant(Arc<str>);

#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error(
    "invalid tenant id {shown:?}: 1 to 63 of A-Z a-z 0-9 . _ - are allowed, the first a letter or digit"
)]
pub struct InvalidTenant {
    shown: String,
}

impl Tenant {
    pub fn parse(id: &str) -> Result<Tenant, InvalidTenant> {
        let bytes = id.as_bytes();
        let valid = (1..=LENGTH_MAX).contains(&bytes.len())
            && bytes[0].is_ascii_alphanumeric()
            && bytes
                .iter()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'));
        if valid {
            Ok(Tenant(id.into()))
        } else {
            Err(InvalidTenant {
                shown: id.chars().take(64).collect(),
            })
        }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Tenant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Tenant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}
