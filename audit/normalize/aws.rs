//! AWS CloudTrail.
//!
//! Choices where the mapping leaves one:
//! * Without `sessionIssuer`, an assumed role's name and ARN come from its
//!   session ARN; the role's path is not in there, so it is taken to have none.
//! * An e-mail address in `userName` (SAML, IAM Identity Center) is the
//!   `identity_id`, like one in a session name.
//! * IAM Identity Center users are named by `onBehalfOf.userId` where they have
//!   no name, and their token is `credentialId`.
//! * `{accountId, invokedBy}` alone: the invoking service is the identity, its
//!   kind is `unknown`, as the event does not say who it acted for.
//! * All sign-in answers count like `ConsoleLogin`: a failed `CheckMfa` or
//!   `SwitchRole` is a failure.
//! * Which request parameter tells the target, and its kind: [`super::aws_target`].

use std::borrow::Cow;

use super::{
    address,
    aws_target::{Parameters, Resource, target},
    text::{email, is_email, part, word},
    time::Millis,
    tolerant::object,
};
use crate::{
    row::{IdentityKind, Row, Status, Text},
    source::Source,
};

object! {
    pub(super) struct Event<'de> {
        "awsRegion" => region: Text<'de>,
        "errorCode" => error_code: Text<'de>,
        "errorMessage" => error_message: Text<'de>,
        "eventID" => id: Text<'de>,
        "eventName" => name: Text<'de>,
        "eventSource" => service: Text<'de>,
        "eventTime" => time: Option<Millis>,
        "eventType" => kind: Text<'de>,
        "insightDetails" => insight: Insight<'de>,
        "recipientAccountId" => recipient: Text<'de>,
        "requestParameters" => parameters: Parameters<'de>,
        "resources" => resources: Vec<Resource<'de>>,
        "responseElements" => response: SignIn<'de>,
        "sourceIPAddress" => address: Text<'de>,
        "userAgent" => user_agent: Text<'de>,
        "userIdentity" => user: User<'de>,
    }
}

object! {
    struct Insight<'de> {
        "eventName" => name: Text<'de>,
        "eventSource" => service: Text<'de>,
    }
}

object! {
    struct User<'de> {
        "accessKeyId" => access_key: Text<'de>,
        "accountId" => account: Text<'de>,
        "arn" => arn: Text<'de>,
        "credentialId" => credential: Text<'de>,
        "invokedBy" => invoked_by: Text<'de>,
        "onBehalfOf" => on_behalf_of: OnBehalfOf<'de>,
        "principalId" => principal: Text<'de>,
        "sessionContext" => session: Session<'de>,
        "type" => kind: Text<'de>,
        "userName" => name: Text<'de>,
    }
}

object! {
    struct OnBehalfOf<'de> {
        "userId" => user: Text<'de>,
    }
}

object! {
    struct Session<'de> {
        "sessionIssuer" => issuer: Issuer<'de>,
    }
}

object! {
    struct Issuer<'de> {
        "arn" => arn: Text<'de>,
        "userName" => name: Text<'de>,
    }
}

object! {
    /// The `responseElements` of `signin.amazonaws.com`.
    struct SignIn<'de> {
        "CheckMfa" => check_mfa: Text<'de>,
        "ConsoleLogin" => console_login: Text<'de>,
        "ExitRole" => exit_role: Text<'de>,
        "PasswordUpdated" => password_updated: Text<'de>,
        "SwitchRole" => switch_role: Text<'de>,
    }
}

/// Name, kind and id of who acted.
type Who<'a> = (Text<'a>, IdentityKind, Text<'a>);

pub(super) fn row(event: Event<'_>) -> Row<'_> {
    let mut row = Row::of(Source::Aws);
    row.status = status(&event);
    row.action = event.name.or(event.insight.name);
    row.aws_service = event
        .service
        .or(event.insight.service)
        .and_then(|host| part(&host, without_domain));
    row.event_type = event.kind;
    row.event_time = event.time.map(Millis::get);
    row.uid = event.id;
    row.origin = event.recipient.clone();
    row.aws_account_id = event.recipient.or_else(|| event.user.account.clone());
    row.ip = event.address.as_ref().and_then(address::canonical);
    row.user_agent = event.user_agent;
    row.target = target(event.resources, event.parameters);
    row.target.location = event.region;
    row.token = (event.user.access_key.clone()).or_else(|| event.user.credential.clone());
    (row.identity, row.identity_kind, row.identity_id) = who(event.user);
    row
}

fn status(event: &Event<'_>) -> Status {
    let SignIn {
        check_mfa,
        console_login,
        exit_role,
        password_updated,
        switch_role,
    } = &event.response;
    let answers = [
        console_login,
        check_mfa,
        switch_role,
        exit_role,
        password_updated,
    ];
    let refused = answers
        .into_iter()
        .any(|answer| answer.as_deref() == Some("Failure"));
    if refused || event.error_code.is_some() || event.error_message.is_some() {
        Status::Failure
    } else {
        Status::Success
    }
}

fn who(user: User<'_>) -> Who<'_> {
    use IdentityKind::{Role, Service, Unknown, User as Person};
    match user.kind.as_deref() {
        Some("AssumedRole") => assumed_role(user),
        Some("Root") => (word("root"), Person, stable_id(user)),
        Some("AWSService") => (
            named(user.invoked_by.clone(), &user),
            Service,
            stable_id(user),
        ),
        Some("AWSAccount") => (named(user.account.clone(), &user), Unknown, stable_id(user)),
        Some(
            "IAMUser" | "IdentityCenterUser" | "FederatedUser" | "SAMLUser" | "WebIdentityUser",
        ) => (named(user.name.clone(), &user), Person, stable_id(user)),
        Some("Role") => (named(user.name.clone(), &user), Role, stable_id(user)),
        _ => (named(user.name.clone(), &user), Unknown, stable_id(user)),
    }
}

/// `first`, else what else an identity can be called by.
fn named<'a>(first: Text<'a>, user: &User<'a>) -> Text<'a> {
    let of_arn = || user.arn.as_ref().and_then(|arn| part(arn, last));
    first
        .or_else(of_arn)
        .or_else(|| user.principal.clone())
        .or_else(|| user.on_behalf_of.user.clone())
        .or_else(|| user.invoked_by.clone())
        .or_else(|| user.account.clone())
}

fn stable_id(user: User<'_>) -> Text<'_> {
    let of_name = user.name.as_ref().and_then(email);
    of_name
        .or(user.arn)
        .or(user.principal)
        .or(user.on_behalf_of.user)
        .or(user.account)
        .or(user.invoked_by)
}

/// The person in the session name of an SSO role or where it is an e-mail
/// address, else the role. The session ARN changes with each session and is
/// never an id.
fn assumed_role(mut user: User<'_>) -> Who<'_> {
    let Issuer { arn, name } = std::mem::take(&mut user.session.issuer);
    let of_arn = |cut| user.arn.as_ref().and_then(|arn| part(arn, cut));
    let of_principal = || {
        user.principal
            .as_ref()
            .and_then(|id| part(id, session_of_principal))
    };
    let role = name.or_else(|| of_arn(role_of_session));
    let session = of_arn(session_of_arn).or_else(of_principal);
    let role_arn = arn.or_else(|| of_arn_role(user.arn.as_deref()?));
    let address = session.as_ref().and_then(email);

    let sso = role
        .as_deref()
        .is_some_and(|role| role.starts_with("AWSReservedSSO_"));
    let person = session.filter(|session| sso || is_email(session));
    let kind = match person {
        Some(_) => IdentityKind::User,
        None => IdentityKind::Role,
    };
    let name = person.or(role).or_else(|| user.name.clone());
    let id = address
        .or(role_arn)
        .or_else(|| user.principal.clone())
        .or_else(|| user.account.clone());
    (name.or_else(|| named(None, &user)), kind, id)
}

fn without_domain(host: &str) -> Option<&str> {
    Some(host.strip_suffix(".amazonaws.com").unwrap_or(host))
}

/// `bob` of `arn:aws:iam::111122223333:user/staff/bob`.
fn last(arn: &str) -> Option<&str> {
    arn.rsplit(['/', ':']).next()
}

/// `(role, session)` of `arn:aws:sts::111122223333:assumed-role/role/session`.
fn assumed(arn: &str) -> Option<(&str, Option<&str>)> {
    let resource = arn.splitn(6, ':').nth(5)?.strip_prefix("assumed-role/")?;
    Some(match resource.split_once('/') {
        Some((role, session)) => (role, Some(session)),
        None => (resource, None),
    })
}

fn role_of_session(arn: &str) -> Option<&str> {
    assumed(arn).map(|(role, _)| role)
}

fn session_of_arn(arn: &str) -> Option<&str> {
    assumed(arn)?.1
}

/// `session` of `AROAEXAMPLE:session`.
fn session_of_principal(id: &str) -> Option<&str> {
    id.split_once(':').map(|(_, session)| session)
}

/// The role's ARN from the ARN of a session of it.
fn of_arn_role(arn: &str) -> Text<'static> {
    let (role, _) = assumed(arn)?;
    let mut parts = arn.split(':').skip(1);
    let partition = parts.next()?;
    let account = parts.nth(2)?;
    Some(Cow::Owned(format!(
        "arn:{partition}:iam::{account}:role/{role}"
    )))
}
