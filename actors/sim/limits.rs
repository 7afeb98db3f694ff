//! Who the processes of a world are, and what is asked of them.

use std::time::Duration;

use audit::{
    journal::{Format, Incarnation},
    journal_id::Gen,
    key::Secret,
};

use super::{dice::Dice, world::STEP_MS};
use crate::journal::{
    Candidate, Folding, Follow, Window,
    leader::Limits,
    replica::{Birth, KeysLimits},
    seal::SealLimits,
    upkeep::UpkeepLimits,
};

/// What every candidate of one world would begin a journal with.
pub(super) fn birth(dice: &mut Dice) -> Birth {
    let secret = Secret([dice.next(), dice.next(), dice.next(), dice.next()]);
    Birth {
        generation: Gen(dice.next()),
        secret,
    }
}

pub(super) fn candidate(dice: &mut Dice, birth: Birth, format: Format) -> Candidate {
    Candidate {
        incarnation: Incarnation(dice.next()),
        format,
        birth,
    }
}

/// A third of all processes fence at once, a third follow warm, a third cold.
fn follow(candidate: &Candidate, keep: Duration) -> Option<Follow> {
    let warm = match candidate.incarnation.0 / 4 % 3 {
        0 => return None,
        kind => kind == 1,
    };
    let silence = Duration::from_millis(1_500 + candidate.incarnation.0 / 12 % 1_000);
    Some(Follow {
        silence,
        warm,
        trusted: keep / 4,
    })
}

/// What is alike for all processes of a world.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shared {
    pub(super) birth: Birth,
    /// How many steps old objects are when they are removed.
    pub(super) keep: u64,
    /// Of the dedup window.
    pub(super) reach_ms: i64,
}

pub(super) fn limits(candidate: &Candidate, shared: Shared) -> (Limits, UpkeepLimits) {
    let keep = Duration::from_millis(shared.keep * STEP_MS);
    let limits = Limits {
        window: Window {
            reach_ms: shared.reach_ms,
            bytes_max: u64::MAX,
            // Most of what the filters say is false.
            folding: Folding { keys: 4, mask: 7 },
        },
        heartbeat: Duration::from_secs(5),
        keep,
        seal: SealLimits {
            age_ms: 0,
            rows: 6,
            raw_bytes: u64::MAX,
            open_max: 2,
        },
        follow: follow(candidate, keep),
    };
    let upkeep = UpkeepLimits {
        // Where nothing is kept, much is collected.
        every: keep.max(Duration::from_millis(250)),
        objects: if keep.is_zero() { 3 } else { 8 },
        keep,
        keys: KeysLimits {
            inline_max: (candidate.incarnation.0 % 5) as usize,
            object_max: 3,
        },
    };
    (limits, upkeep)
}
