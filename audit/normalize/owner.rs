//! Whose event it is, read without the rest: what the settings map to a tenant.
//!
//! The same facts as the row's facets, but of Okta: there the log stream that
//! brought the event is asked first, since the event only repeats what a client
//! said of itself.

use std::borrow::Cow;

use super::{
    json::{Invalid, read},
    okta,
    tolerant::object,
};
use crate::{message::Event, row::Text, source::Source};

object! {
    struct Aws<'de> {
        "recipientAccountId" => recipient: Text<'de>,
        "userIdentity" => user: AwsUser<'de>,
    }
}

object! {
    struct AwsUser<'de> {
        "accountId" => account: Text<'de>,
    }
}

object! {
    struct Github<'de> {
        "org" => org: Text<'de>,
    }
}

object! {
    struct Okta<'de> {
        "debugContext" => debug: okta::Debug<'de>,
    }
}

object! {
    struct Teleport<'de> {
        "cluster" => cluster: Text<'de>,
        "cluster_name" => cluster_name: Text<'de>,
    }
}

impl Source {
    /// The AWS account, GitHub organisation, Okta org or Teleport cluster of an
    /// event. `None`: it says none, or is no JSON.
    pub fn owner_of(self, event: &Event) -> Option<Cow<'_, str>> {
        if let Some(owner) = &event.owner {
            return Some(Cow::Borrowed(owner));
        }
        let text = std::str::from_utf8(&event.raw).ok()?;
        self.owner_in(text).ok()?
    }

    fn owner_in(self, text: &str) -> Result<Text<'_>, Invalid> {
        match self {
            Source::Aws => read(text).map(|Aws { recipient, user }| recipient.or(user.account)),
            Source::Github => read(text).map(|Github { org }| org),
            Source::Okta => read(text).map(|Okta { debug }| okta::own_org(&debug)),
            Source::Teleport => read(text).map(
                |Teleport {
                     cluster,
                     cluster_name,
                 }| cluster_name.or(cluster),
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(source: Source, event: &str, stream: Option<&str>, expected: Option<&str>) {
        let event = Event {
            owner: stream.map(Into::into),
            ..Event::of(event.to_owned().into())
        };
        let owner = source.owner_of(&event);
        assert_eq!(owner.as_deref(), expected, "{source} {event:?}");
    }

    #[test]
    fn the_owner_is_read_whatever_else_is_in_the_event() {
        let aws =
            r#"{"userIdentity":{"accountId":"111122223333"},"recipientAccountId":"444455556666"}"#;
        check(Source::Aws, aws, None, Some("444455556666"));
        let aws = r#"{"x":"\ud800","userIdentity":{"accountId":"111122223333"}}"#;
        check(Source::Aws, aws, None, Some("111122223333"));
        check(
            Source::Github,
            r#"{"org":["acme","b"]}"#,
            None,
            Some("acme"),
        );
        check(Source::Github, r#"{"org":[]}"#, None, None);
        check(
            Source::Teleport,
            r#"{"cluster":"a","cluster_name":"b"}"#,
            None,
            Some("b"),
        );
        for source in Source::ALL {
            for event in [
                "",
                "[]",
                "{",
                "null",
                "{}",
                r#"{"org":{},"userIdentity":1}"#,
            ] {
                check(source, event, None, None);
            }
        }
    }

    #[test]
    fn of_an_okta_event_its_log_stream_is_believed_first() {
        let own = r#"{"debugContext":{"debugData":{"origin":"https://beta.okta.com"}}}"#;
        check(Source::Okta, own, None, Some("beta"));
        check(Source::Okta, own, Some("acme"), Some("acme"));
        check(Source::Okta, "{}", Some("acme"), Some("acme"));
        check(Source::Okta, "{}", None, None);
    }
}
