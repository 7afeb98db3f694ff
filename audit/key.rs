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

impl Secret {
    /// The key of one event. Tenant and source are framed by their lengths, so
    /// that no two inputs read alike.
    pub fn key(&self, tenant: &Tenant, source: Source, event: &[u8]) -> Key {
        let mut hasher = HighwayHasher::new(highway::Key(self.0));
        let id = tenant.as_str().as_bytes();
        let frame = [source as u8, u8::try_from(id.len()).unwrap_or(u8::MAX)];
        hasher.append(&frame);
        hasher.append(id);
        hasher.append(event);
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
