//! Prometheus takes the alert rules, and each fires on the series it is for and
//! stays quiet on others: `promtool`, on grafana/alerts.test.yaml.

use std::{env, io::ErrorKind, path::Path, process::Command};

/// Runs promtool in grafana/; a machine without it skips the test, CI does not.
fn check(arguments: &[&str]) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("grafana");
    let ran = Command::new("promtool")
        .args(arguments)
        .current_dir(folder)
        .output();
    match ran {
        Ok(output) => assert!(
            output.status.success(),
            "{}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        ),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            assert!(
                env::var_os("CI").is_none(),
                "no promtool: run the tests by make test"
            );
            println!("skipped: there is no promtool");
        }
        Err(error) => panic!("promtool: {error}"),
    }
}

#[test]
fn prometheus_takes_the_rules() {
    check(&["check", "rules", "alerts.yaml"]);
}

#[test]
fn each_alert_fires_when_it_should_and_is_quiet_when_not() {
    check(&["test", "rules", "alerts.test.yaml"]);
}
