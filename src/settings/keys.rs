//! Every settings key there is, once: its path, what may stand there, what
//! stands there by default, and what it does.
//!
//! The parser, the names of the environment variables, the hints for misspelt
//! keys and the reference all come from this table.

use super::value::Kind;

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

const SWITCHES: &[Key] = &[
    key(
        "identity_activity_center.enabled",
        Kind::Boolean,
        Some("false"),
        Reach::Always,
        "Take events from SQS and keep them in S3; false is the embedded mode, in directories.",
    ),
    key(
        "trust_attributes",
        Kind::Boolean,
        Some("true"),
        Reach::Always,
        "Believe the message attribute tenant_id.",
    ),
];

const AWS: &[Key] = &[
    key(
        "identity_activity_center.region",
        Kind::Text,
        None,
        Reach::Aws,
        "AWS region of the queue, the buckets and Athena.",
    ),
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
        "identity_activity_center.s3",
        Kind::S3,
        None,
        Reach::Aws,
        "Where the lake is: s3://bucket/prefix, with or without a slash at its end.",
    ),
    key(
        "identity_activity_center.s3_results",
        Kind::S3,
        None,
        Reach::Aws,
        "Where Athena puts the results of queries.",
    ),
    key(
        "identity_activity_center.s3_large_files",
        Kind::S3,
        None,
        Reach::Aws,
        "Where the journal and large payloads are.",
    ),
    key(
        "identity_activity_center.sqs_queue_url",
        Kind::Url,
        None,
        Reach::Aws,
        "The SQS queue that events come from.",
    ),
    key(
        "endpoint_url",
        Kind::Url,
        None,
        Reach::Aws,
        "Another address for all AWS calls, such as an S3-compatible server.",
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
        "bucket_owner",
        Kind::Account,
        None,
        Reach::Aws,
        "Account that must own the buckets of lake and large files; S3 refuses any other.",
    ),
    key(
        "backend.postgres.connection",
        Kind::Text,
        None,
        Reach::Later,
        "PostgreSQL for alerts and views, needed with more than one replica.",
    ),
];

const OWN: &[Key] = &[
    key(
        "identity_activity_center.maxmind_geoip_city_db_path",
        Kind::Text,
        None,
        Reach::Always,
        "MaxMind City database (.mmdb); without it the place columns stay NULL.",
    ),
    key(
        "log.level",
        Kind::OneOf(&["error", "warn", "info", "debug", "trace"]),
        Some("info"),
        Reach::Always,
        "Least severity that is logged.",
    ),
    key(
        "log.format",
        Kind::OneOf(&["text", "json"]),
        Some("text"),
        Reach::Always,
        "Log lines for people, or one JSON object a line.",
    ),
    key(
        "tenants.senders",
        Kind::Tenants,
        None,
        Reach::Always,
        "Tenant by the sender that SQS verified: its SenderId, or the part before the colon; goes before all else.",
    ),
    key(
        "tenants.aws",
        Kind::Tenants,
        None,
        Reach::Always,
        "Tenant by AWS account number.",
    ),
    key(
        "tenants.github",
        Kind::Tenants,
        None,
        Reach::Always,
        "Tenant by GitHub organisation.",
    ),
    key(
        "tenants.okta",
        Kind::Tenants,
        None,
        Reach::Always,
        "Tenant by Okta organisation.",
    ),
    key(
        "tenants.teleport",
        Kind::Tenants,
        None,
        Reach::Always,
        "Tenant by Teleport cluster.",
    ),
    key(
        "default_tenant",
        Kind::Tenant,
        Some("default"),
        Reach::Always,
        "Tenant of events that name none.",
    ),
    key(
        "journal.name",
        Kind::Journal,
        Some("main"),
        Reach::Always,
        "Name of this deployment's journal, in its objects' keys and in file names.",
    ),
    key(
        "lake.compression",
        Kind::OneOf(&["mixed", "snappy"]),
        Some("mixed"),
        Reach::Always,
        "mixed: ZSTD for event_data and Snappy for the rest; snappy: all of it.",
    ),
    key(
        "topology",
        Kind::Text,
        None,
        Reach::Always,
        "A topology.toml that replaces the built-in one.",
    ),
    key(
        "data",
        Kind::Text,
        Some("idtrail-data"),
        Reach::Always,
        "Directory of the embedded queue, journal and lake.",
    ),
    key(
        "visibility_timeout_secs",
        Kind::Number {
            min: 1,
            max: 43_200,
        },
        Some("60"),
        Reach::Always,
        "How long a received message stays hidden unless it is deleted.",
    ),
];

const LIMITS: &[Key] = &[
    key(
        "limits.event_mib_max",
        Kind::Number { min: 1, max: 16 },
        Some("16"),
        Reach::Always,
        "A larger event goes to the quarantine.",
    ),
    key(
        "limits.compressed_mib_max",
        Kind::Number {
            min: 1,
            max: 65_536,
        },
        Some("256"),
        Reach::Always,
        "Most that is read of a compressed message or object.",
    ),
    key(
        "limits.unpacked_mib_max",
        Kind::Number {
            min: 1,
            max: 1_048_576,
        },
        Some("2048"),
        Reach::Always,
        "Most that a message or object may unpack to.",
    ),
    key(
        "limits.ratio_max",
        Kind::Number { min: 2, max: 2_000 },
        Some("200"),
        Reach::Always,
        "Unpacked to compressed bytes, past the first MiB: beyond it is a bomb, and is not read on.",
    ),
    key(
        "limits.zstd_window_log_max",
        Kind::Number { min: 10, max: 27 },
        Some("23"),
        Reach::Always,
        "Memory that a zstd frame may ask for, as a power of two; 23 is 8 MiB.",
    ),
];

const HTTP: &[Key] = &[
    key(
        "http.listen",
        Kind::Address,
        Some("127.0.0.1:8080"),
        Reach::Always,
        "Where health, metrics and push ingest answer.",
    ),
    key(
        "http.ingest_tokens",
        Kind::Grants,
        None,
        Reach::Always,
        "Who may push: name:tenant:sha256 for each token, as `idtrail token new` prints it.",
    ),
    key(
        "http.ingest_body_bytes",
        Kind::Number {
            min: 1 << 10,
            max: 256 << 20,
        },
        Some("16777216"),
        Reach::Always,
        "Longest body of a push as received; unpacked, four times as much.",
    ),
    key(
        "http.ingest_concurrency",
        Kind::Number { min: 1, max: 1_024 },
        Some("8"),
        Reach::Always,
        "Pushes in hand at once, each with its body in memory.",
    ),
    key(
        "tls.cert",
        Kind::Text,
        None,
        Reach::Always,
        "PEM certificate chain for the HTTP listener; read again when it changes.",
    ),
    key(
        "tls.key",
        Kind::Text,
        None,
        Reach::Always,
        "PEM private key for the HTTP listener; read again when it changes.",
    ),
    key(
        "tls.client_ca",
        Kind::Text,
        None,
        Reach::Always,
        "PEM certificates of the authorities whose client certificates are accepted.",
    ),
    key(
        "tls.clients",
        Kind::Pairs,
        None,
        Reach::Always,
        "Token that a client certificate stands for: name of the token by DNS name of the certificate.",
    ),
];

/// All keys.
pub fn all() -> impl Iterator<Item = &'static Key> {
    SWITCHES
        .iter()
        .chain(AWS)
        .chain(OWN)
        .chain(LIMITS)
        .chain(HTTP)
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

/// The name among `known` that was probably meant, if one is near.
pub fn nearest<'k>(given: &str, known: impl Iterator<Item = &'k str>) -> Option<&'k str> {
    let given: Vec<char> = given.chars().take(128).collect();
    let reach_max = (given.len() / 4).clamp(1, 4);
    known
        .map(|name| (distance(&given, name), name))
        .filter(|(steps, _)| *steps <= reach_max)
        .min()
        .map(|(_, name)| name)
}

/// Levenshtein's edit distance, one row at a time.
fn distance(a: &[char], b: &str) -> usize {
    let mut row: Vec<usize> = (0..=a.len()).collect();
    for (i, right) in b.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, left) in a.iter().enumerate() {
            let substituted = diagonal + usize::from(*left != right);
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[a.len()]
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_misspelt_key_is_recognised_and_a_foreign_one_is_not() {
        for (given, meant) in [
            ("http.listne", Some("http.listen")),
            ("https.listen", Some("http.listen")),
            ("default-tenant", Some("default_tenant")),
            ("logs.level", Some("log.level")),
            ("kafka.brokers", None),
            ("x", None),
        ] {
            assert_eq!(nearest(given, all().map(|key| key.path)), meant, "{given}");
        }
    }

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
