//! The messages in hand, and when each may be deleted.
//!
//! A message is admitted once and held by [`Ticket`]s, one for each part of it
//! that is under way. A ticket is honoured by consuming it with
//! [`Ticket::settle`]; when the last one is, the message may be deleted, with
//! the newest receipt that came in meanwhile. A ticket that is merely dropped,
//! by a panic, a lost batch, a forgotten match arm, fails the message: it is
//! forgotten here and the queue delivers it again.

use std::{
    collections::{HashMap, HashSet},
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use metrics::{Gauge, Histogram, gauge, histogram};
use tokio::time::Instant;

use crate::{
    metrics::{MESSAGE_DURABLE, MESSAGES_IN_HAND},
    ports::{Message, MessageId, Receipt},
};

/// Messages that are remembered as given up. Forgetting one costs a little time.
const GIVEN_UP_MAX: usize = 10_000;

/// Made by the supervisor's owner, shared by all incarnations.
#[derive(Clone)]
pub struct InFlight(Arc<Table>);

struct Table {
    hands: Mutex<Hands>,
    count: Gauge,
    durable: Histogram,
}

#[derive(Debug, Default)]
struct Hands {
    held: HashMap<MessageId, Held>,
    /// Messages that may yet be admitted.
    reserved: usize,
    given_up: HashSet<MessageId>,
    /// Messages of which all is durable, so far.
    settled: u64,
}

#[derive(Debug)]
struct Held {
    newest: Receipt,
    since: Instant,
    shares: usize,
    failed: bool,
}

/// Places for messages that are being received.
#[derive(Debug)]
pub struct Room {
    table: InFlight,
    places: usize,
}

/// A stake in one message.
pub struct Ticket {
    /// Emptied by `settle`, so that `drop` knows.
    held: Option<(InFlight, MessageId)>,
}

impl Default for InFlight {
    fn default() -> InFlight {
        InFlight(Arc::new(Table {
            hands: Mutex::default(),
            count: gauge!(MESSAGES_IN_HAND.name),
            durable: histogram!(MESSAGE_DURABLE.name),
        }))
    }
}

impl fmt::Debug for InFlight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("InFlight").field(&*self.lock()).finish()
    }
}

impl InFlight {
    /// The first ticket of a message; `None` if it is in hand already, and then
    /// only its newer receipt is kept.
    pub fn admit(&self, message: &Message) -> Option<Ticket> {
        let mut hands = self.lock();
        if hands.renew(message) {
            return None;
        }
        let first = Held {
            newest: message.receipt.clone(),
            since: Instant::now(),
            shares: 1,
            failed: false,
        };
        hands.held.insert(message.id.clone(), first);
        self.0.count.set(hands.held.len() as f64);
        drop(hands);
        Some(Ticket {
            held: Some((self.clone(), message.id.clone())),
        })
    }

    /// Whether the message is in hand; its newer receipt is kept then.
    pub fn renew(&self, message: &Message) -> bool {
        self.lock().renew(message)
    }

    /// Whether the message was given up by this process, in order.
    pub fn gave_up(&self, message: &Message) -> bool {
        self.lock().given_up.contains(&message.id)
    }

    /// Places for up to `wanted` messages more, as long as `max` are in hand in
    /// all; `None` if there is no place.
    pub fn reserve(&self, wanted: usize, max: usize) -> Option<Room> {
        let mut hands = self.lock();
        let left = max.saturating_sub(hands.held.len() + hands.reserved);
        let places = wanted.min(left);
        hands.reserved += places;
        drop(hands);
        let table = self.clone();
        (places > 0).then_some(Room { table, places })
    }

    pub fn count(&self) -> usize {
        self.lock().held.len()
    }

    /// Whether no message is in hand, nor received or waiting to be.
    pub fn is_idle(&self) -> bool {
        let hands = self.lock();
        hands.held.is_empty() && hands.reserved == 0
    }

    /// How many messages were settled since the start.
    pub fn settled(&self) -> u64 {
        self.lock().settled
    }

    /// Nothing here can panic with the lock held, so a poisoned lock is sound.
    fn lock(&self) -> MutexGuard<'_, Hands> {
        self.0.hands.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends one share; the receipt to delete with, if it was the last and none failed.
    fn end(&self, id: &MessageId, honoured: bool) -> Option<Receipt> {
        let mut hands = self.lock();
        let message = hands.held.get_mut(id)?;
        message.failed |= !honoured;
        message.shares -= 1;
        if message.shares > 0 {
            return None;
        }
        let message = hands.held.remove(id)?;
        self.0.count.set(hands.held.len() as f64);
        if message.failed {
            return None;
        }
        hands.settled += 1;
        drop(hands);
        self.0.durable.record(message.since.elapsed());
        Some(message.newest)
    }
}

impl Hands {
    fn renew(&mut self, message: &Message) -> bool {
        let Some(known) = self.held.get_mut(&message.id) else {
            return false;
        };
        known.newest = message.receipt.clone();
        true
    }
}

impl Room {
    pub fn places(&self) -> usize {
        self.places
    }

    /// One of these places, by itself; nothing, of a message beyond those asked for.
    #[must_use]
    pub fn part(&mut self) -> Room {
        let places = self.places.min(1);
        self.places -= places;
        Room {
            table: self.table.clone(),
            places,
        }
    }

    /// See [`InFlight::admit`]. Who sends more than was asked for is served, too.
    pub fn admit(&mut self, message: &Message) -> Option<Ticket> {
        let ticket = self.table.admit(message)?;
        let used = self.places.min(1);
        self.places -= used;
        self.table.lock().reserved -= used;
        Some(ticket)
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        self.table.lock().reserved -= self.places;
    }
}

impl Ticket {
    /// A second stake in the same message.
    #[must_use]
    pub fn split(&self) -> Ticket {
        if let Some((table, id)) = &self.held
            && let Some(message) = table.lock().held.get_mut(id)
        {
            message.shares += 1;
        }
        Ticket {
            held: self.held.clone(),
        }
    }

    /// The message cannot be done now. That is known, and harmed nobody: it fails
    /// as if the ticket were dropped, but is not suspected when it comes again.
    pub fn give_up(self) {
        if let Some((table, id)) = &self.held {
            let given_up = &mut table.lock().given_up;
            if given_up.len() >= GIVEN_UP_MAX {
                given_up.clear();
            }
            given_up.insert(id.clone());
        }
    }

    /// This part of the message is durable. `Some` if all parts are: delete it.
    #[must_use = "the message is to be deleted"]
    pub fn settle(mut self) -> Option<(MessageId, Receipt)> {
        let (table, id) = self.held.take()?;
        table.end(&id, true).map(|receipt| (id, receipt))
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if let Some((table, id)) = self.held.take() {
            table.end(&id, false);
        }
    }
}

impl fmt::Debug for Ticket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Ticket")
            .field(&self.held.as_ref().map(|(_, id)| id))
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn message(receipt: &str) -> Message {
        Message {
            id: MessageId("m".into()),
            receipt: Receipt(receipt.into()),
            body: "{}".into(),
            attributes: BTreeMap::new(),
            sender: None,
            sent_at_ms: 0,
            receives: 1,
        }
    }

    #[test]
    fn a_message_is_deleted_with_its_newest_receipt_when_the_last_part_is_durable() {
        let table = InFlight::default();
        let first = table.admit(&message("old")).expect("it is new");
        let second = first.split();
        assert!(table.admit(&message("new")).is_none(), "it is in hand");
        assert_eq!(first.settle(), None);
        let (_, receipt) = second.settle().expect("it was the last");
        assert_eq!(receipt, Receipt("new".into()));
        assert_eq!(table.count(), 0);
    }

    #[test]
    fn no_more_places_are_given_than_there_are() {
        let table = InFlight::default();
        let mut first = table.reserve(10, 12).expect("there is room");
        let second = table.reserve(10, 12).expect("there is room");
        assert_eq!((first.places(), second.places()), (10, 2));
        assert!(table.reserve(1, 12).is_none());
        let ticket = first.admit(&message("1")).expect("it is new");
        assert!(first.admit(&message("2")).is_none(), "it is in hand");
        assert_eq!(first.places(), 9);
        drop((first, second));
        let rest = table.reserve(20, 12).expect("there is room");
        assert_eq!(rest.places(), 11, "one is in hand");
        drop((rest, ticket));
        assert_eq!(table.reserve(20, 12).map(|room| room.places()), Some(12));
    }

    #[test]
    fn one_dropped_part_fails_the_message_but_it_can_come_again() {
        let table = InFlight::default();
        let first = table.admit(&message("1")).expect("it is new");
        let second = first.split();
        drop(first);
        assert!(
            table.admit(&message("2")).is_none(),
            "another part is still under way"
        );
        assert_eq!(second.settle(), None);
        assert_eq!(table.count(), 0);
        assert!(table.admit(&message("3")).is_some());
    }

    #[test]
    fn what_was_given_up_is_told_from_what_was_dropped() {
        let table = InFlight::default();
        drop(table.admit(&message("1")));
        assert!(!table.gave_up(&message("2")));
        let ticket = table.admit(&message("2")).expect("it can come again");
        ticket.give_up();
        assert!(table.gave_up(&message("3")));
        assert_eq!((table.count(), table.settled()), (0, 0));
        assert!(table.admit(&message("3")).is_some());
    }
}
