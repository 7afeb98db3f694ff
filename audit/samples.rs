//! Real events and databases for tests, which are not part of this repository.

use std::path::PathBuf;

/// The folder named by `IDTRAIL_SAMPLES`. Not set: `None`, and the test says that
/// it is skipped. Set, but no folder: the test fails.
pub(crate) fn folder() -> Option<PathBuf> {
    let Some(folder) = std::env::var_os("IDTRAIL_SAMPLES") else {
        eprintln!("skipped: IDTRAIL_SAMPLES is not set");
        return None;
    };
    let mut folder = PathBuf::from(folder);
    if folder.is_relative() {
        // Relative to the workspace, wherever cargo runs the test.
        folder = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
            .join("..")
            .join(folder);
    }
    assert!(folder.is_dir(), "IDTRAIL_SAMPLES is no folder: {folder:?}");
    Some(folder)
}
