//! Slots bound how many messages wait for one actor.
//!
//! A sender takes a slot before it sends; the slot travels with the message
//! and is free again when it is dropped, wherever that happens: in the handler
//! that takes the message, or with the mailbox of an actor that died. So the
//! number of messages that wait never exceeds the number of slots, and no slot
//! is ever lost. First come, first served.

use std::sync::Arc;

use metrics::{Counter, Gauge, counter, gauge};
use tokio::sync::Semaphore;

use super::blocked::Blocked;
use crate::metrics::{ACTOR, MAILBOX_BLOCKED, MAILBOX_FILL, MAILBOX_SLOTS};

#[derive(Debug)]
pub(super) struct Slots {
    free: Semaphore,
    fill: Gauge,
    pub(super) blocked: Counter,
}

impl Slots {
    pub(super) fn new(actor: &str, count: usize) -> Arc<Self> {
        // A semaphore beyond this would panic; no mailbox is meant to be that long.
        let count = count.min(Semaphore::MAX_PERMITS);
        let actor = actor.to_owned();
        gauge!(MAILBOX_SLOTS.name, ACTOR => actor.clone()).set(count as f64);
        Arc::new(Self {
            free: Semaphore::new(count),
            fill: gauge!(MAILBOX_FILL.name, ACTOR => actor.clone()),
            blocked: counter!(MAILBOX_BLOCKED.name, ACTOR => actor),
        })
    }

    /// Waits for a slot; `None` once the slots are closed.
    pub(super) async fn acquire(self: &Arc<Self>) -> Option<Slot> {
        if let Some(slot) = self.try_acquire() {
            return Some(slot);
        }
        let _blocked = Blocked::on(&self.blocked);
        self.free.acquire().await.ok()?.forget();
        Some(self.taken())
    }

    pub(super) fn try_acquire(self: &Arc<Self>) -> Option<Slot> {
        self.free.try_acquire().ok()?.forget();
        Some(self.taken())
    }

    /// Nobody gets a slot any more; those who wait learn it now.
    pub(super) fn close(&self) {
        self.free.close();
    }

    pub(super) fn free(&self) -> usize {
        self.free.available_permits()
    }

    fn taken(self: &Arc<Self>) -> Slot {
        self.fill.increment(1);
        Slot(Arc::clone(self))
    }
}

/// One place in one mailbox.
#[derive(Debug)]
pub(super) struct Slot(Arc<Slots>);

impl Drop for Slot {
    fn drop(&mut self) {
        self.0.fill.decrement(1);
        self.0.free.add_permits(1);
    }
}
