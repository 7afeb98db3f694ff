//! Keys of the AWS mode: the queue, the buckets, and whose they are.
//!
//! Without `identity_activity_center.enabled` they are checked and not used. The
//! four that the mode cannot do without are listed in [`super::super::aws`].

use super::{Key, Kind, Reach, key};

pub(super) const AWS: &[Key] = &[
    key(
        "identity_activity_center.region",
        Kind::Text,
        None,
        Reach::Aws,
        "AWS region of the queue, the buckets and Athena.",
    ),
    key(
        "identity_activity_center.sqs_queue_url",
        Kind::Url,
        None,
        Reach::Aws,
        "The SQS queue that events come from.",
    ),
    key(
        "identity_activity_center.s3",
        Kind::S3,
        None,
        Reach::Aws,
        "Where the lake is: s3://bucket/prefix, with or without a slash at its end.",
    ),
    key(
        "identity_activity_center.s3_large_files",
        Kind::S3,
        None,
        Reach::Aws,
        "Where the journal and large payloads are.",
    ),
    key(
        "bucket_owner",
        Kind::Account,
        None,
        Reach::Aws,
        "Account that must own the buckets of lake and large files; S3 refuses any other.",
    ),
    key(
        "source_buckets",
        Kind::Buckets,
        None,
        Reach::Aws,
        "Buckets whose objects a message may point to, each as bucket or bucket=account with the \
         account that must own it; no other bucket is ever read.",
    ),
    key(
        "endpoint_url",
        Kind::Url,
        None,
        Reach::Aws,
        "Another address for all AWS calls, such as an S3-compatible server.",
    ),
];

pub(super) const TABLE: &[Key] = &[
    key(
        "identity_activity_center.database",
        Kind::Text,
        None,
        Reach::Aws,
        "Glue database of the events table.",
    ),
    key(
        "identity_activity_center.table",
        Kind::Text,
        None,
        Reach::Aws,
        "Glue table of the events.",
    ),
    key(
        "identity_activity_center.workgroup",
        Kind::Text,
        None,
        Reach::Aws,
        "Athena workgroup for queries.",
    ),
    key(
        "identity_activity_center.s3_results",
        Kind::S3,
        None,
        Reach::Aws,
        "Where Athena puts the results of queries.",
    ),
];

pub(super) const LATER: &[Key] = &[key(
    "backend.postgres.connection",
    Kind::Text,
    None,
    Reach::Later,
    "PostgreSQL for alerts and views, needed with more than one replica.",
)];
