//! The stock policy is enough, and each action that it lacks is named.

use std::fs;

use audit::source::Source;
use serde_json::json;

use super::{
    ACCOUNT,
    cloud::cloud,
    senders::{Form, Senders},
    site::Site,
};
use crate::{events, program::Running};

/// What a running service cannot do without.
const NEEDED: [&str; 4] = [
    "sqs:ReceiveMessage",
    "sqs:DeleteMessage",
    "s3:PutObject",
    "kms:GenerateDataKey",
];

#[test]
fn t20_each_missing_action_is_named_by_check() {
    let Some(cloud) = cloud() else {
        return;
    };
    let site = Site::new(cloud, "");
    let check = || {
        site.deployment
            .idtrail(&["check", "--live", "--json", "--quiet"])
    };
    let complete = check();
    assert_eq!(complete.code, Some(0), "{complete:?}");
    for action in Site::stock_actions() {
        site.grant_all_but(Some(&action));
        let lacking = check();
        assert_ne!(lacking.code, Some(0), "{action}: {lacking:?}");
        let said = lacking.object().to_string();
        assert!(said.contains(&action), "{action} is not in {said}");
    }
}

/// A service without an action refuses to start and names it, or does its work
/// all the same; with it, everything is made good.
#[test]
fn a_service_that_lacks_an_action_names_it_or_works() {
    let Some(cloud) = cloud() else {
        return;
    };
    // What a start that failed had received comes again soon, and often.
    let site = Site::new(cloud, "visibility_timeout_secs: 4\n");
    site.receive_without_end();
    let mut numbers = 0..;
    let mut sent = Vec::new();
    for action in Site::stock_actions() {
        site.grant_all_but(Some(&action));
        let number = numbers.next().expect("numbers have no end");
        site.send(&events::event(Source::Okta, number), &[("source", "okta")]);
        sent.push(number);
        let mut service = site.deployment.start(&["run"]);
        if service.until(|said| said.contains("running: ")) {
            let mut is_named = false;
            service.await_that(&action, |service| {
                is_named = service.said().contains(&action);
                is_named || site.is_settled(service)
            });
            println!("{action}: {}", if is_named { "named" } else { "works" });
            assert_eq!(service.terminate().code, Some(0), "{action}");
        } else {
            let ended = service.wait();
            println!("{action}: {}", ended.stderr.trim());
            assert_eq!(ended.code, Some(3), "{action}: {ended:?}");
            let line = ended.stderr.lines().find(|line| line.contains(&action));
            let line = line.unwrap_or_else(|| panic!("{action} is not in {ended:?}"));
            assert!(line.contains("arn:aws:"), "{action}: {ended:?}");
            assert!(!NEEDED_LATER.contains(&action.as_str()), "{action}");
        }
    }
    site.grant_all_but(None);
    let mut service = site.serve();
    site.settle(&mut service);
    assert_eq!(service.terminate().code, Some(0));
    let folder = site.deployment.path("events");
    events::write_of(&folder, Source::Okta, &sent);
    site.check_rows(&folder);
    assert_eq!(site.dead_letters(), 0);
}

/// Only queries need these: a service starts without them.
const NEEDED_LATER: [&str; 4] = [
    "athena:StartQueryExecution",
    "athena:GetQueryExecution",
    "athena:GetQueryResults",
    "glue:GetTable",
];

/// Sends three events and an object of three more.
fn send(site: &Site, senders: &Senders<'_>, next: &mut u64) {
    let mut lines = Vec::new();
    for _ in 0..6 {
        lines.push(events::event(Source::Okta, *next));
        *next += 1;
    }
    let (messages, object) = lines.split_at(3);
    for line in messages {
        site.send(line, &[("source", "okta")]);
    }
    senders.send(Form::Object, Source::Okta, object);
}

/// Waits until the log has this, after what it had before.
fn await_line(service: &mut Running, before: usize, says: &str) {
    let named = service.until(|said| said[before..].contains(says));
    assert!(named, "{says}: {:?}", service.try_wait());
}

#[test]
fn t20_what_is_taken_from_a_running_service_is_named_and_costs_nothing() {
    let Some(cloud) = cloud() else {
        return;
    };
    // Messages in hand come again before the test has waited long.
    let site = Site::new(cloud, "visibility_timeout_secs: 4\n");
    let senders = Senders::new(&site);
    let mut service = site.serve();
    let mut next = 0;
    let mut lack = |name: &str, take: &dyn Fn(), give: &dyn Fn()| {
        send(&site, &senders, &mut next);
        site.settle(&mut service);
        let before = service.said().len();
        take();
        send(&site, &senders, &mut next);
        await_line(&mut service, before, name);
        give();
        send(&site, &senders, &mut next);
        site.settle(&mut service);
        println!("{name} was named");
    };
    for action in NEEDED {
        let take = || site.grant_all_but(Some(action));
        lack(action, &take, &|| site.grant_all_but(None));
    }
    lack("s3:GetObject", &|| site.grant_source(false), &|| {
        site.grant_source(true);
    });
    assert_eq!(service.terminate().code, Some(0));
    let folder = site.deployment.path("events");
    events::write_of(&folder, Source::Okta, &(0..next).collect::<Vec<_>>());
    site.check_rows(&folder);
    assert_eq!(site.dead_letters(), 0);
}

#[test]
fn t20_taking_events_in_needs_no_query_and_removes_no_file() {
    let Some(cloud) = cloud() else {
        return;
    };
    let site = Site::new(cloud, "");
    site.collect_soon();
    site.grant_ingest_only();
    let senders = Senders::new(&site);
    let mut service = site.serve();
    let mut next = 0;
    for _ in 0..8 {
        send(&site, &senders, &mut next);
        site.settle(&mut service);
    }
    assert_eq!(service.terminate().code, Some(0));
    site.check_collected();
    let folder = site.deployment.path("events");
    events::write_of(&folder, Source::Okta, &(0..next).collect::<Vec<_>>());
    site.check_rows(&folder);
}

/// Starts what cannot work, and asserts what it says.
fn check_refused(site: &Site, says: &[&str]) {
    let ended = site.deployment.idtrail(&["run"]);
    assert_eq!(ended.code, Some(3), "{says:?}: {ended:?}");
    for word in says {
        assert!(ended.stderr.contains(word), "{word:?} is not in {ended:?}");
    }
}

#[test]
fn what_is_missing_or_wrong_is_told_at_the_start() {
    let Some(cloud) = cloud() else {
        return;
    };
    let site = Site::new(cloud, "");
    let settings = fs::read_to_string(site.deployment.path("idtrail.yaml"))
        .expect("the settings were written");
    let names = &site.names;
    let queue = format!("/{}\n", names.queue);
    for (from, to, says) in [
        (
            names.long_term.as_str(),
            "no-such-bucket",
            &["no-such-bucket"][..],
        ),
        (&names.transient, "no-such-bucket", &["no-such-bucket"]),
        (&queue, "/no-such-queue\n", &["no-such-queue"]),
        (
            &format!("bucket_owner: {ACCOUNT}"),
            "bucket_owner: 999999999999",
            &["arn:aws:s3:::", "denied"],
        ),
        (
            &site.proxy.url,
            "http://127.0.0.1:9",
            &["endpoint_url", "cannot be reached"],
        ),
    ] {
        let changed = settings.replace(from, to);
        assert_ne!(changed, settings, "{from}");
        site.deployment.write("idtrail.yaml", changed);
        check_refused(&site, says);
    }
    site.deployment.write("idtrail.yaml", settings);
    drop(site.serve());

    let keys = cloud.call("iam", "list_access_keys", &json!({"UserName": names.user}));
    let key = &keys["AccessKeyMetadata"][0]["AccessKeyId"];
    let parameters = json!({"UserName": names.user, "AccessKeyId": key, "Status": "Inactive"});
    cloud.call("iam", "update_access_key", &parameters);
    check_refused(&site, &["credentials"]);
}
