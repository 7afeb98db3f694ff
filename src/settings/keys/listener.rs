//! Keys of the HTTP listener: health, metrics and push ingest, with or without
//! TLS.

use super::{Key, Kind, Reach, key};

pub(super) const HTTP: &[Key] = &[
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
];

pub(super) const TLS: &[Key] = &[
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
