//! Whose events they are.
//!
//! Asked in this order, the first answer counts: the settings' tenant of the
//! message's verified sender; a verified credential of push ingest; the
//! attribute `tenant_id`, where attributes are believed; for each event the
//! settings' tenant of its owner (AWS account, GitHub organisation, Okta org,
//! Teleport cluster); the default. Whatever is no valid tenant id never becomes
//! one: such events go to the quarantine.

use std::collections::BTreeMap;

use audit::{
    credential::{self, Grants},
    message::Event,
    source::Source,
    tenant::{InvalidTenant, Tenant},
};

use crate::ports::Message;

/// Characters kept of a tenant id that may be anything.
const CLAIMED_MAX: usize = 128;

/// The rules, fixed at the start.
#[derive(Clone, Debug)]
pub struct Tenants {
    /// By the sender that the queue verified: its whole id (`AROAEXAMPLE:name`),
    /// or the part before the colon.
    pub senders: BTreeMap<String, Tenant>,
    /// Of push ingest, which signs what it sends.
    pub credentials: Grants,
    /// Whether `tenant_id` of a message is believed.
    pub trust_attributes: bool,
    /// By owner of an event, in the order of [`Source::ALL`].
    pub owners: [BTreeMap<String, Tenant>; 4],
    pub default: Tenant,
}

/// What a message says of its tenant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claim {
    /// All its events are this tenant's.
    Of(Tenant),
    /// Nothing: each event's owner decides.
    Silent,
    /// Something that cannot be believed: all its events go to the quarantine.
    Bad { claimed: String, reason: String },
}

impl Tenants {
    /// Everything is the default tenant's, unless the attribute says otherwise.
    pub fn new(default: Tenant, trust_attributes: bool) -> Tenants {
        Tenants {
            senders: BTreeMap::new(),
            credentials: Grants::default(),
            trust_attributes,
            owners: Default::default(),
            default,
        }
    }

    /// Verifies signatures: belongs on the compute pool.
    pub fn of_message(&self, message: &Message) -> Claim {
        let sender = message.sender.as_deref();
        if let Some(tenant) = sender.and_then(|sender| self.of_sender(sender)) {
            return Claim::Of(tenant.clone());
        }
        let claimed = message.attributes.get("tenant_id");
        let credential = message.attributes.get(credential::ATTRIBUTE);
        if let Some(credential) = credential.filter(|_| !self.credentials.is_empty()) {
            return match self.credentials.tenant_of(credential, &message.body) {
                Some(tenant) => Claim::Of(tenant.clone()),
                None => {
                    let claimed = claimed.map_or(self.default.as_str(), String::as_str);
                    Claim::bad(claimed, BAD_CREDENTIAL.to_owned())
                }
            };
        }
        match claimed.filter(|_| self.trust_attributes) {
            None => Claim::Silent,
            Some(id) => match Tenant::parse(id) {
                Ok(tenant) => Claim::Of(tenant),
                Err(InvalidTenant { .. }) => Claim::bad(id, BAD_ATTRIBUTE.to_owned()),
            },
        }
    }

    fn of_sender(&self, sender: &str) -> Option<&Tenant> {
        if self.senders.is_empty() {
            return None;
        }
        let role = || sender.split_once(':').map(|(role, _)| role);
        let whole = self.senders.get(sender);
        whole.or_else(|| self.senders.get(role()?))
    }

    /// Of an event whose message says nothing.
    pub fn of_event(&self, source: Source, event: &Event) -> &Tenant {
        let owners = &self.owners[source as usize - 1];
        if owners.is_empty() {
            return &self.default;
        }
        let owner = source.owner_of(event);
        owner
            .and_then(|owner| owners.get(&*owner))
            .unwrap_or(&self.default)
    }
}

impl Claim {
    fn bad(claimed: &str, reason: String) -> Claim {
        let claimed = claimed.chars().take(CLAIMED_MAX).collect();
        Claim::Bad { claimed, reason }
    }
}

const BAD_ATTRIBUTE: &str = "invalid tenant id: the attribute tenant_id must be 1 to 63 of \
     A-Z a-z 0-9 . _ - beginning with a letter or digit";

const BAD_CREDENTIAL: &str = "the credential is not of this body, or not by a token in \
     http.ingest_tokens: it was forged, or its token was removed";

#[cfg(test)]
mod tests {
    use audit::{credential::Grant, token::Token};
    use bytes::Bytes;

    use super::*;
    use crate::ports::{MessageId, Receipt};

    fn tenant(id: &str) -> Tenant {
        Tenant::parse(id).expect("a valid id")
    }

    fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, Tenant> {
        let pairs = pairs.iter();
        pairs.map(|(k, v)| ((*k).to_owned(), tenant(v))).collect()
    }

    fn grant(tenant: &str) -> Grant {
        let hash = Token::new([7; 32]).hash();
        Grant::parse(&format!("laptop:{tenant}:{hash}")).expect("valid")
    }

    fn rules() -> Tenants {
        Tenants {
            senders: map(&[
                ("AIDAONE", "one"),
                ("AROATWO", "two"),
                ("AROATWO:ann", "ann"),
            ]),
            credentials: Grants::new([grant("pushed")]).expect("one"),
            owners: [
                map(&[("111122223333", "aws-one")]),
                BTreeMap::new(),
                map(&[("acme.okta.com", "okta-one")]),
                BTreeMap::new(),
            ],
            ..Tenants::new(tenant("default"), true)
        }
    }

    fn claim(rules: &Tenants, sender: Option<&str>, attributes: &[(&str, &str)]) -> Claim {
        let attributes = attributes.iter();
        rules.of_message(&Message {
            id: MessageId("m".into()),
            receipt: Receipt("r".into()),
            body: "{}".into(),
            attributes: attributes
                .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
                .collect(),
            sender: sender.map(Into::into),
            sent_at_ms: 0,
            receives: 1,
        })
    }

    #[test]
    fn the_sender_goes_before_the_credential_and_that_before_the_attribute() {
        let rules = rules();
        let (signed, forged) = (grant("pushed").sign(b"{}"), grant("pushed").sign(b"[]"));
        let (id, valid, wrong) = (
            ("tenant_id", "said"),
            ("credential", &*signed),
            ("credential", &*forged),
        );
        for (sender, attributes, expected) in [
            (Some("AIDAONE"), &[id, valid][..], "one"),
            (Some("AROATWO:bob"), &[wrong], "two"),
            (Some("AROATWO:ann"), &[], "ann"),
            (Some("AIDAELSE"), &[id, valid], "pushed"),
            (Some("AIDAELSE"), &[id], "said"),
            (None, &[id], "said"),
        ] {
            let found = claim(&rules, sender, attributes);
            assert_eq!(
                found,
                Claim::Of(tenant(expected)),
                "{sender:?} {attributes:?}"
            );
        }
        assert_eq!(claim(&rules, Some(":"), &[]), Claim::Silent);
        let distrusting = Tenants {
            trust_attributes: false,
            ..rules
        };
        assert_eq!(claim(&distrusting, None, &[id]), Claim::Silent);
    }

    #[test]
    fn t1_a_claim_that_does_not_hold_is_never_believed() {
        let long = "x".repeat(10_000);
        for attributes in [
            [("tenant_id", "../x")],
            [("tenant_id", "")],
            [("tenant_id", &long)],
            [("credential", "forged")],
        ] {
            let Claim::Bad { claimed, reason } = claim(&rules(), None, &attributes) else {
                panic!("{attributes:?} was believed");
            };
            assert!(claimed.len() <= CLAIMED_MAX && !reason.is_empty());
        }
    }

    #[test]
    fn where_the_message_says_nothing_the_owner_of_an_event_decides() {
        let aws = |account: &str| {
            format!(r#"{{"eventVersion":"1.11","recipientAccountId":"{account}"}}"#)
        };
        let event = |raw: String, owner: Option<&str>| Event {
            raw: Bytes::from(raw),
            offset: 0,
            owner: owner.map(Into::into),
        };
        for (source, event, expected) in [
            (Source::Aws, event(aws("111122223333"), None), "aws-one"),
            (Source::Aws, event(aws("444455556666"), None), "default"),
            (
                Source::Okta,
                event("{}".into(), Some("acme.okta.com")),
                "okta-one",
            ),
            (Source::Okta, event("{}".into(), None), "default"),
            (
                Source::Github,
                event(r#"{"org":"acme"}"#.into(), None),
                "default",
            ),
        ] {
            let rules = rules();
            assert_eq!(
                rules.of_event(source, &event).as_str(),
                expected,
                "{event:?}"
            );
        }
    }
}
