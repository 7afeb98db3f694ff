//! What the AWS mode needs to know: places, names, and whose buckets they are.
//!
//! Present only if `identity_activity_center.enabled` is true; then every key
//! that the service cannot do without has been given.

use std::{collections::BTreeMap, fmt};

use super::raw::Values;

/// The keys that the AWS mode cannot do without, each with an example.
pub(super) const NEEDED: [(&str, &str); 4] = [
    ("identity_activity_center.region", "eu-central-1"),
    ("identity_activity_center.s3", "s3://BUCKET/data/"),
    (
        "identity_activity_center.s3_large_files",
        "s3://BUCKET/large_files/",
    ),
    (
        "identity_activity_center.sqs_queue_url",
        "https://sqs.eu-central-1.amazonaws.com/111122223333/QUEUE",
    ),
];

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Aws {
    pub region: String,
    /// In place of AWS's own addresses, for all services.
    pub endpoint_url: Option<String>,
    pub queue_url: String,
    pub lake: Prefix,
    pub large_files: Prefix,
    /// The account that must own the queue's and the lake's buckets.
    pub bucket_owner: Option<String>,
    /// Buckets that messages may point into, with the account that must own each.
    pub source_buckets: BTreeMap<String, Option<String>>,
    /// For queries; nothing of the ingest needs these.
    pub database: Option<String>,
    pub table: Option<String>,
    pub workgroup: Option<String>,
    pub results: Option<Prefix>,
}

/// A place in a bucket: `s3://bucket/prefix`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Prefix {
    pub bucket: String,
    /// Without slashes at its ends; may be empty.
    pub prefix: String,
}

impl Prefix {
    /// `None` if it is not `s3://bucket` or `s3://bucket/prefix`.
    pub fn parse(text: &str) -> Option<Prefix> {
        let rest = text.strip_prefix("s3://")?;
        let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        let valid = (3..=63).contains(&bucket.len())
            && bucket
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-'));
        valid.then(|| Prefix {
            bucket: bucket.to_owned(),
            prefix: prefix.trim_matches('/').to_owned(),
        })
    }

    /// What keys here begin with: empty, or with a slash at its end.
    pub fn folder(&self) -> String {
        if self.prefix.is_empty() {
            String::new()
        } else {
            format!("{}/", self.prefix)
        }
    }
}

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "s3://{}/{}", self.bucket, self.folder())
    }
}

impl Aws {
    /// The account of the queue, which is the deployment's: the last part but
    /// one of `https://sqs.eu-central-1.amazonaws.com/111122223333/QUEUE`.
    pub fn account(&self) -> &str {
        let mut parts = self.queue_url.trim_end_matches('/').rsplit('/');
        parts.nth(1).unwrap_or_default()
    }

    pub fn queue_name(&self) -> &str {
        let mut parts = self.queue_url.trim_end_matches('/').rsplit('/');
        parts.next().unwrap_or_default()
    }

    /// `None` in the embedded mode.
    pub(super) fn of(values: &mut Values) -> Option<Aws> {
        let enabled: bool = values.required("identity_activity_center.enabled");
        enabled.then(|| Aws {
            region: values.required("identity_activity_center.region"),
            endpoint_url: values.optional("endpoint_url"),
            queue_url: values.required("identity_activity_center.sqs_queue_url"),
            lake: values.required("identity_activity_center.s3"),
            large_files: values.required("identity_activity_center.s3_large_files"),
            bucket_owner: values.optional("bucket_owner"),
            source_buckets: values.optional("source_buckets").unwrap_or_default(),
            database: values.optional("identity_activity_center.database"),
            table: values.optional("identity_activity_center.table"),
            workgroup: values.optional("identity_activity_center.workgroup"),
            results: values.optional("identity_activity_center.s3_results"),
        })
    }
}
