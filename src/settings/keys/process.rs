//! Keys of the process itself: where its data is, what its shape is, and what it
//! says of itself.
//!
//! None is needed: without any, idtrail keeps everything in one directory.

use super::{Key, Kind, Reach, key};

pub(super) const PROCESS: &[Key] = &[
    key(
        "identity_activity_center.enabled",
        Kind::Boolean,
        Some("false"),
        Reach::Always,
        "Take events from SQS and keep them in S3; false is the embedded mode, in directories.",
    ),
    key(
        "data",
        Kind::Text,
        Some("idtrail-data"),
        Reach::Always,
        "Directory of the embedded queue, journal and lake.",
    ),
    key(
        "journal.name",
        Kind::Journal,
        Some("main"),
        Reach::Always,
        "Name of this deployment's journal, in its objects' keys and in file names.",
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
    key(
        "safe_mode",
        Kind::Boolean,
        Some("false"),
        Reach::Always,
        "As run --safe-mode: leave the files alone that are in the making when the process first leads.",
    ),
    key(
        "topology",
        Kind::Text,
        None,
        Reach::Always,
        "A topology.toml that replaces the built-in one.",
    ),
];

pub(super) const LOG: &[Key] = &[
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
];
