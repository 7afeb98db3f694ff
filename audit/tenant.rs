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

#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{
        journal_id::{Gen, JournalName, Seq},
        partition::{Day, Partition},
    };

    /// Either an error, or a key of exactly the expected segments.
    fn check(id: &str) -> Result<(), TestCaseError> {
        let allowed = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
        let expected = !id.is_empty()
            && id.len() <= LENGTH_MAX
            && id.starts_with(|c: char| c.is_ascii_alphanumeric())
            && id.chars().all(allowed);
        let Ok(tenant) = Tenant::parse(id) else {
            prop_assert!(!expected, "{id:?} was refused");
            return Ok(());
        };
        prop_assert!(expected, "{id:?} was admitted");
        prop_assert_eq!(tenant.as_str(), id);
        let journal = JournalName::parse("main").expect("valid");
        let key = Partition::tenant(tenant, Day::of_ms(0)).file_key(&journal, Gen(7), Seq(9));
        let segments: Vec<&str> = key.split('/').collect();
        prop_assert_eq!(segments.len(), 4);
        prop_assert_eq!(&segments[..3], ["data", id, "1970-01-01"]);
        prop_assert!(segments[3].starts_with("main-") && segments[3].ends_with(".parquet"));
        Ok(())
    }

    #[test]
    fn t1_hostile_tenant_ids_are_refused() -> Result<(), TestCaseError> {
        for id in [
            "",
            ".",
            "..",
            "../x",
            "a/b",
            "/a",
            "a/",
            "%2e%2e",
            "a%2fb",
            "a\\b",
            "a\0",
            "\0",
            "_quarantine",
            "-a",
            "a b",
            " a",
            "a\n",
            "\u{ff0e}\u{ff0e}",
            "\u{2024}",
            "\u{430}cme",
            "a\u{200b}",
            "a:b",
            "a=b",
        ] {
            prop_assert!(Tenant::parse(id).is_err(), "{id:?}");
            check(id)?;
        }
        check(&"a".repeat(LENGTH_MAX))?;
        check(&"a".repeat(LENGTH_MAX + 1))?;
        check(&"a".repeat(10_000))?;
        let shown = Tenant::parse(&"x".repeat(10_000))
            .expect_err("long")
            .to_string();
        prop_assert!(shown.len() < 300);
        Ok(())
    }

    proptest! {
        #[test]
        fn t1_any_string_is_refused_or_stays_one_segment(id in any::<String>()) {
            check(&id)?;
        }

        #[test]
        fn t1_any_string_of_telling_characters_is_refused_or_stays_one_segment(
            id in "[a-zA-Z0-9._/%\\\\\u{0}\u{ff0e}-]{0,70}",
        ) {
            check(&id)?;
        }

        #[test]
        fn t1_every_allowed_id_is_admitted(id in "[A-Za-z0-9][A-Za-z0-9._-]{0,62}") {
            prop_assert!(Tenant::parse(&id).is_ok());
            check(&id)?;
        }
    }
}
