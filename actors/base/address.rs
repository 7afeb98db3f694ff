//! Where to send an actor's messages: the same place whatever becomes of the actor.
//!
//! An [`Address`] outlives the incarnations of its actor. A sender waits for a
//! slot, then, if the actor is being restarted, for the next incarnation, and
//! never notices. Several workers may stand behind one address and share its
//! slots; a message goes to the least busy one. What waits for an incarnation
//! that dies is dropped with it, and a dropped message means failure: whoever
//! must know has put something into the message that tells.
//! No `ActorRef` of ractor's leaves the kit: its mailboxes have no bound.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use async_trait::async_trait;
use metrics::{Counter, counter};
use ractor::{ActorRef, MessagingErr};
use tokio::sync::watch;

use super::blocked::Blocked;
use super::slots::{Slot, Slots};
use super::topology::Topology;
use crate::metrics::{ACTOR, ACTOR_CPU, ACTOR_HANDLED};

/// The actor was stopped for good, or the tree has ended; the message is dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the actor has stopped for good")]
pub struct Closed;

/// A cheap handle for senders.
pub struct Address<M>(Arc<Post<M>>);

/// The receiving end; [`Tree::add`](super::Tree::add) puts an actor behind it.
pub struct Mailbox<M>(pub(super) Arc<Post<M>>);

/// Makes the mailbox of the actor `name` as the topology describes it.
///
/// Addresses exist before actors, so that hints may run in circles. A name that the topology does
/// not have is reported by [`Tree::start`](super::Tree::start), with all the others.
pub fn mailbox<M: Send + 'static>(topology: &Topology, name: &str) -> (Address<M>, Mailbox<M>) {
    let (slots, workers) = topology
        .actor(name)
        .map_or((1, 1), |actor| (actor.slots, actor.count));
    let post = Arc::new(Post {
        name: name.to_owned(),
        slots: Slots::new(name, slots),
        office: watch::Sender::new(Office {
            is_open: true,
            workers: (0..workers).map(|_| None).collect(),
        }),
        handled: AtomicU64::new(0),
        handled_total: counter!(ACTOR_HANDLED.name, ACTOR => name.to_owned()),
        cpu: counter!(ACTOR_CPU.name, ACTOR => name.to_owned()),
    });
    (Address(Arc::clone(&post)), Mailbox(post))
}

impl<M: Send + 'static> Address<M> {
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// Waits for a slot, then for a live incarnation. For data: never loses
    /// the message but by [`Closed`].
    pub async fn send(&self, message: M) -> Result<(), Closed> {
        let post = &*self.0;
        let slot = post.slots.acquire().await.ok_or(Closed)?;
        let Err(mut envelope) = post.deliver(Envelope::new(message, Some(slot))) else {
            return Ok(());
        };
        let _blocked = Blocked::on(&post.slots.blocked);
        // Subscribed before the next try: an incarnation that arrives in between is seen.
        let mut news = post.office.subscribe();
        loop {
            if !news.borrow_and_update().is_open {
                return Err(Closed);
            }
            envelope = match post.deliver(envelope) {
                Ok(()) => return Ok(()),
                Err(envelope) => envelope,
            };
            news.changed().await.map_err(|_| Closed)?;
        }
    }

    /// Never waits. For hints: whoever sends one can do without its arrival.
    pub fn try_send(&self, message: M) -> Result<(), M> {
        let Some(slot) = self.0.slots.try_acquire() else {
            return Err(message);
        };
        self.0
            .deliver(Envelope::new(message, Some(slot)))
            .map_err(|envelope| envelope.message)
    }

    /// Slots that nobody holds at this moment.
    pub fn slots_free(&self) -> usize {
        self.0.slots.free()
    }

    /// Workers that are alive at this moment.
    pub fn workers_alive(&self) -> usize {
        self.0.office.borrow().workers.iter().flatten().count()
    }
}

impl<M> Clone for Address<M> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<M> fmt::Debug for Address<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Address").field(&self.0.name).finish()
    }
}

impl<M> fmt::Debug for Mailbox<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Mailbox").field(&self.0.name).finish()
    }
}

/// A message on its way, with what is free again when it is dropped.
pub(super) struct Envelope<M> {
    pub(super) message: M,
    /// Freed when the handler takes the message.
    pub(super) slot: Option<Slot>,
    /// Freed when the handler is done.
    pub(super) load: Option<Load>,
}

impl<M> Envelope<M> {
    pub(super) fn new(message: M, slot: Option<Slot>) -> Self {
        Self {
            message,
            slot,
            load: None,
        }
    }
}

/// One message that a worker has waiting or in hand.
#[derive(Debug)]
pub(super) struct Load(Arc<AtomicUsize>);

impl Load {
    fn on(count: &Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(count))
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

struct Worker<M> {
    actor: ActorRef<Envelope<M>>,
    load: Arc<AtomicUsize>,
}

struct Office<M> {
    /// Workers that end are replaced.
    is_open: bool,
    workers: Vec<Option<Worker<M>>>,
}

/// What address, mailbox and incarnations share.
pub(super) struct Post<M> {
    name: String,
    slots: Arc<Slots>,
    office: watch::Sender<Office<M>>,
    handled: AtomicU64,
    handled_total: Counter,
    /// Of all workers and incarnations.
    pub(super) cpu: Counter,
}

impl<M: Send + 'static> Post<M> {
    /// Hands the envelope to the least busy worker; back comes what nobody takes now.
    fn deliver(&self, mut envelope: Envelope<M>) -> Result<(), Envelope<M>> {
        let office = self.office.borrow();
        let idle_first = office
            .workers
            .iter()
            .flatten()
            .min_by_key(|worker| worker.load.load(Ordering::Relaxed));
        let Some(worker) = idle_first else {
            return Err(envelope);
        };
        envelope.load = Some(Load::on(&worker.load));
        match worker.actor.send_message(envelope) {
            Ok(()) => Ok(()),
            Err(MessagingErr::SendErr(mut envelope)) => {
                envelope.load = None;
                Err(envelope)
            }
            // ractor reports the other kinds only for actors of another type, and without the
            // message; the reference is typed, so neither can come, and dropping means failure.
            Err(_) => Ok(()),
        }
    }

    /// Counts one message; says which it is, over all incarnations.
    pub(super) fn handling(&self) -> u64 {
        self.handled_total.increment(1);
        self.handled.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// An incarnation takes its place; `None` if none is wanted any more or one is there still.
    pub(super) fn enter(
        self: &Arc<Self>,
        worker: usize,
        actor: ActorRef<Envelope<M>>,
    ) -> Option<Presence<M>> {
        let entered = self.office.send_if_modified(|office| {
            let place = match office.workers.get_mut(worker) {
                Some(place) if office.is_open && place.is_none() => place,
                _ => return false,
            };
            *place = Some(Worker {
                actor,
                load: Arc::default(),
            });
            true
        });
        entered.then(|| Presence {
            post: Arc::clone(self),
            worker,
        })
    }
}

/// An incarnation is there as long as it holds this.
pub(super) struct Presence<M: Send + 'static> {
    pub(super) post: Arc<Post<M>>,
    pub(super) worker: usize,
}

impl<M: Send + 'static> Drop for Presence<M> {
    fn drop(&mut self) {
        let mut left = None;
        self.post.office.send_modify(|office| {
            left = office.workers.get_mut(self.worker).and_then(Option::take);
        });
        // Outside the lock: with the reference may go a message that raced with the end, and what
        // it does when it is dropped may look at this address.
        drop(left);
    }
}

/// A mailbox, whatever its messages: what supervisors and the tree need to know of it.
#[async_trait]
pub(super) trait Gate: Send + Sync {
    fn name(&self) -> &str;
    fn workers(&self) -> usize;
    /// Whether a worker that ends is to be replaced.
    fn is_open(&self) -> bool;
    /// Senders get [`Closed`]; workers end after the message in hand.
    fn close(&self);
    fn kill(&self, worker: usize);
    /// Resolves when this worker holds nothing any more.
    async fn gone(&self, worker: usize);
}

#[async_trait]
impl<M: Send + 'static> Gate for Post<M> {
    fn name(&self) -> &str {
        &self.name
    }

    fn workers(&self) -> usize {
        self.office.borrow().workers.len()
    }

    fn is_open(&self) -> bool {
        self.office.borrow().is_open
    }

    fn close(&self) {
        self.office.send_modify(|office| {
            office.is_open = false;
            for worker in office.workers.iter().flatten() {
                worker.actor.stop(None);
            }
        });
        self.slots.close();
    }

    fn kill(&self, worker: usize) {
        if let Some(Some(worker)) = self.office.borrow().workers.get(worker) {
            worker.actor.kill();
        }
    }

    async fn gone(&self, worker: usize) {
        let mut news = self.office.subscribe();
        let is_gone = |office: &Office<M>| !matches!(office.workers.get(worker), Some(Some(_)));
        // An error would say that the sender is gone, but `self` holds it.
        news.wait_for(is_gone).await.ok();
    }
}
