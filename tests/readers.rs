//! Other people's readers: DuckDB and pyarrow look at the lake, by `lake.py`.
//!
//! And what else a machine may lack: a test whose reader or samples are missing
//! says so and is skipped, unless CI runs it.

use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
};

use audit::source::Source;
use serde_json::{Value, json};

use super::program::Deployment;

/// The Python that has what tests/requirements.txt names. `None` where there is
/// none, unless CI runs the tests.
pub(crate) fn python() -> Option<PathBuf> {
    let python = env::var_os("IDTRAIL_PYTHON").filter(|path| !path.is_empty());
    if python.is_none() {
        assert!(
            env::var_os("CI").is_none(),
            "IDTRAIL_PYTHON is not set: run the tests by make test"
        );
        println!("skipped: IDTRAIL_PYTHON is not set");
    }
    python.map(PathBuf::from)
}

/// As [`rows_at`], of the lake in a data directory.
pub(crate) fn rows_of(deployment: &Deployment, events: &Path) -> Option<Value> {
    let lake = deployment.data("lake/data");
    rows_at(lake.to_str().expect("test paths are UTF-8"), &[], events)
}

/// Rows by source, after asserting that the lake at this path or `s3://` address
/// holds each distinct line of `<events>/<source>.ndjson` once, byte for byte, in
/// its day's partition, under the 29 columns. `None` where there is no reader.
pub(crate) fn rows_at(lake: &str, environment: &[(&str, &str)], events: &Path) -> Option<Value> {
    let python = python()?;
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/lake.py");
    let output = Command::new(&python)
        .arg(script)
        .arg(lake)
        .arg(events)
        .envs(environment.iter().copied())
        .output()
        .unwrap_or_else(|error| panic!("{}: {error}", python.display()));
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let report: Value = serde_json::from_slice(&output.stdout).expect("lake.py prints JSON");
    assert_eq!(report["problems"], json!([]));
    Some(report["rows"].clone())
}

/// The folder of sample events; `None` where `IDTRAIL_SAMPLES` is not set.
pub(crate) fn samples() -> Option<PathBuf> {
    let Some(folder) = env::var_os("IDTRAIL_SAMPLES") else {
        println!("skipped: IDTRAIL_SAMPLES is not set");
        return None;
    };
    let events = Path::new(&folder).join("events");
    assert!(
        events.is_dir(),
        "IDTRAIL_SAMPLES: {} is no folder",
        events.display()
    );
    Some(events)
}

/// Its file for each source.
pub(crate) fn sample_files(samples: &Path) -> impl Iterator<Item = (Source, PathBuf)> {
    let names = [
        "aws_cloudtrail",
        "github_audit",
        "okta_system",
        "teleport_audit",
    ];
    let files = names.map(|name| samples.join(format!("{name}.ndjson")));
    Source::ALL.into_iter().zip(files)
}
