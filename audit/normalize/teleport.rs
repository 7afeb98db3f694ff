//! The Teleport audit log.
//!
//! Choices where the mapping leaves one:
//! * A `user` of the shape `<uuid>.<cluster>` is one of Teleport's own
//!   services, whatever `user_kind` 1 claims; kinds 2 and 3 are believed. Of no
//!   stated kind, `system` is the system and `bot-…` a Machine ID bot.
//! * `identity_id` is the user, or who `updated_by` names where there is none.
//! * Device events before 2023 put their success into `status`: it counts like
//!   `success`.
//! * `addr_remote` and SCIM's `request.source_address` are addresses of the
//!   client, too.
//! * A SCIM event calls its cluster `cluster`.
//! * What an event acted on: [`super::teleport_target`].

use super::{
    address,
    teleport_target::{Subjects, target},
    text::email,
    time::Millis,
    tolerant::object,
};
use crate::{
    row::{IdentityKind, Row, Status, Text},
    source::Source,
};

object! {
    pub(super) struct Event<'de> {
        "access_list_name" => access_list: Text<'de>,
        "addr.remote" => remote: Text<'de>,
        "addr_remote" => remote_underscored: Text<'de>,
        "app_name" => app: Text<'de>,
        "app_uri" => app_uri: Text<'de>,
        "cluster" => cluster: Text<'de>,
        "cluster_name" => cluster_name: Text<'de>,
        "code" => code: Text<'de>,
        "db_service" => db: Text<'de>,
        "db_uri" => db_uri: Text<'de>,
        "desktop_addr" => desktop_address: Text<'de>,
        "desktop_name" => desktop: Text<'de>,
        "device" => device: Device<'de>,
        "display" => display: Text<'de>,
        "error" => error: Text<'de>,
        "event" => event: Text<'de>,
        "external_id" => external_id: Text<'de>,
        "id" => id: Text<'de>,
        "kubernetes_cluster" => kube: Text<'de>,
        "mfa_device" => mfa: Mfa<'de>,
        "mfa_device_name" => mfa_name: Text<'de>,
        "mfa_device_uuid" => mfa_id: Text<'de>,
        "name" => name: Text<'de>,
        "path" => path: Text<'de>,
        "request" => request: Request<'de>,
        "resource_type" => resource_type: Text<'de>,
        "serial_number" => certificate: Text<'de>,
        "server_addr" => server_address: Text<'de>,
        "server_hostname" => server: Text<'de>,
        "server_id" => server_id: Text<'de>,
        "session_id" => session: Text<'de>,
        "sid" => sid: Text<'de>,
        "status" => status: Outcome,
        "success" => success: Option<bool>,
        "target" => locked: Locked<'de>,
        "teleport_id" => teleport_id: Text<'de>,
        "time" => time: Option<Millis>,
        "uid" => uid: Text<'de>,
        "updated_by" => updated_by: Text<'de>,
        "user" => user: User<'de>,
        "user_agent" => user_agent: Text<'de>,
        "user_kind" => user_kind: Option<f64>,
        "username" => username: Text<'de>,
    }
}

object! {
    struct User<'de> {
        "name" => name: Text<'de>,
        "user" => user: Text<'de>,
    } else name
}

object! {
    struct Device<'de> {
        "asset_tag" => tag: Text<'de>,
        "credential_id" => credential: Text<'de>,
        "device_id" => id: Text<'de>,
    }
}

object! {
    struct Mfa<'de> {
        "mfa_device_name" => name: Text<'de>,
        "mfa_device_uuid" => id: Text<'de>,
    }
}

object! {
    struct Request<'de> {
        "source_address" => address: Text<'de>,
        "user_agent" => user_agent: Text<'de>,
    }
}

object! {
    struct Outcome {
        "success" => success: Option<bool>,
    }
}

object! {
    /// The target of a lock.
    struct Locked<'de> {
        "role" => role: Text<'de>,
        "user" => user: Text<'de>,
    }
}

pub(super) fn row(event: Event<'_>) -> Row<'_> {
    let mut row = Row::of(Source::Teleport);
    let user = event.user.name.or(event.user.user).or(event.updated_by);
    let cluster = event.cluster_name.or(event.cluster);
    row.identity_kind = kind(user.as_deref(), event.user_kind);
    row.identity_id = user.as_ref().and_then(email).or_else(|| user.clone());
    row.identity = user;
    let success = event.success.or(event.status.success);
    row.status = status(success, event.error.is_some(), event.code.as_deref());
    row.target = target(
        event.event.as_deref().unwrap_or_default(),
        Subjects {
            access_list: event.access_list,
            app: (event.app, event.app_uri),
            db: (event.db, event.db_uri),
            desktop: (
                event.desktop.or_else(|| event.desktop_address.clone()),
                event.desktop_address,
            ),
            device: (event.device.tag, event.device.id),
            id: event.id,
            kube: event.kube,
            locked_role: event.locked.role,
            locked_user: event.locked.user,
            mfa: (
                event.mfa.name.or(event.mfa_name),
                event.mfa.id.or(event.mfa_id),
            ),
            name: event.name,
            path: event.path,
            scim: (
                event.resource_type,
                event.display.or(event.teleport_id),
                event.external_id,
            ),
            server: (event.server, event.server_id, event.server_address),
            username: event.username,
        },
    );
    row.token = (event.sid)
        .or(event.session)
        .or(event.certificate)
        .or(event.device.credential);
    row.action = event.event.clone();
    row.event_type = event.event;
    row.ip = [
        event.remote,
        event.remote_underscored,
        event.request.address,
    ]
    .into_iter()
    .find_map(|socket| socket.as_ref().and_then(address::without_port));
    row.user_agent = event.user_agent.or(event.request.user_agent);
    row.event_time = event.time.map(Millis::get);
    row.uid = event.uid;
    row.origin = cluster.clone();
    row.teleport_cluster = cluster;
    row
}

fn kind(user: Option<&str>, stated: Option<f64>) -> IdentityKind {
    let Some(user) = user else {
        return IdentityKind::Unknown;
    };
    // Teleport's enum, as JSON gives it.
    match stated.map(|kind| kind as i64) {
        Some(2) => IdentityKind::Bot,
        Some(3) => IdentityKind::System,
        _ if is_service(user) => IdentityKind::Service,
        Some(1) => IdentityKind::User,
        _ if user == "system" => IdentityKind::System,
        _ if user.starts_with("bot-") => IdentityKind::Bot,
        _ => IdentityKind::User,
    }
}

/// `<uuid>.<cluster>`.
fn is_service(user: &str) -> bool {
    let Some((id, cluster)) = user.split_once('.') else {
        return false;
    };
    let digits = id.split('-').map(|group| {
        let hexadecimal = group.bytes().all(|byte| byte.is_ascii_hexdigit());
        if hexadecimal { group.len() } else { 0 }
    });
    digits.eq([8, 4, 4, 4, 12]) && !cluster.is_empty()
}

/// `success` decides before `error`, `error` before the letter of the code.
fn status(success: Option<bool>, error: bool, code: Option<&str>) -> Status {
    match (success, code.and_then(|code| code.chars().last())) {
        (Some(true), _) => Status::Success,
        (Some(false), _) => Status::Failure,
        _ if error => Status::Failure,
        (None, Some('I')) => Status::Success,
        (None, Some('W' | 'E')) => Status::Failure,
        _ => Status::Unknown,
    }
}
