//! What a stage writes: an [`Actor`] that handles one message at a time.
//!
//! An actor that fails, by a panic or by [`Failure::Restart`], is over: its
//! supervisor makes another with the same address. So an actor holds only what
//! may be lost; what must outlive it is handed to each incarnation by the
//! closure that makes it, and listed as `keeps` in the topology.

use std::future::Future;
use std::marker::PhantomData;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use ractor::{ActorCell, ActorProcessingErr, ActorRef};

use super::address::{Closed, Envelope, Gate, Post, Presence};
use super::context::Context;
use super::cpu::charged;
use super::probe::Probe;
use super::supervisor::{Child, spawn_linked};

/// Why an incarnation is over.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// The supervisor's policy decides: restart, or give up.
    #[error("{0}")]
    Restart(String),
    /// A restart would make it worse: the whole tree ends at once.
    #[error("{0}")]
    Fatal(String),
}

/// Whoever is behind the address has stopped for good, so what is in hand cannot be handed on.
impl From<Closed> for Failure {
    fn from(closed: Closed) -> Self {
        Self::Restart(format!("cannot hand on: {closed}"))
    }
}

/// One stage of the pipeline.
pub trait Actor: Send + Sized + 'static {
    type Message: Send + 'static;

    /// Runs first in each incarnation; does nothing slow.
    fn started(
        &mut self,
        _cx: &mut Context<Self::Message>,
    ) -> impl Future<Output = Result<(), Failure>> + Send {
        async { Ok(()) }
    }

    fn handle(
        &mut self,
        message: Self::Message,
        cx: &mut Context<Self::Message>,
    ) -> impl Future<Output = Result<(), Failure>> + Send;
}

/// How to make the incarnations of one actor.
pub(super) struct Blueprint<A: Actor> {
    post: Arc<Post<A::Message>>,
    make: Mutex<Box<dyn FnMut(usize) -> A + Send>>,
    probe: Probe,
}

impl<A: Actor> Blueprint<A> {
    pub(super) fn new(
        post: Arc<Post<A::Message>>,
        make: impl FnMut(usize) -> A + Send + 'static,
        probe: Probe,
    ) -> Self {
        Self {
            post,
            make: Mutex::new(Box::new(make)),
            probe,
        }
    }
}

#[async_trait]
impl<A: Actor> Child for Arc<Blueprint<A>> {
    fn name(&self) -> &str {
        self.post.name()
    }

    fn workers(&self) -> usize {
        self.post.workers()
    }

    fn wanted(&self) -> bool {
        self.post.is_open()
    }

    async fn spawn(
        &self,
        worker: usize,
        supervisor: ActorCell,
    ) -> Result<ActorCell, ActorProcessingErr> {
        let host = Host::<A>(PhantomData);
        spawn_linked(host, (Arc::clone(self), worker), supervisor).await
    }

    fn kill(&self, worker: usize) {
        self.post.kill(worker);
    }

    async fn gone(&self, worker: usize) {
        self.post.gone(worker).await;
    }
}

/// Carries an [`Actor`] on ractor.
struct Host<A>(PhantomData<fn() -> A>);

struct Incarnation<A: Actor> {
    // Dropped in this order: the place is empty only when the actor holds nothing any more.
    actor: A,
    cx: Context<A::Message>,
    probe: Probe,
    presence: Presence<A::Message>,
}

impl<A: Actor> ractor::Actor for Host<A> {
    type Msg = Envelope<A::Message>;
    /// `None` after the end: ractor hands the state on to the supervisor, where it would linger.
    type State = Option<Incarnation<A>>;
    type Arguments = (Arc<Blueprint<A>>, usize);

    async fn pre_start(
        &self,
        myself: ActorRef<Self::Msg>,
        (blueprint, worker): Self::Arguments,
    ) -> Result<Self::State, ActorProcessingErr> {
        let actor = {
            // A panic in an earlier call has poisoned it and was answered by a restart: this one.
            let mut make = blueprint
                .make
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            make(worker)
        };
        let post = &blueprint.post;
        let presence = post.enter(worker, myself.clone()).ok_or(Closed)?;
        Ok(Some(Incarnation {
            actor,
            cx: Context::new(myself, post.name().to_owned(), worker),
            probe: blueprint.probe.clone(),
            presence,
        }))
    }

    async fn post_start(
        &self,
        _myself: ActorRef<Self::Msg>,
        state: &mut Self::State,
    ) -> Result<(), ActorProcessingErr> {
        let incarnation = state.as_mut().ok_or(Closed)?;
        let payer = incarnation.presence.post.cpu.clone();
        let Incarnation { actor, cx, .. } = incarnation;
        Ok(charged(Some(payer), actor.started(cx)).await?)
    }

    async fn handle(
        &self,
        _myself: ActorRef<Self::Msg>,
        envelope: Self::Msg,
        state: &mut Self::State,
    ) -> Result<(), ActorProcessingErr> {
        let Envelope {
            message,
            slot,
            load: _load,
        } = envelope;
        drop(slot);
        let incarnation = state.as_mut().ok_or(Closed)?;
        let nth = incarnation.presence.post.handling();
        let payer = incarnation.presence.post.cpu.clone();
        let Incarnation { actor, cx, .. } = incarnation;
        incarnation.probe.before(&cx.name, nth);
        Ok(charged(Some(payer), actor.handle(message, cx)).await?)
    }

    async fn post_stop(
        &self,
        _myself: ActorRef<Self::Msg>,
        state: &mut Self::State,
    ) -> Result<(), ActorProcessingErr> {
        drop(state.take());
        Ok(())
    }
}
