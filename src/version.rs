//! Which idtrail this is: the number, and the commit it was built from.
//!
//! Told by `--version`, `/readyz`, the log's line at the start and a metric, so
//! that a bug report and a dashboard say which program they speak of.

use actors::metrics::{self as names, Metric};
use metrics::gauge;

/// Such as `0.1.0 (42d0a44 2026-11-23)`; from a tarball the number alone.
pub const VERSION: &str = env!("IDTRAIL_VERSION");

const NUMBER: &str = env!("CARGO_PKG_VERSION");

/// Such as `42d0a44`, or `42d0a44+` of changed sources; empty from a tarball.
const COMMIT: &str = env!("IDTRAIL_COMMIT");

const BUILD_INFO: Metric = names::gauge(
    "idtrail_build_info",
    "Always 1: which idtrail this is, by version and commit",
)
.by(&["version", "commit"]);

pub const ALL: &[Metric] = &[BUILD_INFO];

/// Once the recorder is installed.
pub fn tell() {
    gauge!(BUILD_INFO.name, "version" => NUMBER, "commit" => COMMIT).set(1);
}
