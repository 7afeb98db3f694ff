//! A key needs no hashing.

use std::hash::Hasher;

/// A key is the output of a keyed hash: its low half needs no hashing.
#[derive(Debug, Default)]
pub(super) struct AlreadyHashed(u64);

impl Hasher for AlreadyHashed {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        // Only `write_u128` is called by `Key`'s derived `Hash`.
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u128(&mut self, key: u128) {
        let bytes = key.to_le_bytes();
        let (low, high) = bytes.split_at(8);
        self.0 = u64::from_le_bytes(low.try_into().expect("half of sixteen bytes"))
            ^ u64::from_le_bytes(high.try_into().expect("half of sixteen bytes"));
    }
}
