//! What an actor may do with itself while it handles a message.

use std::time::Duration;

use ractor::ActorRef;
use tokio::task::JoinSet;

use super::address::Envelope;

/// Belongs to one incarnation and ends with it, its timers too.
///
/// Messages to oneself take no slot: an actor that waits for a slot in its own full mailbox would
/// wait for ever. They stand behind what waits already; one that ends gets none of them any
/// more.
pub struct Context<M> {
    pub(super) myself: ActorRef<Envelope<M>>,
    pub(super) name: String,
    pub(super) worker: usize,
    timers: JoinSet<()>,
}

impl<M: Send + 'static> Context<M> {
    pub(super) fn new(myself: ActorRef<Envelope<M>>, name: String, worker: usize) -> Self {
        Self {
            myself,
            name,
            worker,
            timers: JoinSet::new(),
        }
    }

    /// The actor's name in the topology.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Which of the actor's workers this is, from 0.
    pub fn worker(&self) -> usize {
        self.worker
    }

    /// Puts `message` into the own mailbox.
    pub fn tell_self(&self, message: M) {
        // An error says that this incarnation is ending, and its messages with it.
        self.myself.send_message(Envelope::new(message, None)).ok();
    }

    /// Puts `message` into the own mailbox once, after `period`. To repeat, the handler asks again:
    /// so a slow handler never finds a pile of ticks.
    pub fn wake_after(&mut self, period: Duration, message: M) {
        while self.timers.try_join_next().is_some() {}
        let myself = self.myself.clone();
        self.timers.spawn(async move {
            tokio::time::sleep(period).await;
            myself.send_message(Envelope::new(message, None)).ok();
        });
    }
}

impl<M> std::fmt::Debug for Context<M> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Context")
            .field("name", &self.name)
            .field("worker", &self.worker)
            .finish_non_exhaustive()
    }
}
