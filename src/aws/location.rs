//! Where a store's keys lie in a bucket, and what a policy calls that place.
//!
//! The actors' keys know no bucket: `data/<tenant>/…` in the lake, `_idtrail/…`
//! and `payloads/…` in the transient store. A location puts them below the
//! prefix that the settings name, and back.

use crate::settings::Prefix;

/// S3's limit, in bytes of UTF-8.
pub(super) const KEY_BYTES_MAX: usize = 1_024;

#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Location {
    pub(super) bucket: String,
    /// The account that must own the bucket, where the settings name one.
    pub(super) owner: Option<String>,
    /// Empty, or with a slash at its end.
    prefix: String,
    /// What the store's own keys begin with, in place of which the prefix stands.
    root: &'static str,
    partition: &'static str,
}

#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{0:?} cannot be an object's key here: keys begin with {1:?} and have at most 1024 bytes")]
pub(super) struct BadKey(String, &'static str);

impl Location {
    pub(super) fn new(
        place: &Prefix,
        root: &'static str,
        region: &str,
        owner: Option<&String>,
    ) -> Location {
        Location {
            bucket: place.bucket.clone(),
            owner: owner.cloned(),
            prefix: place.folder(),
            root,
            partition: partition(region),
        }
    }

    /// The object's key in the bucket.
    pub(super) fn key(&self, key: &str) -> Result<String, BadKey> {
        let bad = || BadKey(key.chars().take(128).collect(), self.root);
        let rest = key.strip_prefix(self.root).ok_or_else(bad)?;
        let key = format!("{}{rest}", self.prefix);
        if key.len() > KEY_BYTES_MAX {
            return Err(bad());
        }
        Ok(key)
    }

    /// The store's key of an object in the bucket; `None` for one that lies elsewhere.
    pub(super) fn back(&self, key: &str) -> Option<String> {
        let rest = key.strip_prefix(&self.prefix)?;
        Some(format!("{}{rest}", self.root))
    }

    /// For the policy: the bucket itself.
    pub(super) fn bucket_arn(&self) -> String {
        bucket_arn(self.partition, &self.bucket)
    }

    /// For the policy: every object here.
    pub(super) fn objects_arn(&self) -> String {
        format!("{}/{}*", self.bucket_arn(), self.prefix)
    }
}

pub(super) fn bucket_arn(partition: &str, bucket: &str) -> String {
    format!("arn:{partition}:s3:::{bucket}")
}

/// The part of AWS that a region belongs to, as ARNs name it.
pub(super) fn partition(region: &str) -> &'static str {
    match region.split('-').next() {
        Some("cn") => "aws-cn",
        _ if region.starts_with("us-gov-") => "aws-us-gov",
        _ => "aws",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn location(prefix: &str, root: &'static str) -> Location {
        let place = Prefix::parse(&format!("s3://lake-bucket{prefix}")).expect("valid");
        Location::new(&place, root, "eu-central-1", None)
    }

    #[test]
    fn keys_go_below_the_prefix_and_come_back() {
        for (prefix, root, key, object) in [
            (
                "/data",
                "data/",
                "data/acme/2026-01-02/f",
                "data/acme/2026-01-02/f",
            ),
            ("/a/b", "data/", "data/acme/f", "a/b/acme/f"),
            ("", "data/", "data/acme/f", "acme/f"),
            (
                "/large_files",
                "",
                "_idtrail/main/log/1",
                "large_files/_idtrail/main/log/1",
            ),
            ("", "", "payloads/x", "payloads/x"),
        ] {
            let location = location(prefix, root);
            assert_eq!(location.key(key).as_deref(), Ok(object));
            assert_eq!(location.back(object).as_deref(), Some(key));
        }
    }

    #[test]
    fn a_key_that_cannot_be_is_refused() {
        let lake = location("/data", "data/");
        let long = format!("data/{}", "a".repeat(KEY_BYTES_MAX - 4));
        for key in ["_idtrail/x", "", "dat", &long] {
            assert!(lake.key(key).is_err(), "{key:?}");
        }
        assert_eq!(lake.back("large_files/x"), None);
    }

    #[test]
    fn an_arn_names_the_place_as_a_policy_does() {
        let lake = location("/data", "data/");
        assert_eq!(lake.bucket_arn(), "arn:aws:s3:::lake-bucket");
        assert_eq!(lake.objects_arn(), "arn:aws:s3:::lake-bucket/data/*");
        assert_eq!(location("", "").objects_arn(), "arn:aws:s3:::lake-bucket/*");
        assert_eq!(partition("us-gov-west-1"), "aws-us-gov");
        assert_eq!(partition("cn-north-1"), "aws-cn");
    }
}
