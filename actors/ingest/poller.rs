//! Receives messages and takes them apart, as fast as the rest allows.
//!
//! It receives only while this process leads the journal, commits get through,
//! and there is credit: the credit of a message's first parcel is taken before
//! the message. Each further parcel waits for its own, so a message larger than
//! the whole budget still gets through. Objects that a message names are left to
//! the object readers. A message that came back often may be the one that brings
//! the process down: it is taken apart with nothing else in hand, so that it
//! takes no other with it.

use std::{sync::Arc, time::Duration};

use audit::key::Secret;
use tokio::time::{Instant, sleep};

use super::{
    deleter,
    inflight::{InFlight, Room},
    intake::{Intake, Unreadable},
    parcel::Stake,
    signals::{Floor, Gate, Silence},
};
use crate::{
    base::{Actor, Context, Failure, Lease},
    journal::desk::Desk,
    ports::{self, Queue},
    report,
};

/// SQS gives no more messages at a time.
const RECEIVE_MAX: usize = 10;

/// Looks again after this when it may not receive.
const CLOSED_PAUSE: Duration = Duration::from_millis(20);

/// Pauses after errors of the queue, doubled each time up to the cap.
pub const ERROR_PAUSE_MIN: Duration = Duration::from_millis(100);
const ERROR_PAUSE_MAX: Duration = Duration::from_secs(20);

/// From this receive on, a message is taken alone.
const ALONE_FROM: u32 = 3;

/// How long it waits for the others to end, and how long they then wait for it.
const ALONE_WAIT: Duration = Duration::from_secs(2);
const ALONE_MAX: Duration = Duration::from_secs(5);
const ALONE_LOOK: Duration = Duration::from_millis(10);

#[derive(Debug)]
pub struct Poll;

pub struct Poller {
    pub queue: Arc<dyn Queue>,
    pub desk: Desk<Stake>,
    pub in_flight: InFlight,
    pub intake: Arc<Intake>,
    pub limits: Limits,
    pub gate: Gate,
    pub floor: Floor,
    pub silence: Silence,
    pub error_pause: Duration,
}

#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Credit for one parcel.
    pub parcel_bytes: u64,
    /// Receives only while the newest commit is younger, or nothing is pending.
    pub commit_stale: Duration,
    /// Messages in hand: SQS gives no more than 120,000 at a time.
    pub in_flight_max: usize,
}

impl std::fmt::Debug for Poller {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Poller")
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

impl Actor for Poller {
    type Message = Poll;

    async fn started(&mut self, cx: &mut Context<Poll>) -> Result<(), Failure> {
        cx.tell_self(Poll);
        Ok(())
    }

    async fn handle(&mut self, _: Poll, cx: &mut Context<Poll>) -> Result<(), Failure> {
        let Some((secret, mut room)) = self.may_receive()? else {
            self.silence.end();
            cx.wake_after(CLOSED_PAUSE, Poll);
            return Ok(());
        };
        let budget = self.desk.budget();
        let mut lease = Some(budget.acquire(self.limits.parcel_bytes).await);
        let began = Instant::now();
        let received = tokio::select! {
            received = self.queue.receive(room.places()) => received,
            // What it took meanwhile becomes visible again by itself.
            () = self.gate.closing() => Ok(Vec::new()),
        };
        match received {
            Ok(messages) => {
                self.error_pause = ERROR_PAUSE_MIN;
                if messages.is_empty() {
                    self.silence.heard_nothing(began);
                } else {
                    self.silence.end();
                }
                report::messages_received(&messages, self.desk.now().wall_ms);
                self.take_all(messages, secret, &mut room, &mut lease)
                    .await?;
                cx.tell_self(Poll);
            }
            Err(error) => {
                self.silence.end();
                report::queue_unreachable(&error, self.error_pause);
                cx.wake_after(self.error_pause, Poll);
                self.error_pause = (self.error_pause * 2).min(ERROR_PAUSE_MAX);
            }
        }
        Ok(())
    }
}

impl Poller {
    fn may_receive(&self) -> Result<Option<(Secret, Room)>, Failure> {
        if self.gate.is_shut() || !self.desk.accepts(self.limits.commit_stale)? {
            return Ok(None);
        }
        let secret = self.desk.leader()?.birth().map(|birth| birth.secret);
        let max = self.limits.in_flight_max;
        let room = || self.in_flight.reserve(RECEIVE_MAX, max);
        Ok(secret.and_then(|secret| Some((secret, room()?))))
    }

    async fn take_all(
        &self,
        mut messages: Vec<ports::Message>,
        secret: Secret,
        room: &mut Room,
        lease: &mut Option<Lease>,
    ) -> Result<(), Failure> {
        messages.retain(|message| !self.in_flight.renew(message));
        let suspect = |message: &ports::Message| message.receives >= ALONE_FROM;
        let (suspects, others): (Vec<_>, Vec<_>) = messages.into_iter().partition(suspect);
        if !others.is_empty() {
            let _company = self.floor.share().await;
            for message in others {
                self.take(message, secret, room, lease).await?;
            }
        }
        // Who waits for others to end must not hold what they may need.
        drop(lease.take());
        for message in suspects {
            self.take_alone(message, secret, room).await?;
        }
        Ok(())
    }

    /// Waits until nothing else is in hand, and lets nothing else begin until
    /// this message is settled. Both end after a while, in the worst case too
    /// early: messages must not stand still for the sake of one.
    async fn take_alone(
        &self,
        message: ports::Message,
        secret: Secret,
        room: &mut Room,
    ) -> Result<(), Failure> {
        let alone = self.floor.clear(ALONE_WAIT).await;
        if alone.is_clear() {
            self.nothing_in_hand(ALONE_WAIT).await;
        }
        report::message_alone(&message);
        let end = Instant::now() + ALONE_MAX;
        let mut no_lease = None;
        let mut taking = std::pin::pin!(self.take(message, secret, room, &mut no_lease));
        tokio::select! {
            taken = &mut taking => {
                taken?;
                self.nothing_in_hand(end.duration_since(Instant::now())).await;
                return Ok(());
            }
            () = tokio::time::sleep_until(end) => drop(alone),
        }
        taking.await
    }

    async fn nothing_in_hand(&self, within: Duration) {
        let end = Instant::now() + within;
        while self.in_flight.count() > 0 && Instant::now() < end && !self.gate.is_shut() {
            sleep(ALONE_LOOK).await;
        }
    }

    async fn take(
        &self,
        message: ports::Message,
        secret: Secret,
        room: &mut Room,
        lease: &mut Option<Lease>,
    ) -> Result<(), Failure> {
        let Some(ticket) = room.admit(&message) else {
            return Ok(());
        };
        match self.intake.take(&message, (ticket, secret), lease).await? {
            Ok(delivery) => {
                // It held nothing, or all of it is durable by now.
                let last: Vec<_> = delivery.ticket.settle().into_iter().collect();
                deleter::delete(&*self.queue, &last).await;
                Ok(())
            }
            Err(unreadable) => self.give_up(&message, unreadable).await,
        }
    }

    /// Leaves the message to the queue's dead-letter rule.
    async fn give_up(
        &self,
        message: &ports::Message,
        unreadable: Unreadable,
    ) -> Result<(), Failure> {
        report::message_unreadable(message, &unreadable.to_string());
        if let Unreadable::Content(reason) = unreadable
            && let Err(error) = self.queue.bury(message, &reason).await
        {
            tracing::warn!(%error, "the reason could not be left with the message");
        }
        Ok(())
    }
}
