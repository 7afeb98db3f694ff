//! What a process is to its journal, for whoever looks on.

use std::time::Duration;

use audit::journal_id::Seq;

use super::{Leader, Phase};
use crate::journal::{claims::Rider, effect::Now, replica::Birth};

/// A file is written only by a leader acknowledged less than this ago.
const FRESH_MS: u64 = 10_000;

/// Nobody knows of a journal that was looked at longer ago than this.
const CURRENT_MS: u64 = 60_000;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Role {
    /// It reads the journal, to lead it or to follow.
    Starting,
    Leader,
    Follower,
    /// It writes no more.
    Released,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Standing {
    pub role: Role,
    /// The slot of the newest object applied.
    pub head: Seq,
    /// The slot of the newest fence applied: it grows with each change of leaders.
    pub epoch: Seq,
    /// It leads, or knows all that the journal says.
    pub is_current: bool,
    /// Milliseconds since it last knew all that the journal says.
    pub lag_ms: Option<u64>,
}

impl Role {
    pub fn name(self) -> &'static str {
        match self {
            Role::Starting => "starting",
            Role::Leader => "leader",
            Role::Follower => "follower",
            Role::Released => "released",
        }
    }
}

impl<R: Rider> Leader<R> {
    pub fn standing(&self, now: Now) -> Standing {
        let (role, lag_ms) = match &self.phase {
            Phase::Serving { .. } => (Role::Leader, Some(0)),
            Phase::Released => (Role::Released, None),
            Phase::Taking(_) => (Role::Starting, None),
            Phase::Following(following) => match following.looked_at_end_ms(now) {
                Some(ago) => (Role::Follower, Some(ago)),
                None => (Role::Starting, None),
            },
        };
        Standing {
            role,
            head: self.replica.head().seq,
            epoch: self.replica.epoch(),
            is_current: lag_ms.is_some_and(|lag| lag < CURRENT_MS),
            lag_ms,
        }
    }

    pub fn is_serving(&self) -> bool {
        matches!(self.phase, Phase::Serving { .. })
    }

    /// Whether the boundary, if it is asked for now, is asked for again.
    #[cfg(test)]
    pub(crate) fn rechecks(&self) -> bool {
        match &self.phase {
            Phase::Taking(takeover) => takeover.rechecks(),
            Phase::Following(following) => following.rechecks(),
            Phase::Serving { .. } | Phase::Released => false,
        }
    }

    pub fn is_released(&self) -> bool {
        matches!(self.phase, Phase::Released)
    }

    /// Whether another process is taken to lead.
    pub fn is_following(&self) -> bool {
        matches!(self.phase, Phase::Following(_))
    }

    /// How long there will be nothing to ask, if nothing is submitted.
    pub fn wait(&self, now: Now) -> Duration {
        match &self.phase {
            Phase::Following(following) => following.wait(now),
            _ => {
                let silent = Duration::from_millis(self.unacknowledged_ms(now));
                let left = self.limits.heartbeat.checked_sub(silent);
                left.filter(|left| !left.is_zero())
                    .unwrap_or(self.limits.heartbeat)
            }
        }
    }

    /// The generation and secret, while serving.
    pub fn birth(&self) -> Option<Birth> {
        self.is_serving().then(|| self.replica.birth()).flatten()
    }

    /// Nothing is open, submitted or being written.
    pub fn is_idle(&self) -> bool {
        self.claims.is_empty()
            && self.outbox.is_empty()
            && matches!(
                self.phase,
                Phase::Serving { writing: None } | Phase::Released
            )
    }

    /// Whether a file may be written now: serving, and acknowledged lately.
    pub fn is_fresh(&self, now: Now) -> bool {
        self.is_serving() && self.unacknowledged_ms(now) < FRESH_MS
    }

    /// Milliseconds since the store last acknowledged an object of ours.
    pub fn unacknowledged_ms(&self, now: Now) -> u64 {
        self.acknowledged_boot_ms
            .map_or(u64::MAX, |at| now.boot_ms.saturating_sub(at))
    }
}
