//! The recipes of docs/aws.md, docs/collecting.md and docs/runbook.md, tried as
//! they stand: their blocks of `sh by=recipes` are one script, run by the `aws`
//! command line; the settings
//! are the ones shown there. Then events come the ways that the recipes made.

use std::{fs, os::unix::fs::symlink, path::Path, process::Command};

use audit::source::Source;
use serde_json::{Value, json};

use super::{
    ACCOUNT, REGION,
    cloud::{Cloud, ROOT_KEY, ROOT_SECRET, cloud},
    senders::gzip,
};
use crate::{
    documents::markdown::document,
    events,
    program::{Deployment, Ended},
    readers,
};

/// In the order in which a reader follows them.
pub(crate) const DOCUMENTS: [&str; 3] = ["docs/aws.md", "docs/collecting.md", "docs/runbook.md"];
/// The names that they use.
const QUEUE: &str = "idtrail";
const LONG_TERM: &str = "acme-idtrail-long-term";
const TRAIL: &str = "acme-cloudtrail";
const GITHUB: &str = "acme-github-audit";
/// Of each source.
const EVENTS: u64 = 20;

/// The recipes' script, run as root of an account that has nothing yet.
fn follow(cloud: &Cloud, deployment: &Deployment, python: &Path) -> Ended {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR"));
    symlink(repository.join("deploy"), deployment.path("deploy")).expect("a link can be made");
    let script = DOCUMENTS.map(|name| document(name).joined("sh", Some(("by", "recipes"))));
    let script = deployment.write("recipes.sh", script.concat());
    // In place of the command line as people have it installed.
    let command = format!(
        "#!/bin/sh\nexec {} -m awscli --endpoint-url http://{} \"$@\"\n",
        python.display(),
        cloud.address
    );
    let aws = deployment.write("aws", command);
    let executable = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    fs::set_permissions(&aws, executable).expect("it is ours");
    let folder = aws.parent().expect("it is in a folder");
    let path = std::env::var("PATH").unwrap_or_default();
    let output = Command::new("bash")
        .args(["-eu", "-o", "pipefail"])
        .arg(script)
        .current_dir(folder)
        .env("PATH", format!("{}:{path}", folder.display()))
        .env("AWS_ACCESS_KEY_ID", ROOT_KEY)
        .env("AWS_SECRET_ACCESS_KEY", ROOT_SECRET)
        .env("AWS_REGION", REGION)
        .env("AWS_PAGER", "")
        .output()
        .expect("bash runs");
    Ended {
        code: output.status.code(),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// Credentials of the user that the recipe made.
fn credentials(cloud: &Cloud) -> Vec<(&'static str, String)> {
    let answer = cloud.call("iam", "create_access_key", &json!({"UserName": "idtrail"}));
    let text = |name: &str| {
        let field = answer["AccessKey"][name].as_str();
        field.expect("a key has it").to_owned()
    };
    vec![
        ("AWS_ACCESS_KEY_ID", text("AccessKeyId")),
        ("AWS_SECRET_ACCESS_KEY", text("SecretAccessKey")),
        ("AWS_EC2_METADATA_DISABLED", "true".to_owned()),
    ]
}

/// The settings as docs/aws.md shows them, with the stand-in's address and the
/// bucket of the GitHub recipe.
fn settings(endpoint: &str, queue_url: &str) -> String {
    let [aws, collecting, _] = DOCUMENTS.map(document);
    let shown = aws.joined("yaml", None);
    let real = format!("https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/{QUEUE}");
    assert!(shown.contains(&real), "{shown}");
    let shown = shown.replace(&real, queue_url);
    let maps = collecting.joined("yaml", None);
    format!("{shown}  - {GITHUB}\n{maps}endpoint_url: {endpoint}\n")
}

/// Events by each of the ways that the recipes made; and what was sent.
fn send(cloud: &Cloud, queue_url: &str, folder: &Path) {
    let lines =
        |source: Source| -> Vec<String> { (0..EVENTS).map(|n| events::event(source, n)).collect() };
    for source in [Source::Aws, Source::Github, Source::Okta] {
        events::write_text(folder, source, &lines(source).join("\n"));
    }
    let records = format!("{{\"Records\":[{}]}}", lines(Source::Aws).join(","));
    let key = format!("AWSLogs/{ACCOUNT}/CloudTrail/{REGION}/2026/01/01/{ACCOUNT}_x.json.gz");
    cloud.put_object(TRAIL, &key, &gzip(records.as_bytes()));
    let digest = format!("AWSLogs/{ACCOUNT}/CloudTrail-Digest/{REGION}/2026/01/01/x.json.gz");
    cloud.put_object(TRAIL, &digest, &gzip(b"{\"digestStartTime\":\"x\"}"));
    let pushed = lines(Source::Github).join("\n");
    cloud.put_object(
        GITHUB,
        "2026/01/01/00/00/x.json.gz",
        &gzip(pushed.as_bytes()),
    );
    for event in lines(Source::Okta) {
        // As the rule delivers it: no stand-in takes events in a partner's name.
        let envelope = format!(
            "{{\"version\":\"0\",\"detail-type\":\"SystemLog\",\
             \"source\":\"aws.partner/okta.com/example/idtrail\",\"account\":\"{ACCOUNT}\",\
             \"detail\":{event}}}"
        );
        cloud.send(queue_url, &envelope, &[]);
    }
}

#[test]
fn the_recipes_work_as_they_stand() {
    let Some(cloud) = cloud() else {
        return;
    };
    let python = readers::python().expect("it runs the cloud");
    let mut deployment = Deployment::new();
    let ended = follow(cloud, &deployment, &python);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let answer = cloud.call("sqs", "get_queue_url", &json!({"QueueName": QUEUE}));
    let queue_url = answer["QueueUrl"].as_str().expect("the recipe made it");
    for (name, value) in credentials(cloud) {
        deployment.set(name, &value);
    }
    let endpoint = format!("http://{}", cloud.address);
    deployment.write("idtrail.yaml", settings(&endpoint, queue_url));

    let folder = deployment.path("events");
    send(cloud, queue_url, &folder);
    let mut service = deployment.start(&["run"]).running();
    service.await_that("all is durable", |service| {
        cloud.messages(queue_url) == 0
            && service.count("idtrail_events_stored_total") == 3 * EVENTS as usize
    });
    let (status, ready) = service.get("/readyz");
    assert_eq!(status, 200, "{ready}");
    assert_eq!(service.terminate().code, Some(0));
    let drained = deployment.idtrail(&["verify", "--json"]);
    assert_eq!(drained.code, Some(0), "{drained:?}");
    let verified: Value = drained.object();
    assert_eq!(verified["problems"], json!([]), "{verified}");
    let tenants = cloud.keys(LONG_TERM, "data/");
    assert!(
        tenants.iter().all(|key| key.starts_with("data/default/")),
        "{tenants:?}"
    );
}
