//! Other people's readers: DuckDB and pyarrow look at the lake, by `lake.py`.
//!
//! And what else a machine may lack: a test whose reader or samples are missing
//! says so and is skipped, unless CI runs it.

use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::{Value, json};

use super::program::Deployment;

/// Rows by source, after asserting that the lake holds each distinct line of
/// `<events>/<source>.ndjson` once, byte for byte, in its day's partition, under
/// the 29 columns. `None` where there is no reader.
pub(crate) fn rows_of(deployment: &Deployment, events: &Path) -> Option<Value> {
    let python = env::var_os("IDTRAIL_PYTHON").filter(|path| !path.is_empty());
    let Some(python) = python else {
        assert!(
            env::var_os("CI").is_none(),
            "IDTRAIL_PYTHON is not set: run the tests by make test"
        );
        println!("skipped: IDTRAIL_PYTHON is not set");
        return None;
    };
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/lake.py");
    let output = Command::new(&python)
        .arg(script)
        .arg(deployment.data("lake/data"))
        .arg(events)
        .output()
        .unwrap_or_else(|error| panic!("{python:?}: {error}"));
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
