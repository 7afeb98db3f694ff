//! The events in `examples/`, which README.md tells strangers to begin with.

use std::path::Path;

use audit::source::Source;
use serde_json::json;

use super::program::Deployment;

#[test]
fn the_first_session_of_the_readme_goes_as_it_says() {
    let deployment = Deployment::new();
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    for source in Source::ALL {
        deployment.publish(source, &examples.join(format!("{source}.ndjson")));
    }
    let counts =
        json!({"received": 12, "stored": 11, "duplicate": 0, "quarantined": 1, "skipped": 0});
    assert_eq!(deployment.drain(), counts);
}
