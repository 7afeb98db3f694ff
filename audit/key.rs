//! What makes two deliveries the same event: the dedup key.
//!
//! 128 bits of HighwayHash (Alakuijala, Cox, Wassenberg: "Fast keyed hash/
//! pseudo-random function using SIMD multiply and permute", 2016) over tenant,
//! source and the event's bytes, keyed with a secret that is drawn once per
//! journal, so that nobody outside can make two events collide. Every byte
//! counts: events that differ anywhere are different events, whatever uid they
//! claim. The definition never changes: journals and lakes are full of it.

use std::fmt;

use highway::{HighwayHash, HighwayHasher};

use crate::{source::Source, tenant::Tenant};

/// A fingerprint of one event of one tenant and source.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key(pub u128);

/// XOR of the keys of a set of rows: its fingerprint, whatever the order.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct KeyXor(pub u128);

/// The hash key, drawn with the journal's generation. Stands in the first
/// fence. Not printed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Secret(pub [u64; 4]);

/// First byte of what is hashed for a quarantined event. An event's own begins
/// with its source's code, which is never this.
const QUARANTINE_DOMAIN: u8 = 0xff;

impl Secret {
    /// The key of one event. Tenant and source are framed by their lengths, so
    /// that no two inputs read alike.
    pub fn key(&self, tenant: &Tenant, source: Source, event: &[u8]) -> Key {
        let id = tenant.as_str().as_bytes();
        let length = u8::try_from(id.len()).expect("a tenant id has at most 63 bytes");
        self.hash(&[&[source as u8, length], id, event])
    }

    /// The key of an event that was put aside, whatever tenant it claims. Never
    /// that of an event: one that is replayed is not its own copy.
    pub fn quarantine_key(&self, tenant: &str, source: Option<Source>, raw: &[u8]) -> Key {
        let code = source.map_or(0, |source| source as u8);
        let length = (tenant.len() as u64).to_le_bytes();
        self.hash(&[&[QUARANTINE_DOMAIN, code], &length, tenant.as_bytes(), raw])
    }

    fn hash(&self, parts: &[&[u8]]) -> Key {
        let mut hasher = HighwayHasher::new(highway::Key(self.0));
        parts.iter().for_each(|part| hasher.append(part));
        let [low, high] = hasher.finalize128();
        Key(u128::from(low) | u128::from(high) << 64)
    }
}

impl KeyXor {
    pub fn add(&mut self, key: Key) {
        self.0 ^= key.0;
    }

    pub fn of(keys: impl IntoIterator<Item = Key>) -> KeyXor {
        let mut xor = KeyXor::default();
        keys.into_iter().for_each(|key| xor.add(key));
        xor
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECRET: Secret = Secret([1, 2, 3, 4]);

    fn tenant(id: &str) -> Tenant {
        Tenant::parse(id).expect("valid")
    }

    #[test]
    fn keys_are_those_of_the_first_release() {
        let event = |id, source, event: &str| SECRET.key(&tenant(id), source, event.as_bytes());
        let aside = |id, source, raw: &str| SECRET.quarantine_key(id, source, raw.as_bytes());
        let keys = [
            event("acme", Source::Aws, "{}"),
            event("acme", Source::Github, "{}"),
            event("a", Source::Okta, r#"{"uuid":"1"}"#),
            event("a.b-c_D", Source::Teleport, ""),
            aside("acme", Some(Source::Aws), "{}"),
            aside("acme", None, "{}"),
            aside("../no tenant", Some(Source::Teleport), "{"),
        ];
        assert_eq!(
            keys.map(|key| format!("{key:?}")),
            [
                "57bf3626da469fcb309a1e3de079f34d",
                "0559a94b55c5f555a5d2b001374a71a3",
                "dabd19a11a0ec6659be15460f7bd6627",
                "e2dd73c873920fb0c000d3091eeae85c",
                "b091265f0a1e334f2cceacf1aaa5f571",
                "2ad66cebf09db57e5821baea3c25bb31",
                "786541cc803621a7c1dd669a78589ef2"
            ]
        );
    }

    #[test]
    fn t22_a_forged_copy_of_a_uid_does_not_displace_the_real_event() {
        let real = br#"{"eventID":"1","eventName":"DeleteTrail"}"#;
        let forged = br#"{"eventID":"1","eventName":"ListTrails"}"#;
        let acme = tenant("acme");
        let key = SECRET.key(&acme, Source::Aws, real);
        assert_ne!(key, SECRET.key(&acme, Source::Aws, forged));
        assert_ne!(key, SECRET.key(&acme, Source::Okta, real));
        assert_ne!(key, SECRET.key(&tenant("other"), Source::Aws, real));
        assert_ne!(key, Secret([1, 2, 3, 5]).key(&acme, Source::Aws, real));
        assert_ne!(key, SECRET.quarantine_key("acme", Some(Source::Aws), real));
        assert_eq!(key, SECRET.key(&acme, Source::Aws, &real[..]));
    }

    proptest! {
        #[test]
        fn t22_events_have_one_key_only_if_they_are_equal(
            ids in ("[a-c]{1,3}", "[a-c]{1,3}"),
            sources in (0..4usize, 0..4usize),
            events in ("[a-c]{0,3}", "[a-c]{0,3}"),
        ) {
            let of = |id: &str, source: usize, event: &str| {
                SECRET.key(&tenant(id), Source::ALL[source], event.as_bytes())
            };
            let aside = |id: &str, source: usize, event: &str| {
                SECRET.quarantine_key(id, Some(Source::ALL[source]), event.as_bytes())
            };
            let equal = ids.0 == ids.1 && sources.0 == sources.1 && events.0 == events.1;
            let (first, second) = ((&ids.0, sources.0, &events.0), (&ids.1, sources.1, &events.1));
            prop_assert_eq!(of(first.0, first.1, first.2) == of(second.0, second.1, second.2), equal);
            prop_assert_eq!(aside(first.0, first.1, first.2) == aside(second.0, second.1, second.2), equal);
            prop_assert_ne!(of(first.0, first.1, first.2), aside(second.0, second.1, second.2));
        }

        #[test]
        fn the_xor_of_keys_does_not_mind_their_order(keys in proptest::collection::vec(any::<u128>(), 0..20)) {
            let forward = KeyXor::of(keys.iter().copied().map(Key));
            prop_assert_eq!(KeyXor::of(keys.iter().rev().copied().map(Key)), forward);
        }
    }
}
