//! What scripts rely on: exit codes, and data alone on standard output.

use audit::source::Source;

use super::{events, program::Deployment};

/// Runs, and asserts the exit code and what standard error says; a failure
/// prints no data.
fn check(deployment: &Deployment, arguments: &[&str], code: i32, says: &str) {
    let ended = deployment.idtrail(arguments);
    assert_eq!(ended.code, Some(code), "{arguments:?}: {ended:?}");
    assert!(
        ended.stderr.contains(says),
        "{arguments:?}: {says:?} is not in {ended:?}"
    );
    assert_eq!(ended.stdout, "", "{arguments:?}");
}

#[test]
fn a_wrong_command_or_file_is_told_with_exit_code_2() {
    let deployment = Deployment::new();
    for (arguments, says) in [
        (&["fly"][..], "fly"),
        (&["publish", "--source", "okta"], "FILE"),
        (
            &["publish", "--source", "okta", "nowhere.ndjson"],
            "nowhere.ndjson",
        ),
        (&["publish", "--source", "azure", "nowhere.ndjson"], "azure"),
        (
            &[
                "publish",
                "--source",
                "okta",
                "--tenant",
                "../x",
                "nowhere.ndjson",
            ],
            "tenant",
        ),
        (&["--config", "nowhere.yaml", "check"], "nowhere.yaml"),
    ] {
        check(&deployment, arguments, 2, says);
    }
}

#[test]
fn all_mistakes_in_the_settings_are_told_at_once_with_their_lines() {
    let deployment = Deployment::new();
    let settings =
        "log:\n  level: loud\nhttp:\n  listne: 127.0.0.1:0\nvisibility_timeout_secs: 0\n";
    deployment.write("f.yaml", settings);
    for verb in ["check", "run", "verify"] {
        for says in [
            "f.yaml:2: log.level: ",
            "f.yaml:4: http.listne: ",
            "f.yaml:5: visibility_timeout_secs: ",
        ] {
            let ended = deployment.idtrail(&["--config", "f.yaml", verb]);
            assert_eq!(ended.code, Some(2), "{verb}: {ended:?}");
            let told = ended.stdout + &ended.stderr;
            assert!(told.contains(says), "{verb}: {says:?} is not in {told}");
        }
    }
}

#[test]
fn a_data_directory_belongs_to_one_service() {
    let deployment = Deployment::new();
    let mut service = deployment.start(&["run"]);
    assert!(service.until(|said| said.contains("running")));
    let ended = deployment.idtrail(&["run"]);
    assert_eq!(ended.code, Some(3), "{ended:?}");
    assert!(ended.stderr.contains("in use by pid "), "{ended:?}");
    assert_eq!(service.terminate().code, Some(0));
}

#[test]
fn global_flags_stand_before_or_after_the_verb() {
    let deployment = Deployment::new();
    let files = events::write(&deployment.path("events"), &[1]);
    let file = files[&Source::Okta].to_str().expect("test paths are UTF-8");
    for arguments in [
        ["--json", "--quiet", "publish", "--source", "okta", file],
        ["publish", "--source", "okta", file, "--json", "--quiet"],
    ] {
        let ended = deployment.idtrail(&arguments);
        assert_eq!(ended.code, Some(0), "{ended:?}");
        assert_eq!(ended.object()["events"], 1);
        assert_eq!(ended.stderr, "", "--quiet");
    }
}

#[test]
fn standard_output_holds_the_data_and_nothing_else() {
    let deployment = Deployment::new();
    let files = events::write(&deployment.path("events"), &[1]);
    deployment.publish(Source::Okta, &files[&Source::Okta]);
    deployment.drain();
    for verb in [&["check"][..], &["verify"], &["run", "--drain"]] {
        let ended =
            deployment.idtrail(&[verb, &["--json", "-vv", "--log-format", "json"]].concat());
        assert_eq!(ended.code, Some(0), "{verb:?}: {ended:?}");
        assert!(ended.object().is_object());
        for line in ended.stderr.lines() {
            let logged: Result<serde_json::Value, _> = serde_json::from_str(line);
            assert!(logged.is_ok(), "{verb:?}: {line}");
        }
    }
}

#[test]
fn help_and_version_are_data() {
    let deployment = Deployment::new();
    for (argument, says) in [
        ("--help", "publish"),
        ("--version", env!("CARGO_PKG_VERSION")),
    ] {
        let ended = deployment.idtrail(&[argument]);
        assert_eq!(ended.code, Some(0), "{ended:?}");
        assert!(ended.stdout.contains(says), "{ended:?}");
        assert_eq!(ended.stderr, "");
    }
}

#[test]
fn check_prints_the_tree_of_actors() {
    let deployment = Deployment::new();
    let ended = deployment.idtrail(&["check"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    for actor in ["poller", "appender", "uploader"] {
        assert!(
            ended.stdout.contains(actor),
            "{actor} is not in {}",
            ended.stdout
        );
    }
}
