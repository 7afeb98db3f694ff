//! What a Teleport event acted on.
//!
//! Events are named `noun.verb`, with nouns of several words; the first word
//! decides between what is connected to (server, database, app, kube cluster,
//! desktop) and what is administered, which Teleport calls `name` throughout.
//! The kinds of the former are Teleport's protocol words, of the latter the
//! noun itself (`bot`, `role`, `access_list`). A lock's target is who is locked
//! out, a token made for a user that user. A location is the address of the
//! thing where the event has it.

use std::borrow::Cow;

use super::text::word;
use crate::row::{Target, Text};

/// All that an event names.
pub(super) struct Subjects<'a> {
    pub(super) access_list: Text<'a>,
    /// Name and address.
    pub(super) app: (Text<'a>, Text<'a>),
    /// Name and address.
    pub(super) db: (Text<'a>, Text<'a>),
    /// Name and address.
    pub(super) desktop: (Text<'a>, Text<'a>),
    /// Tag and id.
    pub(super) device: (Text<'a>, Text<'a>),
    pub(super) id: Text<'a>,
    pub(super) kube: Text<'a>,
    pub(super) locked_role: Text<'a>,
    pub(super) locked_user: Text<'a>,
    /// Name and id.
    pub(super) mfa: (Text<'a>, Text<'a>),
    pub(super) name: Text<'a>,
    pub(super) path: Text<'a>,
    /// Type, name and id.
    pub(super) scim: (Text<'a>, Text<'a>, Text<'a>),
    /// Name, id and address.
    pub(super) server: (Text<'a>, Text<'a>, Text<'a>),
    pub(super) username: Text<'a>,
}

pub(super) fn target<'a>(event: &str, subjects: Subjects<'a>) -> Target<'a> {
    let (noun, verb) = event.rsplit_once('.').unwrap_or((event, ""));
    let name = subjects.name.clone();
    let known = match noun.split('.').next().unwrap_or_default() {
        "db" if verb == "create" && noun.ends_with("user") => {
            of("db_user", subjects.username.clone(), None, None)
        }
        "db" => of(
            "db",
            subjects.db.0.clone().or(name),
            None,
            subjects.db.1.clone(),
        ),
        "app" | "mcp" => of(
            "app",
            subjects.app.0.clone().or(name),
            None,
            subjects.app.1.clone(),
        ),
        "kube" => of("kube", subjects.kube.clone().or(name), None, None),
        "access_request" => of(
            "access_request",
            subjects.id.clone(),
            subjects.id.clone(),
            None,
        ),
        "lock" => of("user", subjects.locked_user.clone(), None, None)
            .or(of("role", subjects.locked_role.clone(), None, None))
            .or(of("lock", name, None, None)),
        "user" | "reset_password_token" | "privilege_token" | "recovery_token" => {
            of("user", name, None, None)
        }
        "mfa" => of(
            "mfa_device",
            subjects.mfa.0.clone(),
            subjects.mfa.1.clone(),
            None,
        ),
        "device" => of(
            "device",
            subjects.device.0.clone(),
            subjects.device.1.clone(),
            None,
        ),
        "scim" => {
            let (kind, name, id) = subjects.scim.clone();
            of("scim", name, id, None).map(|target| Target {
                kind: kind.or_else(|| word("scim")),
                ..target
            })
        }
        "git" => of("git_repository", subjects.path.clone(), None, None),
        "access_list" => of(
            "access_list",
            subjects.access_list.clone().or(name),
            None,
            None,
        ),
        _ => None,
    };
    known
        .or_else(|| connected(&subjects))
        .or_else(|| administered(noun, subjects.name))
        .unwrap_or_default()
}

/// What a session, a file transfer or a command went to.
fn connected<'a>(subjects: &Subjects<'a>) -> Option<Target<'a>> {
    let (server, server_id, address) = subjects.server.clone();
    of("kube", subjects.kube.clone(), None, None)
        .or_else(|| of("db", subjects.db.0.clone(), None, subjects.db.1.clone()))
        .or_else(|| of("app", subjects.app.0.clone(), None, subjects.app.1.clone()))
        .or_else(|| {
            of(
                "desktop",
                subjects.desktop.0.clone(),
                None,
                subjects.desktop.1.clone(),
            )
        })
        .or_else(|| of("ssh", server, server_id, address))
}

fn administered<'a>(noun: &str, name: Text<'a>) -> Option<Target<'a>> {
    Some(Target {
        resource: Some(name?),
        kind: (!noun.is_empty()).then(|| Cow::Owned(noun.to_owned())),
        location: None,
        id: None,
    })
}

/// A target, if it has a name or an id.
fn of<'a>(
    kind: &'static str,
    name: Text<'a>,
    id: Text<'a>,
    location: Text<'a>,
) -> Option<Target<'a>> {
    Some(Target {
        resource: Some(name.or_else(|| id.clone())?),
        kind: word(kind),
        location,
        id,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(event: &str, expected: (&str, &str)) {
        let text = |text: &'static str| -> Text<'static> { word(text) };
        let subjects = Subjects {
            access_list: text("list"),
            app: (text("wiki"), text("https://wiki.example.com")),
            db: (text("orders"), text("db.example.com:5432")),
            desktop: (None, None),
            device: (text("TAG1"), text("device-1")),
            id: text("request-1"),
            kube: None,
            locked_role: text("ops"),
            locked_user: text("eve"),
            mfa: (text("key"), text("mfa-1")),
            name: text("named"),
            path: text("acme/shop"),
            scim: (text("group"), text("staff"), text("ext-1")),
            server: (text("web-1"), text("server-1"), None),
            username: text("dba"),
        };
        let target = target(event, subjects);
        let shown = (
            target.kind.as_deref().unwrap_or_default(),
            target.resource.as_deref().unwrap_or_default(),
        );
        assert_eq!(shown, expected, "{event}");
    }

    #[test]
    fn the_noun_of_the_event_names_the_target() {
        for (event, expected) in [
            ("db.session.query", ("db", "orders")),
            ("db.session.user.create", ("db_user", "dba")),
            ("app.session.start", ("app", "wiki")),
            ("mcp.session.request", ("app", "wiki")),
            ("kube.request", ("kube", "named")),
            ("access_request.review", ("access_request", "request-1")),
            ("lock.created", ("user", "eve")),
            ("user.create", ("user", "named")),
            ("privilege_token.create", ("user", "named")),
            ("mfa.add", ("mfa_device", "key")),
            ("device.authenticate", ("device", "TAG1")),
            ("scim.update", ("group", "staff")),
            ("git.command", ("git_repository", "acme/shop")),
            ("access_list.member.update", ("access_list", "list")),
            ("exec", ("db", "orders")),
        ] {
            check(event, expected);
        }
    }

    #[test]
    fn what_is_administered_is_of_the_kind_that_the_event_says() {
        let named = administered("auto_update_config", word("config")).expect("it has a name");
        assert_eq!(named.kind.as_deref(), Some("auto_update_config"));
        assert_eq!(administered("role", None), None);
    }
}
