//! Credit bounds how many bytes the process holds.
//!
//! It is taken at the edge, before something is held, and given back by the drop
//! of its [`Lease`]. Downstream may split and shrink a lease but never
//! acquire one, so nobody who holds credit waits for credit: it cannot deadlock.
//! Who waits is served in order; a request above the whole budget is clamped to
//! it, so that it is served once everything else is done. What is held without
//! a lease (committed rows) is charged to the ledger, which never waits: then
//! the balance may be negative, and nobody gets credit until it is not.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use metrics::{Counter, Gauge, counter, gauge};
use tokio::sync::oneshot;

use super::blocked::Blocked;
use crate::metrics::{CREDIT_AVAILABLE, CREDIT_BLOCKED, CREDIT_TOTAL};

/// The credit of one process; clones share it.
#[derive(Clone)]
pub struct Budget(Arc<Inner>);

struct Inner {
    total: u64,
    account: Mutex<Account>,
    available: Gauge,
    blocked: Counter,
}

#[derive(Debug)]
struct Account {
    bytes: i64,
    waiting: VecDeque<Waiting>,
}

#[derive(Debug)]
struct Waiting {
    bytes: u64,
    grant: oneshot::Sender<Lease>,
}

impl Budget {
    /// More than `i64::MAX` is cut to it.
    pub fn new(bytes: u64) -> Self {
        let total = unsigned(signed(bytes));
        gauge!(CREDIT_TOTAL.name).set(total as f64);
        let budget = Self(Arc::new(Inner {
            total,
            account: Mutex::new(Account {
                bytes: signed(bytes),
                waiting: VecDeque::new(),
            }),
            available: gauge!(CREDIT_AVAILABLE.name),
            blocked: counter!(CREDIT_BLOCKED.name),
        }));
        budget.0.show(&budget.account());
        budget
    }

    /// Waits until there is so much, or all if there can never be so much.
    pub async fn acquire(&self, bytes: u64) -> Lease {
        let bytes = bytes.min(self.0.total);
        let ticket = {
            let mut account = self.account();
            if account.waiting.is_empty() && account.take(bytes) {
                self.0.show(&account);
                return self.lease(bytes);
            }
            let (grant, granted) = oneshot::channel();
            account.waiting.push_back(Waiting { bytes, grant });
            Ticket {
                budget: self,
                granted,
            }
        };
        let _blocked = Blocked::on(&self.0.blocked);
        ticket.redeem().await
    }

    /// Something is held without a lease from now on. Never waits; the balance may fall below zero.
    pub fn charge(&self, bytes: u64) {
        let mut account = self.account();
        account.bytes = account.bytes.saturating_sub_unsigned(bytes);
        self.0.show(&account);
    }

    /// What was charged is not held any more.
    pub fn repay(&self, bytes: u64) {
        if bytes == 0 {
            return;
        }
        let mut account = self.account();
        account.bytes = account.bytes.saturating_add_unsigned(bytes);
        self.serve(account);
    }

    /// Bytes that are left; below zero, the ledger has overdrawn.
    pub fn available(&self) -> i64 {
        self.account().bytes
    }

    /// Whether somebody waits for credit.
    pub fn starved(&self) -> bool {
        !self.account().waiting.is_empty()
    }

    fn lease(&self, bytes: u64) -> Lease {
        Lease {
            budget: self.clone(),
            bytes,
        }
    }

    /// Grants in order what there is, also passing over those who do not wait any more.
    fn serve(&self, mut account: MutexGuard<'_, Account>) {
        let mut grants = Vec::new();
        while let Some(first) = account.waiting.front() {
            let bytes = first.bytes;
            let is_gone = first.grant.is_closed();
            if !is_gone && !account.take(bytes) {
                break;
            }
            if let Some(first) = account.waiting.pop_front()
                && !is_gone
            {
                grants.push((first.grant, self.lease(bytes)));
            }
        }
        self.0.show(&account);
        // A lease that nobody takes gives itself back, which needs the lock.
        drop(account);
        for (grant, lease) in grants {
            drop(grant.send(lease));
        }
    }

    fn account(&self) -> MutexGuard<'_, Account> {
        // Nothing panics while it is held; the numbers are whole in any case.
        self.0
            .account
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn show(&self, account: &Account) {
        self.available.set(account.bytes as f64);
    }
}

impl Account {
    fn take(&mut self, bytes: u64) -> bool {
        let left = self.bytes.saturating_sub_unsigned(bytes);
        // Even who wants nothing waits while the ledger is overdrawn.
        if left < 0 {
            return false;
        }
        self.bytes = left;
        true
    }
}

/// A place in the queue; dropped while waiting, it makes room for the next.
struct Ticket<'a> {
    budget: &'a Budget,
    granted: oneshot::Receiver<Lease>,
}

impl Ticket<'_> {
    async fn redeem(mut self) -> Lease {
        (&mut self.granted)
            .await
            .expect("the queue lives in the budget, and drops only those whose receiver is closed")
    }
}

impl Drop for Ticket<'_> {
    fn drop(&mut self) {
        self.granted.close();
        self.budget.serve(self.budget.account());
    }
}

/// Credit that somebody holds; its drop gives it back.
#[must_use]
pub struct Lease {
    budget: Budget,
    bytes: u64,
}

impl Lease {
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Takes up to `bytes` of it into a new lease.
    pub fn split(&mut self, bytes: u64) -> Self {
        let bytes = bytes.min(self.bytes);
        self.bytes -= bytes;
        self.budget.lease(bytes)
    }

    /// Gives back what is above `bytes`; never grows.
    pub fn shrink_to(&mut self, bytes: u64) {
        let excess = self.bytes.saturating_sub(bytes);
        drop(self.split(excess));
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.budget.repay(self.bytes);
    }
}

impl fmt::Debug for Lease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Lease").field(&self.bytes).finish()
    }
}

impl fmt::Debug for Budget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Budget")
            .field("total", &self.0.total)
            .field("available", &self.available())
            .finish()
    }
}

fn signed(amount: u64) -> i64 {
    i64::try_from(amount).unwrap_or(i64::MAX)
}

fn unsigned(amount: i64) -> u64 {
    amount.unsigned_abs()
}

#[cfg(test)]
mod tests;
