//! Receives messages and takes them apart, as fast as the rest allows.
//!
//! It receives only while this process leads the journal, commits get through,
//! and there is credit: the credit of a message's first parcel is taken before
//! the message. Each further parcel waits for its own, so a message larger than
//! the whole budget still gets through. What was received waits in the lobby for
//! its tenant's turn. Objects that a message names are left to
//! the object readers. A message that came back often, and was not given up in
//! order, may be the one that brings the process down: it is taken apart with
//! nothing else in hand, so that it takes no other with it; at first together
//! with the others of its kind.

use std::{sync::Arc, time::Duration};

use audit::key::Secret;
use tokio::time::{Instant, sleep};

use super::{
    deleter,
    inflight::{InFlight, Room},
    intake::{Intake, Unreadable},
    lobby::{Asking, Guest, Lobby},
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
pub const RECEIVE_MAX: usize = 10;

/// Looks again after this when it may not receive.
const CLOSED_PAUSE: Duration = Duration::from_millis(20);

/// Pauses after errors of the queue, doubled each time up to the cap.
pub const ERROR_PAUSE_MIN: Duration = Duration::from_millis(100);
const ERROR_PAUSE_MAX: Duration = Duration::from_secs(20);

/// At this receive, a message is taken apart from all that came less often; from
/// the next on, alone. So of the many that a process had in hand when it was
/// killed for another reason, most pass together.
const APART_FROM: u32 = 3;

/// How long it waits for the others to end, and how long they then wait for it.
const ALONE_WAIT: Duration = Duration::from_secs(2);
const ALONE_MAX: Duration = Duration::from_secs(5);
const ALONE_LOOK: Duration = Duration::from_millis(10);

#[derive(Debug)]
pub struct Poll;

#[derive(Clone)]
pub struct Poller {
    pub queue: Arc<dyn Queue>,
    pub desk: Desk<Stake>,
    pub in_flight: InFlight,
    pub lobby: Lobby,
    pub intake: Arc<Intake>,
    pub limits: Limits,
    pub gate: Gate,
    pub floor: Floor,
    pub silence: Silence,
    pub error_pause: Duration,
    /// After an error it asks no sooner.
    pub not_before: Option<Instant>,
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
        // First: whoever holds places must not wait for credit.
        let budget = self.desk.budget();
        let mut lease = Some(budget.acquire(self.limits.parcel_bytes).await);
        let errand = self.errand()?;
        if errand.is_none() && self.lobby.waiting() == 0 {
            cx.wake_after(CLOSED_PAUSE, Poll);
            return Ok(());
        }
        if let Some(errand) = errand {
            self.receive(errand, &mut lease).await?;
        }
        if let Some(guest) = self.lobby.next() {
            let _company = self.floor.share().await;
            self.take(guest, &mut lease).await?;
        }
        cx.tell_self(Poll);
        Ok(())
    }
}

/// What a poller needs that asks the queue for messages.
struct Errand {
    secret: Secret,
    asking: Asking,
    room: Room,
}

impl Poller {
    /// Whether to ask the queue now.
    fn errand(&self) -> Result<Option<Errand>, Failure> {
        if self.gate.is_shut() || !self.desk.accepts(self.limits.commit_stale)? {
            self.silence.end();
            return Ok(None);
        }
        if self
            .not_before
            .is_some_and(|moment| Instant::now() < moment)
        {
            return Ok(None);
        }
        let secret = self.desk.leader()?.birth().map(|birth| birth.secret);
        let max = self.limits.in_flight_max;
        let errand = |secret| {
            let asking = self.lobby.ask()?;
            let Some(room) = self.in_flight.reserve(asking.places(), max) else {
                self.silence.end();
                return None;
            };
            Some(Errand {
                secret,
                asking,
                room,
            })
        };
        Ok(secret.and_then(errand))
    }

    async fn receive(&mut self, errand: Errand, lease: &mut Option<Lease>) -> Result<(), Failure> {
        let Errand {
            secret,
            asking,
            room,
        } = errand;
        let began = Instant::now();
        let received = tokio::select! {
            received = self.queue.receive(room.places()) => received,
            // What it took meanwhile becomes visible again by itself.
            () = self.gate.closing() => Ok(Vec::new()),
        };
        match received {
            Ok(messages) => {
                (self.error_pause, self.not_before) = (ERROR_PAUSE_MIN, None);
                if messages.is_empty() && self.lobby.waiting() == 0 {
                    self.silence.heard_nothing(began);
                } else {
                    self.silence.end();
                }
                report::messages_received(&messages, self.desk.now().wall_ms);
                let suspects = self.seat(messages, secret, room);
                drop(asking);
                if !suspects.is_empty() {
                    // Who waits for others to end must not hold what they may need.
                    drop(lease.take());
                }
                for group in groups(suspects) {
                    self.take_apart(group).await?;
                }
            }
            Err(error) => {
                self.silence.end();
                report::queue_unreachable(&error, self.error_pause);
                self.not_before = Some(Instant::now() + self.error_pause);
                self.error_pause = (self.error_pause * 2).min(ERROR_PAUSE_MAX);
            }
        }
        Ok(())
    }

    /// Shows messages to the lobby, and gives back those that are taken apart.
    fn seat(&self, messages: Vec<ports::Message>, secret: Secret, mut room: Room) -> Vec<Guest> {
        let mut suspects = Vec::new();
        for message in messages {
            if self.in_flight.renew(&message) {
                continue;
            }
            let is_suspect = message.receives >= APART_FROM && !self.in_flight.gave_up(&message);
            let guest = Guest {
                message,
                room: room.part(),
                secret,
            };
            if is_suspect {
                suspects.push(guest);
            } else {
                self.lobby.seat(guest);
            }
        }
        suspects
    }

    /// Waits until nothing else is in hand, and lets nothing else begin until
    /// these messages are settled. Both end after a while, in the worst case too
    /// early: messages must not stand still for the sake of one.
    async fn take_apart(&self, group: Vec<Guest>) -> Result<(), Failure> {
        let alone = self.floor.clear(ALONE_WAIT).await;
        if alone.is_clear() {
            self.nothing_in_hand(ALONE_WAIT).await;
        }
        let end = Instant::now() + ALONE_MAX;
        let mut taking = std::pin::pin!(async {
            for guest in group {
                report::message_alone(&guest.message);
                self.take(guest, &mut None).await?;
            }
            Ok(())
        });
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

    async fn take(&self, guest: Guest, lease: &mut Option<Lease>) -> Result<(), Failure> {
        let Guest {
            message,
            mut room,
            secret,
        } = guest;
        let Some(ticket) = room.admit(&message) else {
            return Ok(());
        };
        match self.intake.take(&message, (ticket, secret), lease).await? {
            Ok(ticket) => {
                // It held nothing, or all of it is durable by now.
                let last: Vec<_> = ticket.settle().into_iter().collect();
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

/// Those that may be taken together, then each of the others.
fn groups(suspects: Vec<Guest>) -> Vec<Vec<Guest>> {
    let is_first = |guest: &Guest| guest.message.receives == APART_FROM;
    let (together, others): (Vec<_>, Vec<_>) = suspects.into_iter().partition(is_first);
    let others = others.into_iter().map(|guest| vec![guest]);
    let groups = std::iter::once(together).chain(others);
    groups.filter(|group| !group.is_empty()).collect()
}
