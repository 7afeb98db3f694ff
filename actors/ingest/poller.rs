//! Receives messages and takes them apart, as fast as the rest allows.
//!
//! It receives only while this process leads the journal, commits get through,
//! and there is credit: the credit of a message's first parcel is taken before
//! the message. Each further parcel waits for its own, so a message larger than
//! the whole budget still gets through. The poller is the only one that takes
//! credit; what it sends on holds it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use audit::key::Secret;

use super::{
    inflight::{InFlight, Ticket},
    intake::{Intake, Reader, Unreadable},
    parcel::Stake,
};
use crate::{
    base::{Actor, Compute, Context, Failure, Lease},
    journal::desk::Desk,
    ports::{self, Queue, Store},
    report,
};

/// SQS gives no more messages at a time.
const RECEIVE_MAX: usize = 10;

/// Looks again after this when it may not receive.
const CLOSED_PAUSE: Duration = Duration::from_millis(20);

/// Pauses after errors of the queue, doubled each time up to the cap.
pub const ERROR_PAUSE_MIN: Duration = Duration::from_millis(100);
const ERROR_PAUSE_MAX: Duration = Duration::from_secs(20);

#[derive(Debug)]
pub struct Poll;

/// Tells all pollers to receive no more.
#[derive(Clone, Debug, Default)]
pub struct Gate(Arc<AtomicBool>);

pub struct Poller {
    pub queue: Arc<dyn Queue>,
    pub payloads: Arc<dyn Store>,
    pub desk: Desk<Stake>,
    pub in_flight: InFlight,
    pub compute: Compute,
    pub intake: Arc<Intake>,
    pub limits: Limits,
    pub gate: Gate,
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
        let Some(secret) = self.may_receive()? else {
            cx.wake_after(CLOSED_PAUSE, Poll);
            return Ok(());
        };
        let mut lease = Some(
            self.desk
                .budget()
                .acquire(self.limits.parcel_bytes, 0)
                .await,
        );
        let room = self.room().clamp(1, RECEIVE_MAX);
        match self.queue.receive(room).await {
            Ok(messages) => {
                self.error_pause = ERROR_PAUSE_MIN;
                report::messages_received(&messages);
                for message in messages {
                    if let Some(ticket) = self.in_flight.admit(&message) {
                        self.take(message, ticket, secret, &mut lease).await?;
                    }
                }
                cx.tell_self(Poll);
            }
            Err(error) => {
                report::queue_unreachable(&error, self.error_pause);
                cx.wake_after(self.error_pause, Poll);
                self.error_pause = (self.error_pause * 2).min(ERROR_PAUSE_MAX);
            }
        }
        Ok(())
    }
}

impl Poller {
    fn may_receive(&self) -> Result<Option<Secret>, Failure> {
        let shut = self.gate.is_shut() || self.room() == 0;
        if shut || !self.desk.accepts(self.limits.commit_stale)? {
            return Ok(None);
        }
        Ok(self.desk.leader()?.birth().map(|birth| birth.secret))
    }

    /// How many more messages may be in hand.
    fn room(&self) -> usize {
        let max = self.limits.in_flight_max;
        max.saturating_sub(self.in_flight.count())
    }

    /// Takes one message apart. Its own ticket is kept to the end, so that the
    /// message cannot be done before all of it was sent on.
    async fn take(
        &mut self,
        message: ports::Message,
        ticket: Ticket,
        secret: Secret,
        lease: &mut Option<Lease>,
    ) -> Result<(), Failure> {
        let origin = self.intake.origin(&message);
        let source = message
            .attributes
            .get("source")
            .and_then(|name| name.parse().ok());
        let mut reader = match Reader::open(&message, &*self.payloads, &self.intake.limits).await {
            Ok(reader) => reader,
            Err(unreadable) => return self.give_up(&message, unreadable).await,
        };
        loop {
            let lease = match lease.take() {
                Some(lease) => lease,
                None => {
                    self.desk
                        .budget()
                        .acquire(self.limits.parcel_bytes, 0)
                        .await
                }
            };
            let read = self.compute.run(move || {
                let parcel = reader.next_parcel();
                (reader, parcel)
            });
            let (back, parcel) = match read.await {
                Ok(read) => read,
                // It would panic again: that is no reason to drop the messages behind it.
                Err(panicked) => {
                    let unreadable = Unreadable::Content(panicked.to_string());
                    return self.give_up(&message, unreadable).await;
                }
            };
            reader = back;
            match parcel {
                Ok(Some(parcel)) => {
                    let lease = self.cover(lease, parcel.bytes as u64).await;
                    let stake = Stake::new(ticket.split(), lease);
                    self.intake
                        .send(parcel, stake, &origin, source, secret)
                        .await?;
                }
                Ok(None) => break,
                Err(unreadable) => return self.give_up(&message, unreadable).await,
            }
        }
        if let Some(entry) = ticket.settle() {
            // It held nothing, or all of it is durable by now.
            match self.queue.delete(&[entry]).await {
                Ok(_) => report::messages_deleted(1, 0),
                Err(error) => report::delete_failed(1, &error),
            }
        }
        Ok(())
    }

    /// An event may be larger than a parcel, and must not be held on the credit
    /// of one. The old lease goes first: who holds credit never waits for more.
    async fn cover(&self, lease: Lease, bytes: u64) -> Lease {
        if bytes <= lease.bytes() {
            return lease;
        }
        drop(lease);
        self.desk.budget().acquire(bytes, 0).await
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

impl Gate {
    pub fn shut(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    fn is_shut(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
