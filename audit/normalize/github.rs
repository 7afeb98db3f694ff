//! The GitHub audit log (Enterprise Cloud, and Enterprise Server's).
//!
//! Choices where the mapping leaves one:
//! * Enterprise Server nests `_document_id` and a fuller `actor_location` in
//!   `data`: both are read there, too.
//! * `origin` without `org` is the enterprise (`business`), else the owner of
//!   the repository; `github_organization` is `org` alone, as an owner may be a
//!   person. Of a list of organisations the first.
//! * Without an actor, a deploy key is a `bot`, other git access `anonymous`,
//!   everything else `unknown`.
//! * An event says that it failed by its verb (`user.failed_login`,
//!   `…challenge_failure`, `protected_branch.rejected_ref_update`) or by the
//!   `conclusion` of a workflow run.
//! * Whom or what an action concerns: [`super::github_target`].

use std::borrow::Cow;

use super::{
    address, country,
    github_target::{Subjects, target},
    text::{email, part},
    time::Millis,
    tolerant::object,
};
use crate::{
    row::{IdentityKind, Place, Row, Status, Text},
    source::Source,
};

object! {
    pub(super) struct Event<'de> {
        "@timestamp" => timestamp: Option<Millis>,
        "_document_id" => id: Text<'de>,
        "action" => action: Text<'de>,
        "actor" => actor: Text<'de>,
        "actor_ip" => address: Text<'de>,
        "actor_is_bot" => is_bot: Option<bool>,
        "actor_location" => place: Location<'de>,
        "blocked_user" => blocked_user: Text<'de>,
        "business" => business: Text<'de>,
        "business_id" => business_id: Text<'de>,
        "conclusion" => conclusion: Text<'de>,
        "config" => config: Config<'de>,
        "created_at" => created_at: Option<Millis>,
        "data" => data: Data<'de>,
        "external_identity_nameid" => name_id: Text<'de>,
        "external_identity_username" => external_name: Text<'de>,
        "hashed_token" => hashed_token: Text<'de>,
        "hook_id" => hook_id: Text<'de>,
        "integration" => integration: Text<'de>,
        "name" => name: Text<'de>,
        "oauth_application" => oauth_application: Text<'de>,
        "oauth_application_id" => oauth_application_id: Text<'de>,
        "oauth_application_name" => oauth_application_name: Text<'de>,
        "org" => org: Text<'de>,
        "org_id" => org_id: Text<'de>,
        "programmatic_access_type" => access: Text<'de>,
        "repo" => repo: Text<'de>,
        "repo_id" => repo_id: Text<'de>,
        "repository" => repository: Text<'de>,
        "repository_id" => repository_id: Text<'de>,
        "team" => team: Text<'de>,
        "token_id" => token_id: Text<'de>,
        "user" => user: Text<'de>,
        "user_agent" => user_agent: Text<'de>,
        "user_id" => user_id: Text<'de>,
        "user_programmatic_access_id" => access_id: Text<'de>,
        "user_programmatic_access_name" => access_name: Text<'de>,
    }
}

object! {
    struct Config<'de> {
        "url" => url: Text<'de>,
    }
}

object! {
    /// What Enterprise Server and older exports nest.
    struct Data<'de> {
        "_document_id" => id: Text<'de>,
        "actor_location" => place: Location<'de>,
        "hook_id" => hook_id: Text<'de>,
        "team" => team: Text<'de>,
    }
}

object! {
    struct Location<'de> {
        "city" => city: Text<'de>,
        "country_code" => country_code: Text<'de>,
        "country_name" => country_name: Text<'de>,
        "location" => point: Point,
        "region_name" => region: Text<'de>,
    }
}

object! {
    struct Point {
        "lat" => latitude: Option<f64>,
        "lon" => longitude: Option<f64>,
    }
}

pub(super) fn row(event: Event<'_>) -> Row<'_> {
    let mut row = Row::of(Source::Github);
    let action = event.action.as_deref().unwrap_or_default();
    let repo = full_name(event.repo.or(event.repository), event.org.as_deref());
    row.identity_kind = kind(
        event.actor.as_deref(),
        event.is_bot,
        event.access.as_deref(),
        action,
    );
    row.status = status(action, event.conclusion.as_deref());
    row.target = target(
        action,
        Subjects {
            actor: event.actor.clone(),
            repo: (repo.clone(), event.repo_id.or(event.repository_id)),
            org: (event.org.clone(), event.org_id),
            user: (event.user.or(event.blocked_user), event.user_id),
            team: (event.team.or(event.data.team), None),
            hook: (event.config.url, event.hook_id.or(event.data.hook_id)),
            app: (
                (event.integration)
                    .or(event.oauth_application_name)
                    .or(event.oauth_application),
                event.oauth_application_id,
            ),
            token: (event.access_name, event.access_id),
            business: (event.business.clone(), event.business_id),
            name: event.name,
        },
    );
    let address = [&event.name_id, &event.external_name]
        .into_iter()
        .find_map(|id| id.as_ref().and_then(email));
    let owner = || repo.as_ref().and_then(|repo| part(repo, owner));
    row.identity_id = address.or_else(|| event.actor.clone());
    row.identity = event.actor;
    row.token = event.hashed_token.or(event.token_id);
    row.origin = (event.org.clone()).or(event.business).or_else(owner);
    row.ip = event.address.as_ref().and_then(address::canonical);
    row.place = place(event.place, event.data.place);
    row.user_agent = event.user_agent;
    row.event_type = event.action.clone();
    row.action = event.action;
    row.event_time = event.timestamp.or(event.created_at).map(Millis::get);
    row.uid = event.id.or(event.data.id);
    row.github_repo = repo;
    row.github_organization = event.org;
    row
}

fn kind(
    actor: Option<&str>,
    is_bot: Option<bool>,
    access: Option<&str>,
    action: &str,
) -> IdentityKind {
    match actor {
        _ if is_bot == Some(true) => IdentityKind::Bot,
        Some(login) if login.ends_with("[bot]") => IdentityKind::Bot,
        Some(_) => IdentityKind::User,
        None if access == Some("deploy_key") => IdentityKind::Bot,
        None if action.starts_with("git.") => IdentityKind::Anonymous,
        None => IdentityKind::Unknown,
    }
}

fn status(action: &str, conclusion: Option<&str>) -> Status {
    let verb = action.rsplit('.').next().unwrap_or_default();
    let failed = verb.split('_').any(|word| word.starts_with("fail"));
    let rejected = verb == "rejected_ref_update";
    let concluded = matches!(
        conclusion,
        Some("failure" | "timed_out" | "startup_failure")
    );
    if failed || rejected || concluded {
        Status::Failure
    } else {
        Status::Success
    }
}

fn place<'a>(own: Location<'a>, nested: Location<'a>) -> Place<'a> {
    let known = own.country_code.is_some() || own.country_name.is_some();
    let found = if known { own } else { nested };
    let by_code = || country::name(found.country_code.as_deref()?).map(Cow::Borrowed);
    let country = found.country_name.clone().or_else(by_code);
    Place {
        country,
        city: found.city,
        region: found.region,
        ..Place::default()
    }
    .at(found.point.latitude, found.point.longitude)
}

fn owner(repo: &str) -> Option<&str> {
    repo.split_once('/').map(|(owner, _)| owner)
}

/// `org/name`, which some events shorten to `name`.
fn full_name<'a>(repo: Text<'a>, org: Option<&str>) -> Text<'a> {
    let repo = repo?;
    match org {
        Some(org) if !repo.contains('/') => Some(Cow::Owned(format!("{org}/{repo}"))),
        _ => Some(repo),
    }
}
