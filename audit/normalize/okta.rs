//! The Okta System Log.
//!
//! Choices where the mapping leaves one:
//! * Okta writes `unknown` for what it does not know (a sign-in with a wrong
//!   name, a policy's alternate id): that is absent.
//! * `OAuth` clients, apps and API tokens are bots, an `IP address` as actor is
//!   anonymous.
//! * The event itself seldom names its org: it is taken from the host of
//!   `debugData.origin` or `redirectUri` where that is one of Okta's domains;
//!   `-admin`, the admin console of the same org, is taken off. Else it is the
//!   one whose log stream brought the event.
//! * A target without a name is called by its id (`URL Pattern` targets).
//! * A coordinate out of range, and 0,0, is no place.

use std::borrow::Cow;

use super::{
    address,
    text::{email, part},
    time::Millis,
    tolerant::object,
};
use crate::{
    row::{IdentityKind, Place, Row, Status, Target, Text},
    source::Source,
};

object! {
    pub(super) struct Event<'de> {
        "actor" => actor: Entity<'de>,
        "authenticationContext" => authentication: Authentication<'de>,
        "client" => client: Client<'de>,
        "debugContext" => debug: Debug<'de>,
        "eventType" => kind: Text<'de>,
        "outcome" => outcome: Outcome<'de>,
        "published" => published: Option<Millis>,
        "target" => targets: Vec<Entity<'de>>,
        "transaction" => transaction: Transaction<'de>,
        "uuid" => id: Text<'de>,
    }
}

object! {
    /// An actor or a target.
    struct Entity<'de> {
        "alternateId" => alternate: Text<'de>,
        "displayName" => name: Text<'de>,
        "id" => id: Text<'de>,
        "type" => kind: Text<'de>,
    }
}

object! {
    struct Authentication<'de> {
        "externalSessionId" => session: Text<'de>,
    }
}

object! {
    struct Client<'de> {
        "geographicalContext" => place: Geography<'de>,
        "ipAddress" => address: Text<'de>,
        "userAgent" => agent: Agent<'de>,
    }
}

object! {
    struct Agent<'de> {
        "rawUserAgent" => raw: Text<'de>,
    } else raw
}

object! {
    struct Geography<'de> {
        "city" => city: Text<'de>,
        "country" => country: Text<'de>,
        "geolocation" => point: Point,
        "state" => state: Text<'de>,
    }
}

object! {
    struct Point {
        "lat" => latitude: Option<f64>,
        "lon" => longitude: Option<f64>,
    }
}

object! {
    pub(super) struct Debug<'de> {
        "debugData" => data: DebugData<'de>,
    }
}

object! {
    struct DebugData<'de> {
        "origin" => origin: Text<'de>,
        "redirectUri" => redirect: Text<'de>,
    }
}

object! {
    struct Outcome<'de> {
        "result" => result: Text<'de>,
    } else result
}

object! {
    struct Transaction<'de> {
        "detail" => detail: Detail<'de>,
    }
}

object! {
    struct Detail<'de> {
        "requestApiTokenId" => api_token: Text<'de>,
    }
}

/// `stream`: the org whose log stream it came in.
pub(super) fn row<'a>(event: Event<'a>, stream: Option<&'a str>) -> Row<'a> {
    let mut row = Row::of(Source::Okta);
    let actor = known_only(event.actor);
    row.identity_kind = kind(actor.kind.as_deref());
    row.status = status(event.outcome.result.as_deref());
    row.target = target(event.targets, &actor);
    let address = actor.alternate.as_ref().and_then(email);
    row.identity_id = address
        .or_else(|| actor.id.clone())
        .or_else(|| actor.alternate.clone());
    row.identity = actor.name.or(actor.alternate).or(actor.id);
    row.token = known(event.authentication.session).or(event.transaction.detail.api_token);
    let host = host(&event.debug);
    row.okta_org = (host.as_ref().and_then(|host| part(host, org))).or(stream.map(Cow::Borrowed));
    let domain = host.and_then(|host| part(&host, domain));
    row.origin = row.okta_org.as_ref().map(|org| match domain {
        Some(domain) => Cow::Owned(format!("{org}.{domain}")),
        // With a dot in it, it is a host of its own.
        None if org.contains('.') => org.clone(),
        None => Cow::Owned(format!("{org}.okta.com")),
    });
    row.ip = event.client.address.as_ref().and_then(address::canonical);
    row.place = place(event.client.place);
    row.user_agent = event.client.agent.raw;
    row.event_type = event.kind.clone();
    row.action = event.kind;
    row.event_time = event.published.map(Millis::get);
    row.uid = event.id;
    row
}

fn known(text: Text<'_>) -> Text<'_> {
    text.filter(|text| !text.eq_ignore_ascii_case("unknown"))
}

fn known_only(entity: Entity<'_>) -> Entity<'_> {
    Entity {
        alternate: known(entity.alternate),
        name: known(entity.name),
        id: known(entity.id),
        kind: entity.kind,
    }
}

fn kind(actor_type: Option<&str>) -> IdentityKind {
    match actor_type {
        Some("User" | "AppUser") => IdentityKind::User,
        Some("SystemPrincipal") => IdentityKind::System,
        Some("IP address") => IdentityKind::Anonymous,
        Some(app) if app.ends_with("App") || app.contains("Client") || app.contains("Token") => {
            IdentityKind::Bot
        }
        Some("AppInstance" | "ServicePrincipal" | "ServiceAccount") => IdentityKind::Bot,
        _ => IdentityKind::Unknown,
    }
}

fn status(result: Option<&str>) -> Status {
    match result {
        Some("SUCCESS" | "ALLOW") => Status::Success,
        Some("FAILURE" | "DENY" | "RATE_LIMIT" | "ABANDONED") => Status::Failure,
        _ => Status::Unknown,
    }
}

fn target<'a>(targets: Vec<Entity<'a>>, actor: &Entity<'a>) -> Target<'a> {
    let is_actor = |target: &Entity<'a>| match (&target.id, &actor.id) {
        (Some(target), Some(actor)) => target == actor,
        _ => target.alternate.is_some() && target.alternate == actor.alternate,
    };
    let mut others = targets.into_iter().map(known_only);
    match others.find(|target| !is_actor(target)) {
        Some(target) => Target {
            resource: (target.name.or(target.alternate)).or_else(|| target.id.clone()),
            kind: target.kind,
            location: None,
            id: target.id,
        },
        None => Target::default(),
    }
}

fn place(geography: Geography<'_>) -> Place<'_> {
    let Point {
        latitude,
        longitude,
    } = geography.point;
    Place {
        city: geography.city,
        country: geography.country,
        region: geography.state,
        ..Place::default()
    }
    .at(latitude, longitude)
}

/// The org that the event itself names.
pub(super) fn own_org<'a>(debug: &Debug<'a>) -> Text<'a> {
    part(&host(debug)?, org)
}

fn host<'a>(debug: &Debug<'a>) -> Text<'a> {
    [&debug.data.origin, &debug.data.redirect]
        .into_iter()
        .find_map(|url| part(url.as_ref()?, okta_host))
}

/// The host of a URL, if it is an org of Okta's.
fn okta_host(url: &str) -> Option<&str> {
    let rest = url.split_once("://")?.1;
    let host = rest.split(['/', ':', '?', '#']).next()?;
    let domains = [
        "okta.com",
        "oktapreview.com",
        "okta-emea.com",
        "okta-gov.com",
    ];
    domains.contains(&domain(host)?).then_some(host)
}

fn domain(host: &str) -> Option<&str> {
    host.split_once('.').map(|(_, domain)| domain)
}

fn org(host: &str) -> Option<&str> {
    let (org, _) = host.split_once('.')?;
    Some(org.strip_suffix("-admin").unwrap_or(org))
}
