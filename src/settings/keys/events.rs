//! Keys about events: whose they are, how large they may be, what is added to
//! them, and how they are written.

use super::{Key, Kind, Reach, key};

pub(super) const TENANTS: &[Key] = &[
    key(
        "default_tenant",
        Kind::Tenant,
        Some("default"),
        Reach::Always,
        "Tenant of events that name none.",
    ),
    key(
        "trust_attributes",
        Kind::Boolean,
        Some("true"),
        Reach::Always,
        "Believe the message attribute tenant_id.",
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
];

pub(super) const ROWS: &[Key] = &[
    key(
        "identity_activity_center.maxmind_geoip_city_db_path",
        Kind::Text,
        None,
        Reach::Always,
        "MaxMind City database (.mmdb); without it the place columns stay NULL.",
    ),
    key(
        "lake.compression",
        Kind::OneOf(&["mixed", "snappy"]),
        Some("mixed"),
        Reach::Always,
        "mixed: ZSTD for event_data and Snappy for the rest; snappy: all of it.",
    ),
];

pub(super) const LIMITS: &[Key] = &[
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
