//! What a person at a terminal gets: `idtrail top`, colours and widths, seen
//! through a terminal of its own by `terminal.py`.

use std::{path::Path, process::Command, time::Duration};

use audit::source::Source;
use serde_json::{Value, json};

use super::{
    events,
    program::{Deployment, Running, pause},
    readers,
};

/// What came out of a terminal.
#[derive(Debug)]
struct Session {
    code: i64,
    output: String,
    /// The terminal is as it was before.
    restored: bool,
}

/// Runs the program on a terminal of so many columns, and takes these steps;
/// `None` where there is no Python.
fn session(
    deployment: &Deployment,
    columns: u16,
    environment: &Value,
    arguments: &[&str],
    steps: &Value,
) -> Option<Session> {
    let python = readers::python()?;
    let command = [&[env!("CARGO_BIN_EXE_idtrail")], arguments].concat();
    let asked = json!({
        "columns": columns, "rows": 24, "environment": environment, "command": command, "steps": steps
    });
    let output = Command::new(python)
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/terminal.py"))
        .arg(asked.to_string())
        .current_dir(deployment.path(""))
        .env("IDTRAIL_DATA", deployment.data(""))
        .env("IDTRAIL_HTTP_LISTEN", "127.0.0.1:0")
        .output()
        .expect("python starts");
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {told}");
    let seen: Value = serde_json::from_slice(&output.stdout).expect("terminal.py prints JSON");
    Some(Session {
        code: seen["code"].as_i64().expect("a number"),
        output: seen["output"].as_str().expect("a text").to_owned(),
        restored: seen["restored"] == true,
    })
}

impl Session {
    /// An escape sequence that sets a colour; bold and underlined are none.
    fn is_coloured(&self) -> bool {
        self.output.split("\x1b[").skip(1).any(|sequence| {
            let end = sequence.find(|c: char| c.is_ascii_alphabetic());
            let parameters = end.and_then(|end| sequence[end..].starts_with('m').then_some(end));
            let parameters = parameters.map(|end| &sequence[..end]).unwrap_or_default();
            let mut numbers = parameters
                .split(';')
                .filter_map(|number| number.parse().ok());
            numbers.any(|number: u8| {
                (30..39).contains(&number) || (40..49).contains(&number) || number >= 90
            })
        })
    }
}

/// A service that has done something, and its address.
fn service(deployment: &Deployment) -> (Running, String) {
    let files = events::write(&deployment.path("events"), &[1, 2, 3]);
    deployment.publish(Source::Okta, &files[&Source::Okta]);
    let mut service = deployment.start(&["run"]).running();
    let url = format!("http://{}", service.address());
    service.await_that("events are stored", |service| {
        service.count("idtrail_events_stored_total") > 0
    });
    (service, url)
}

#[test]
fn top_shows_a_service_and_leaves_the_terminal_as_it_was() {
    let deployment = Deployment::new();
    let (service, url) = service(&deployment);
    let arguments = ["top", "--url", &url, "--interval", "200ms"];
    for (how, steps) in [
        (
            "a key",
            json!([["until", "uploader"], ["type", "?s"], ["type", "q"]]),
        ),
        ("Ctrl-C", json!([["until", "uploader"], ["type", "\u{3}"]])),
        ("Esc", json!([["until", "uploader"], ["type", "\u{1b}"]])),
        (
            "SIGTERM",
            json!([["until", "uploader"], ["signal", "SIGTERM"]]),
        ),
        (
            "SIGINT",
            json!([["until", "uploader"], ["signal", "SIGINT"]]),
        ),
    ] {
        let Some(seen) = session(&deployment, 80, &json!({}), &arguments, &steps) else {
            return;
        };
        assert_eq!((seen.code, seen.restored), (0, true), "{how}: {seen:?}");
        // It leaves the other screen, and shows the cursor again.
        for sequence in ["\x1b[?1049h", "\x1b[?1049l", "\x1b[?25h"] {
            assert!(seen.output.contains(sequence), "{how}: {sequence:?}");
        }
        for shown in ["leader", "okta", "credit", "trouble", "poller"] {
            assert!(seen.output.contains(shown), "{how}: {shown}: {seen:?}");
        }
        assert!(seen.is_coloured(), "{how}");
    }
    let declined = json!({"NO_COLOR": "1"});
    let steps = json!([["until", "uploader"], ["type", "q"]]);
    let seen = session(&deployment, 80, &declined, &arguments, &steps).expect("as before");
    assert!(!seen.is_coloured(), "{seen:?}");
    assert_eq!(service.terminate().code, Some(0));
}

#[test]
fn top_says_why_it_sees_nothing_and_finds_a_service_that_comes_back() {
    let mut deployment = Deployment::new();
    let (mut first, url) = service(&deployment);
    deployment.set("IDTRAIL_HTTP_LISTEN", &first.address());
    let deployment = &deployment;
    let [shown, lost] = ["shown", "lost"].map(|name| deployment.path(name));
    let steps = json!([
        ["until", "uploader"],
        ["touch", shown],
        ["until", "nothing listens"],
        ["touch", lost],
        ["until", "q quit"],
        ["type", "q"]
    ]);
    std::thread::scope(|scope| {
        let arguments = ["top", "--url", &url, "--interval", "200ms"];
        let steps = &steps;
        let watching = scope.spawn(move || session(deployment, 80, &json!({}), &arguments, steps));
        let comes = |file: &Path| {
            while !file.exists() && !watching.is_finished() {
                pause(Duration::from_millis(20));
            }
        };
        comes(&shown);
        first.kill();
        comes(&lost);
        let second = deployment.start(&["run"]).running();
        let seen = watching.join().expect("no panic");
        assert!(seen.is_none_or(|seen| seen.code == 0 && seen.restored));
        second.terminate();
    });
}

#[test]
fn a_snapshot_is_for_scripts_and_a_pipe_is_no_screen() {
    let deployment = Deployment::new();
    let (service, url) = service(&deployment);
    let text = deployment.idtrail(&["top", "--once", "--interval", "200ms", "--url", &url]);
    assert_eq!(text.code, Some(0), "{text:?}");
    for shown in ["leader", "okta", "credit", "uploader"] {
        assert!(text.stdout.contains(shown), "{shown}: {text:?}");
    }
    assert!(!text.stdout.contains('\x1b'), "{text:?}");
    let object = deployment.json(&["top", "--once", "--interval", "200ms", "--url", &url]);
    assert_eq!(object["role"], "leader");
    assert_eq!(object["sources"][0]["source"], "okta");
    let actors = object["actors"].as_array().expect("a list");
    assert!(
        actors.iter().any(|actor| actor["actor"] == "poller"),
        "{object}"
    );
    assert!(
        object["process"]["resident_bytes"].as_f64() > Some(1e6),
        "{object}"
    );
    service.terminate();
    for (arguments, code, says) in [
        (&["top"][..], 2, "--once"),
        (&["top", "--once"], 2, "--url"),
        (&["top", "--once", "--url", &url], 3, "idtrail run"),
        (&["top", "--once", "--url", "x"], 2, "http://HOST:PORT"),
        (&["top", "--interval", "1ms"], 2, "100ms"),
    ] {
        let ended = deployment.idtrail(arguments);
        assert_eq!(
            (ended.code, ended.stdout.as_str()),
            (Some(code), ""),
            "{ended:?}"
        );
        assert!(ended.stderr.contains(says), "{arguments:?}: {ended:?}");
    }
}

#[test]
fn help_is_as_wide_as_the_terminal_up_to_100_columns() {
    let deployment = Deployment::new();
    for (columns, widest) in [(60, 60), (80, 80), (300, 100)] {
        let arguments = ["publish", "--help"];
        let Some(seen) = session(&deployment, columns, &json!({}), &arguments, &json!([])) else {
            return;
        };
        let plain = without_sequences(&seen.output);
        let width = plain
            .lines()
            .map(|line| line.trim_end().chars().count())
            .max();
        let width = width.expect("lines");
        assert!(
            width <= widest && width + 15 > widest,
            "{columns}: {width}: {plain}"
        );
    }
}

fn without_sequences(text: &str) -> String {
    let mut parts = text.split("\x1b[");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |plain, part| {
        let end = part
            .find(|c: char| c.is_ascii_alphabetic())
            .map_or(0, |end| end + 1);
        plain + &part[end..]
    })
}

#[test]
fn colour_is_for_terminals_that_did_not_decline_it() {
    let deployment = Deployment::new();
    let run = json!([["until", "leading"], ["signal", "SIGTERM"]]);
    let none = json!([]);
    for (arguments, steps) in [
        (&["run"][..], &run),
        (&["run", "--drain"], &none),
        (&["--help"], &none),
        (&["fly"], &none),
    ] {
        for (environment, coloured) in [
            (json!({}), true),
            (json!({"NO_COLOR": "1"}), false),
            (json!({"TERM": "dumb"}), false),
        ] {
            let Some(seen) = session(&deployment, 80, &environment, arguments, steps) else {
                return;
            };
            // Help is bold and underlined, not coloured; it must be plain all the same.
            let styled = seen.is_coloured() || seen.output.contains("\x1b[1m");
            assert_eq!(styled, coloured, "{arguments:?} {environment}: {seen:?}");
        }
    }
    let json_lines = ["run", "--drain", "--log-format", "json"];
    let seen = session(&deployment, 80, &json!({}), &json_lines, &none).expect("as before");
    assert!(!seen.is_coloured(), "{seen:?}");
    // In a pipe nobody sees it.
    let piped = deployment.idtrail(&["run", "--drain"]);
    assert!(!piped.stderr.contains('\x1b'), "{piped:?}");
}
