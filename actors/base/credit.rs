//! Credit bounds how many bytes and messages the process holds.
//!
//! It is taken at the edge, before something is held, and given back by the drop
//! of its [`Lease`]. Downstream may split, merge and shrink a lease but never
//! acquire one, so nobody who holds credit waits for credit: it cannot deadlock.
//! Who waits is served in order; a request above the whole budget is clamped to
//! it, so that it is served once everything else is done. What is held without
//! a lease (committed rows) is charged to the ledger, which never waits: then
//! the balance may be negative, and nobody gets credit until it is not.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use metrics::{Counter, Gauge, counter, gauge};
use tokio::sync::{Notify, oneshot};

use super::blocked::Blocked;
use crate::metrics::{CREDIT_AVAILABLE, CREDIT_BLOCKED, CREDIT_TOTAL, RESOURCE};

/// The credit of one process; clones share it.
#[derive(Clone)]
pub struct Budget(Arc<Inner>);

struct Inner {
    total: Amount,
    account: Mutex<Account>,
    pressure: Notify,
    bytes: Gauge,
    messages: Gauge,
    blocked: Counter,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Amount {
    bytes: u64,
    messages: u64,
}

#[derive(Debug)]
struct Account {
    bytes: i64,
    messages: i64,
    waiting: VecDeque<Waiting>,
}

#[derive(Debug)]
struct Waiting {
    wants: Amount,
    grant: oneshot::Sender<Lease>,
}

impl Budget {
    /// Amounts beyond `i64::MAX` are cut to it.
    pub fn new(bytes: u64, messages: u64) -> Self {
        let total = Amount {
            bytes: unsigned(signed(bytes)),
            messages: unsigned(signed(messages)),
        };
        let available = |of| gauge!(CREDIT_AVAILABLE.name, RESOURCE => of);
        gauge!(CREDIT_TOTAL.name, RESOURCE => "bytes").set(total.bytes as f64);
        gauge!(CREDIT_TOTAL.name, RESOURCE => "messages").set(total.messages as f64);
        let budget = Self(Arc::new(Inner {
            total,
            account: Mutex::new(Account {
                bytes: signed(bytes),
                messages: signed(messages),
                waiting: VecDeque::new(),
            }),
            pressure: Notify::new(),
            bytes: available("bytes"),
            messages: available("messages"),
            blocked: counter!(CREDIT_BLOCKED.name),
        }));
        budget.0.show(&budget.account());
        budget
    }

    /// Waits until there is so much, or all if there can never be so much.
    pub async fn acquire(&self, bytes: u64, messages: u64) -> Lease {
        let wants = Amount {
            bytes: bytes.min(self.0.total.bytes),
            messages: messages.min(self.0.total.messages),
        };
        let ticket = {
            let mut account = self.account();
            if account.waiting.is_empty() && account.take(wants) {
                self.0.show(&account);
                return self.lease(wants);
            }
            let (grant, granted) = oneshot::channel();
            account.waiting.push_back(Waiting { wants, grant });
            Ticket {
                budget: self,
                granted,
            }
        };
        self.0.pressure.notify_one();
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
        self.give_back(Amount { bytes, messages: 0 });
    }

    /// Bytes and messages that are left; below zero, the ledger has overdrawn.
    pub fn available(&self) -> (i64, i64) {
        let account = self.account();
        (account.bytes, account.messages)
    }

    /// Whether somebody waits for credit.
    pub fn starved(&self) -> bool {
        !self.account().waiting.is_empty()
    }

    /// Resolves when somebody begins to wait, or has since the last call: for the one listener who
    /// can do something about it. It may be over when it is heard; [`Budget::starved`] tells.
    pub async fn pressure(&self) {
        self.0.pressure.notified().await;
    }

    fn lease(&self, holds: Amount) -> Lease {
        Lease {
            budget: self.clone(),
            holds,
        }
    }

    fn give_back(&self, amount: Amount) {
        if amount == Amount::default() {
            return;
        }
        let mut account = self.account();
        account.bytes = account.bytes.saturating_add_unsigned(amount.bytes);
        account.messages = account.messages.saturating_add_unsigned(amount.messages);
        self.serve(account);
    }

    /// Grants in order what there is, also passing over those who do not wait any more.
    fn serve(&self, mut account: MutexGuard<'_, Account>) {
        let mut grants = Vec::new();
        while let Some(first) = account.waiting.front() {
            let wants = first.wants;
            let is_gone = first.grant.is_closed();
            if !is_gone && !account.take(wants) {
                break;
            }
            if let Some(first) = account.waiting.pop_front()
                && !is_gone
            {
                grants.push((first.grant, self.lease(wants)));
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
        self.bytes.set(account.bytes as f64);
        self.messages.set(account.messages as f64);
    }
}

impl Account {
    fn take(&mut self, wants: Amount) -> bool {
        let bytes = self.bytes.saturating_sub_unsigned(wants.bytes);
        let messages = self.messages.saturating_sub_unsigned(wants.messages);
        // Even who wants nothing waits while the ledger is overdrawn.
        if bytes < 0 || messages < 0 {
            return false;
        }
        (self.bytes, self.messages) = (bytes, messages);
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
    holds: Amount,
}

impl Lease {
    pub fn bytes(&self) -> u64 {
        self.holds.bytes
    }

    pub fn messages(&self) -> u64 {
        self.holds.messages
    }

    /// Takes up to `bytes` of it into a new lease. The messages stay here.
    pub fn split(&mut self, bytes: u64) -> Self {
        let bytes = bytes.min(self.holds.bytes);
        self.holds.bytes -= bytes;
        self.budget.lease(Amount { bytes, messages: 0 })
    }

    /// Adds all of `other`, which must be of the same budget; of another one, it goes back there.
    pub fn merge(&mut self, mut other: Self) {
        if Arc::ptr_eq(&self.budget.0, &other.budget.0) {
            let added = std::mem::take(&mut other.holds);
            self.holds.bytes += added.bytes;
            self.holds.messages += added.messages;
        }
    }

    /// Gives back what is above `bytes`; never grows.
    pub fn shrink_to(&mut self, bytes: u64) {
        let excess = self.holds.bytes.saturating_sub(bytes);
        drop(self.split(excess));
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.budget.give_back(self.holds);
    }
}

impl fmt::Debug for Lease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Lease").field(&self.holds).finish()
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
