//! Who may push events, and how the reader of a message knows who did.
//!
//! A [`Grant`] binds a token, of which it has the hash, to a name and a tenant.
//! What is pushed with the token is sent with the message attribute
//! [`ATTRIBUTE`]: the grant's name and an HMAC-SHA256 of the body under the
//! token's hash. Whoever has the same settings can verify it, so that the
//! tenant of what was pushed is known even where the attributes of a message
//! are not believed. A signature says nothing about other attributes.

use std::{collections::BTreeMap, sync::Arc};

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use crate::{
    tenant::{InvalidTenant, Tenant},
    token::{Hash, Token, hex, unhex},
};

/// The message attribute: `<name>:<HMAC-SHA256 of the body, hexadecimal>`.
pub const ATTRIBUTE: &str = "credential";

/// One token: who has it, and whose events may be pushed with it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Grant {
    name: Arc<str>,
    tenant: Tenant,
    hash: Hash,
}

/// All tokens, by name.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Grants(BTreeMap<Arc<str>, Grant>);

#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum InvalidGrant {
    #[error("expects name:tenant:sha256, as `idtrail token new` prints it")]
    Form,
    #[error(
        "invalid name {0:?}: 1 to 63 of A-Z a-z 0-9 . _ - are allowed, the first a letter or digit"
    )]
    Name(String),
    #[error(transparent)]
    Tenant(#[from] InvalidTenant),
    #[error("{0}: expects the token's SHA-256, 64 hexadecimal digits, as its last part")]
    Hash(Arc<str>),
    #[error(
        "{0}: the token itself stands here, where only its SHA-256 may: make a new one with \
         `idtrail token new`"
    )]
    Secret(Arc<str>),
    #[error("names {0} twice: each token needs a name of its own")]
    Twice(Arc<str>),
}

impl Grant {
    /// `name:tenant:sha256`.
    pub fn parse(text: &str) -> Result<Grant, InvalidGrant> {
        let mut parts = text.splitn(3, ':').map(str::trim);
        let (Some(name), Some(tenant), Some(hash)) = (parts.next(), parts.next(), parts.next())
        else {
            return Err(InvalidGrant::Form);
        };
        // The rule of tenants will do: it ends up in log lines and attributes.
        if Tenant::parse(name).is_err() {
            return Err(InvalidGrant::Name(name.chars().take(64).collect()));
        }
        let (name, tenant): (Arc<str>, _) = (name.into(), Tenant::parse(tenant)?);
        match Hash::parse(hash) {
            Some(hash) => Ok(Grant { name, tenant, hash }),
            None if Token::parse(hash).is_ok() => Err(InvalidGrant::Secret(name)),
            None => Err(InvalidGrant::Hash(name)),
        }
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    pub fn tenant(&self) -> &Tenant {
        &self.tenant
    }

    /// The value of [`ATTRIBUTE`] for a message with this body.
    pub fn sign(&self, body: &[u8]) -> String {
        let signature = self.mac(body).finalize().into_bytes();
        format!("{}:{}", self.name, hex(&signature))
    }

    fn mac(&self, body: &[u8]) -> Hmac<Sha256> {
        let key = self.hash.as_bytes();
        Hmac::new_from_slice(key)
            .expect("a key of any length will do")
            .chain_update(body)
    }
}

impl Grants {
    pub fn new(grants: impl IntoIterator<Item = Grant>) -> Result<Grants, InvalidGrant> {
        let mut known = BTreeMap::new();
        for grant in grants {
            let name = Arc::clone(&grant.name);
            if known.insert(Arc::clone(&name), grant).is_some() {
                return Err(InvalidGrant::Twice(name));
            }
        }
        Ok(Grants(known))
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn named(&self, name: &str) -> Option<&Grant> {
        self.0.get(name)
    }

    /// The grant of this token. Takes as long whichever it is, or none.
    pub fn of_token(&self, token: &Token) -> Option<&Grant> {
        let hash = token.hash();
        self.0.values().fold(None, |found, grant| {
            let same = grant.hash == hash;
            if same { Some(grant) } else { found }
        })
    }

    /// The tenant of a message that was pushed: the value of its [`ATTRIBUTE`]
    /// must be the signature of its body by one of these.
    pub fn tenant_of(&self, credential: &str, body: &[u8]) -> Option<&Tenant> {
        let (name, signature) = credential.split_once(':')?;
        let grant = self.named(name)?;
        let signature = unhex::<32>(signature)?;
        grant.mac(body).verify_slice(&signature).ok()?;
        Some(&grant.tenant)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(seed: u8) -> Token {
        Token::new([seed; 32])
    }

    fn grant(name: &str, tenant: &str, seed: u8) -> Grant {
        let text = format!("{name}:{tenant}:{}", token(seed).hash());
        Grant::parse(&text).expect("valid")
    }

    fn grants() -> Grants {
        Grants::new([grant("laptop", "acme", 1), grant("handler", "beta", 2)]).expect("two names")
    }

    #[test]
    fn a_token_opens_its_own_grant_and_no_other() {
        let grants = grants();
        let name = |seed| grants.of_token(&token(seed)).map(Grant::name);
        assert_eq!(name(1), Some("laptop"));
        assert_eq!(name(2), Some("handler"));
        assert_eq!(name(3), None);
        assert_eq!(Grants::default().of_token(&token(1)), None);
    }

    #[test]
    fn a_signature_tells_the_tenant_of_this_body_alone() {
        let grants = grants();
        let signed = grant("laptop", "acme", 1).sign(b"body");
        let tenant = |credential: &str, body: &[u8]| {
            let tenant = grants.tenant_of(credential, body);
            tenant.map(|tenant| tenant.as_str().to_owned())
        };
        assert_eq!(tenant(&signed, b"body").as_deref(), Some("acme"));
        let (_, signature) = signed.split_once(':').expect("two parts");
        let forged = grant("laptop", "acme", 3).sign(b"body");
        for (credential, body) in [
            (signed.as_str(), b"bodx".as_slice()),
            (&forged, b"body"),
            (&format!("handler:{signature}"), b"body"),
            (&format!("nobody:{signature}"), b"body"),
            (&signed[..signed.len() - 2], b"body"),
            ("laptop:", b"body"),
            ("laptop", b"body"),
            ("", b""),
        ] {
            assert_eq!(tenant(credential, body), None, "{credential}");
        }
    }

    #[test]
    fn the_signature_is_the_one_that_is_documented() {
        // RFC 2104 with SHA-256, key: the 32 bytes of the token's SHA-256.
        let signed = grant("laptop", "acme", 1).sign(b"body");
        let mac = Hmac::<Sha256>::new_from_slice(token(1).hash().as_bytes()).expect("any key");
        let bytes = mac.chain_update(b"body").finalize().into_bytes();
        assert_eq!(signed, format!("laptop:{}", hex(&bytes)));
    }

    #[test]
    fn t1_what_is_no_grant_says_what_to_do() {
        let hash = token(1).hash().to_string();
        for (text, part) in [
            ("", "name:tenant:sha256"),
            ("laptop:acme", "name:tenant:sha256"),
            (&format!(":acme:{hash}"), "invalid name"),
            (&format!("a/b:acme:{hash}"), "invalid name"),
            (&format!("laptop:../x:{hash}"), "invalid tenant"),
            (&format!("laptop:_quarantine:{hash}"), "invalid tenant"),
            ("laptop:acme:12", "64 hexadecimal digits"),
            (&format!("laptop:acme:{hash}:x"), "64 hexadecimal digits"),
            (
                &format!("laptop:acme:{}", token(1).reveal()),
                "make a new one",
            ),
        ] {
            let error = Grant::parse(text).expect_err(text).to_string();
            assert!(error.contains(part), "{text:?} gave {error:?}");
            assert!(!error.contains("idt_"), "{error:?} shows the secret");
        }
        let twice = Grants::new([grant("laptop", "a", 1), grant("laptop", "b", 2)]);
        assert_eq!(twice, Err(InvalidGrant::Twice("laptop".into())));
    }
}
