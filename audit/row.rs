//! One event's columns, before they become Arrow.
//!
//! A row borrows from the event's text wherever it can; only what has to be
//! changed (a lower-cased e-mail address, an escaped string) is owned. An
//! absent fact is `None`, never an empty or telling string.

use std::borrow::Cow;

use crate::{schema::TEXT_COLUMNS, source::Source};

/// A text that an event may give.
pub type Text<'a> = Option<Cow<'a, str>>;

/// Who acted, as a closed set.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum IdentityKind {
    /// A person.
    User,
    /// An app, token or integration.
    Bot,
    /// A machine's or service's assumed role.
    Role,
    /// The provider itself.
    Service,
    System,
    Anonymous,
    #[default]
    Unknown,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Status {
    Success,
    Failure,
    #[default]
    Unknown,
}

/// A place, in the words of the source or of GeoIP.
#[derive(Clone, Default, PartialEq, Debug)]
pub struct Place<'a> {
    pub city: Text<'a>,
    pub country: Text<'a>,
    pub region: Text<'a>,
    pub latitude: Option<f64>,
    pub longitude: Option<f64>,
}

/// What was acted on.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Target<'a> {
    pub resource: Text<'a>,
    pub kind: Text<'a>,
    pub location: Text<'a>,
    pub id: Text<'a>,
}

/// Everything but `event_data`. `event_time` is in milliseconds since 1970.
#[derive(Clone, PartialEq, Debug)]
pub struct Row<'a> {
    pub source: Source,
    pub identity: Text<'a>,
    pub identity_kind: IdentityKind,
    pub identity_id: Text<'a>,
    pub token: Text<'a>,
    pub action: Text<'a>,
    pub origin: Text<'a>,
    pub status: Status,
    pub ip: Text<'a>,
    pub place: Place<'a>,
    pub target: Target<'a>,
    pub user_agent: Text<'a>,
    pub event_type: Text<'a>,
    pub event_time: Option<i64>,
    pub uid: Text<'a>,
    pub aws_account_id: Text<'a>,
    pub aws_service: Text<'a>,
    pub github_organization: Text<'a>,
    pub github_repo: Text<'a>,
    pub okta_org: Text<'a>,
    pub teleport_cluster: Text<'a>,
}

impl IdentityKind {
    pub const fn name(self) -> &'static str {
        match self {
            IdentityKind::User => "user",
            IdentityKind::Bot => "bot",
            IdentityKind::Role => "role",
            IdentityKind::Service => "service",
            IdentityKind::System => "system",
            IdentityKind::Anonymous => "anonymous",
            IdentityKind::Unknown => "unknown",
        }
    }
}

impl Status {
    pub const fn name(self) -> &'static str {
        match self {
            Status::Success => "success",
            Status::Failure => "failure",
            Status::Unknown => "unknown",
        }
    }
}

impl<'a> Place<'a> {
    /// The same place at these coordinates. Out of range, or 0,0, which is how
    /// sources say that they have none, both stay absent.
    #[must_use]
    pub fn at(self, latitude: Option<f64>, longitude: Option<f64>) -> Place<'a> {
        let (Some(lat), Some(lon)) = (latitude, longitude) else {
            return self;
        };
        let valid = (-90.0..=90.0).contains(&lat) && (-180.0..=180.0).contains(&lon);
        if !valid || (lat == 0.0 && lon == 0.0) {
            return self;
        }
        Place {
            latitude,
            longitude,
            ..self
        }
    }

    pub fn is_empty(&self) -> bool {
        *self == Place::default()
    }

    fn into_owned(self) -> Place<'static> {
        Place {
            city: owned(self.city),
            country: owned(self.country),
            region: owned(self.region),
            latitude: self.latitude,
            longitude: self.longitude,
        }
    }
}

impl Target<'_> {
    fn into_owned(self) -> Target<'static> {
        Target {
            resource: owned(self.resource),
            kind: owned(self.kind),
            location: owned(self.location),
            id: owned(self.id),
        }
    }
}

impl<'a> Row<'a> {
    /// A row of which nothing is known but the source.
    pub fn of(source: Source) -> Row<'a> {
        Row {
            source,
            identity: None,
            identity_kind: IdentityKind::default(),
            identity_id: None,
            token: None,
            action: None,
            origin: None,
            status: Status::default(),
            ip: None,
            place: Place::default(),
            target: Target::default(),
            user_agent: None,
            event_type: None,
            event_time: None,
            uid: None,
            aws_account_id: None,
            aws_service: None,
            github_organization: None,
            github_repo: None,
            okta_org: None,
            teleport_cluster: None,
        }
    }

    /// The text columns, in the table's order.
    pub fn texts(&self) -> [Option<&str>; TEXT_COLUMNS] {
        [
            Some(self.source.name()),
            self.identity.as_deref(),
            Some(self.identity_kind.name()),
            self.identity_id.as_deref(),
            self.token.as_deref(),
            self.action.as_deref(),
            self.origin.as_deref(),
            Some(self.status.name()),
            self.ip.as_deref(),
            self.place.city.as_deref(),
            self.place.country.as_deref(),
            self.place.region.as_deref(),
            self.target.resource.as_deref(),
            self.target.kind.as_deref(),
            self.target.location.as_deref(),
            self.target.id.as_deref(),
            self.user_agent.as_deref(),
            self.event_type.as_deref(),
            self.uid.as_deref(),
            self.aws_account_id.as_deref(),
            self.aws_service.as_deref(),
            self.github_organization.as_deref(),
            self.github_repo.as_deref(),
            self.okta_org.as_deref(),
            self.teleport_cluster.as_deref(),
        ]
    }

    /// The same row, borrowing nothing.
    #[must_use]
    pub fn into_owned(self) -> Row<'static> {
        Row {
            source: self.source,
            identity: owned(self.identity),
            identity_kind: self.identity_kind,
            identity_id: owned(self.identity_id),
            token: owned(self.token),
            action: owned(self.action),
            origin: owned(self.origin),
            status: self.status,
            ip: owned(self.ip),
            place: self.place.into_owned(),
            target: self.target.into_owned(),
            user_agent: owned(self.user_agent),
            event_type: owned(self.event_type),
            event_time: self.event_time,
            uid: owned(self.uid),
            aws_account_id: owned(self.aws_account_id),
            aws_service: owned(self.aws_service),
            github_organization: owned(self.github_organization),
            github_repo: owned(self.github_repo),
            okta_org: owned(self.okta_org),
            teleport_cluster: owned(self.teleport_cluster),
        }
    }
}

fn owned(text: Text<'_>) -> Text<'static> {
    text.map(|text| Cow::Owned(text.into_owned()))
}
