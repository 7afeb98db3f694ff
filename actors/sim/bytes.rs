//! Objects of the journal as bytes: read, and spoilt.

use audit::{
    journal::{Checkpoint, Keys},
    journal_id::Seq,
};
use bytes::Bytes;

/// As an object's frame says it.
pub(super) fn version(object: &Bytes) -> u16 {
    let bytes = object.get(8..10).and_then(|two| two.try_into().ok());
    bytes.map_or(0, u16::from_le_bytes)
}

/// A keys object that has forgotten its keys.
pub(super) fn without(keys: &Bytes) -> Bytes {
    match Keys::decode(keys) {
        Ok(keys) => {
            let spans = Vec::new();
            Keys { spans, ..keys }.encode().bytes
        }
        Err(_) => keys.clone(),
    }
}

/// A checkpoint that forgets up to where keys were covered, if it names no keys
/// object of before that.
pub(super) fn uncovered(checkpoint: &Bytes) -> Bytes {
    match Checkpoint::decode(checkpoint) {
        Ok(mut forgetful)
            if forgetful
                .keys
                .iter()
                .all(|keys| keys.upto > forgetful.covered) =>
        {
            forgetful.covered = Seq::ZERO;
            forgetful.encode().bytes
        }
        _ => checkpoint.clone(),
    }
}
