//! The numbers that must add up: received = stored + duplicate + quarantined.
//!
//! Each journal object carries the delta of its own events, by tenant, source
//! and hour of arrival, so that the sums survive crashes: an event is counted
//! in the very object that makes it durable. Messages that hold no event by
//! design (test notices, digests) are counted as skipped, beside the sum.

use std::{
    collections::BTreeMap,
    ops::{AddAssign, Sub},
};

use crate::{source::Source, tenant::Tenant};

/// What is counted for one tenant, source and hour.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug, serde::Serialize)]
pub struct Counts {
    pub received: u64,
    pub stored: u64,
    pub duplicate: u64,
    pub quarantined: u64,
    pub skipped: u64,
}

/// `None` where the tenant or source could not be told: such events are
/// quarantined.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Account {
    pub tenant: Option<Tenant>,
    pub source: Option<Source>,
    /// Hours since 1970, of the time the message was sent to the queue.
    pub hour: u32,
}

#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Accounting(pub BTreeMap<Account, Counts>);

/// What was counted at all hours, by tenant and source.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Totals(pub BTreeMap<(Option<Tenant>, Option<Source>), Counts>);

impl Counts {
    pub fn adds_up(&self) -> bool {
        self.received == self.stored + self.duplicate + self.quarantined
    }

    pub fn is_zero(&self) -> bool {
        *self == Counts::default()
    }
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Counts) {
        self.received += other.received;
        self.stored += other.stored;
        self.duplicate += other.duplicate;
        self.quarantined += other.quarantined;
        self.skipped += other.skipped;
    }
}

/// Nothing, of what was counted earlier by somebody who knew more.
impl Sub for Counts {
    type Output = Counts;

    fn sub(self, earlier: Counts) -> Counts {
        Counts {
            received: self.received.saturating_sub(earlier.received),
            stored: self.stored.saturating_sub(earlier.stored),
            duplicate: self.duplicate.saturating_sub(earlier.duplicate),
            quarantined: self.quarantined.saturating_sub(earlier.quarantined),
            skipped: self.skipped.saturating_sub(earlier.skipped),
        }
    }
}

impl Totals {
    pub fn add(&mut self, accounting: &Accounting) {
        for (account, counts) in &accounting.0 {
            let of = (account.tenant.clone(), account.source);
            *self.0.entry(of).or_default() += *counts;
        }
    }

    pub fn total(&self) -> Counts {
        let mut total = Counts::default();
        self.0.values().for_each(|counts| total += *counts);
        total
    }
}

impl Accounting {
    pub fn add(&mut self, account: Account, counts: Counts) {
        *self.0.entry(account).or_default() += counts;
    }

    pub fn merge(&mut self, other: &Accounting) {
        for (account, counts) in &other.0 {
            self.add(account.clone(), *counts);
        }
    }

    pub fn total(&self) -> Counts {
        let mut total = Counts::default();
        self.0.values().for_each(|counts| total += *counts);
        total
    }

    pub fn is_empty(&self) -> bool {
        self.0.values().all(Counts::is_zero)
    }
}
