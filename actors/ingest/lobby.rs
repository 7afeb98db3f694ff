//! Messages that were received and nobody takes apart yet.
//!
//! Those of many tenants take turns by their bytes: of whom the least was taken,
//! the next is taken. So a tenant with a large backlog waits for itself, while
//! an event of another passes, although the queue gave it later. What a tenant
//! had is compared with a clock that goes on by the fair share of one tenant for
//! each message taken: who comes anew begins there, and passes only those who
//! had more than their share. This is weighted fair queueing (Demers, Keshav,
//! Shenker 1989), with equal weights.
//!
//! Once messages wait here, no more than one poller begins to ask the queue for
//! others: somebody must be there for them while the queue has none.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use audit::key::Secret;

use super::{inflight::Room, poller::RECEIVE_MAX};
use crate::ports;

/// What a message costs besides its bytes, in bytes.
const MESSAGE_COST: u64 = 256;

/// A message that waits, its place, and for which journal's keys it was received.
#[derive(Debug)]
pub struct Guest {
    pub message: ports::Message,
    pub room: Room,
    pub secret: Secret,
}

/// Shared by all pollers.
#[derive(Clone, Debug)]
pub struct Lobby(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    /// A poller that receives alone cannot take apart at the same time.
    pollers: usize,
    /// What waits is work enough from here on.
    enough_bytes: u64,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// None is empty.
    lanes: BTreeMap<Arc<str>, Lane>,
    waiting: usize,
    bytes: u64,
    receiving: usize,
    /// Of all that is being received.
    places: usize,
    /// What a tenant would have had that was always there.
    now: u64,
    /// Messages so far.
    arrived: u64,
}

#[derive(Debug, Default)]
struct Lane {
    /// With their numbers of arrival.
    guests: VecDeque<(u64, Guest)>,
    /// What it had; the least is next.
    taken: u64,
}

/// A poller asks the queue while this lives, for so many messages.
#[derive(Debug)]
pub struct Asking {
    lobby: Lobby,
    places: usize,
}

impl Lobby {
    /// `enough_bytes`: while messages of so much wait, a call may receive few.
    pub fn new(pollers: usize, enough_bytes: u64) -> Lobby {
        Lobby(Arc::new(Shared {
            pollers,
            enough_bytes,
            state: Mutex::default(),
        }))
    }

    /// Whether a poller should ask the queue now, rather than take what waits.
    pub fn ask(&self) -> Option<Asking> {
        let mut state = self.state();
        if state.waiting > 0 && (state.receiving > 0 || self.0.pollers < 2) {
            return None;
        }
        // What waits was received and is not begun: each of it counts a receive
        // when the process is killed, so it is not more than fairness needs.
        let calls = self.0.pollers - usize::from(state.waiting > 0);
        let all = RECEIVE_MAX * calls;
        let places = all
            .saturating_sub(state.waiting + state.places)
            .min(RECEIVE_MAX);
        let worth = places == RECEIVE_MAX || state.bytes >= self.0.enough_bytes;
        if places == 0 || !worth {
            return None;
        }
        state.receiving += 1;
        state.places += places;
        let lobby = self.clone();
        Some(Asking { lobby, places })
    }

    pub fn seat(&self, guest: Guest) {
        let mut state = self.state();
        let tenant = guest.message.attributes.get("tenant_id");
        let tenant: Arc<str> = tenant.map_or("", String::as_str).into();
        let (now, arrival) = (state.now, state.arrived);
        state.arrived += 1;
        state.waiting += 1;
        state.bytes += guest.message.body.len() as u64;
        let lane = state.lanes.entry(tenant).or_insert_with(|| Lane {
            taken: now,
            ..Lane::default()
        });
        lane.guests.push_back((arrival, guest));
    }

    /// The message whose turn it is.
    pub fn next(&self) -> Option<Guest> {
        let mut state = self.state();
        let first = |lane: &Lane| lane.guests.front().map(|(arrival, _)| *arrival);
        let least = state.lanes.iter();
        let least = least.min_by_key(|(_, lane)| (lane.taken, first(lane)));
        let tenant = Arc::clone(least?.0);
        let tenants = state.lanes.len() as u64;
        let lane = state.lanes.get_mut(&tenant)?;
        let begun = lane.taken;
        let (_, guest) = lane.guests.pop_front()?;
        let bytes = guest.message.body.len() as u64;
        let cost = bytes + MESSAGE_COST;
        lane.taken += cost;
        if lane.guests.is_empty() {
            state.lanes.remove(&tenant);
        }
        state.now = begun.max(state.now + cost / tenants);
        state.waiting -= 1;
        state.bytes -= bytes;
        Some(guest)
    }

    pub fn waiting(&self) -> usize {
        self.state().waiting
    }

    /// Nothing here can panic with the lock held, so a poisoned lock is sound.
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Asking {
    pub fn places(&self) -> usize {
        self.places
    }
}

impl Drop for Asking {
    fn drop(&mut self) {
        let mut state = self.lobby.state();
        state.receiving -= 1;
        state.places -= self.places;
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use bytes::Bytes;

    use super::*;
    use crate::{
        ingest::inflight::InFlight,
        ports::{Message, MessageId, Receipt},
    };

    const ENOUGH: u64 = 1_000;

    fn seat(lobby: &Lobby, table: &InFlight, (tenant, id, bytes): (&str, &str, usize)) {
        let message = Message {
            id: MessageId(id.into()),
            receipt: Receipt("r".into()),
            body: Bytes::from(vec![b'x'; bytes]),
            attributes: BTreeMap::from([("tenant_id".to_owned(), tenant.to_owned())]),
            sender: None,
            sent_at_ms: 0,
            receives: 1,
        };
        lobby.seat(Guest {
            message,
            room: table.reserve(1, usize::MAX).expect("there is no limit"),
            secret: Secret([0; 4]),
        });
    }

    fn next(lobby: &Lobby) -> Option<String> {
        lobby.next().map(|guest| guest.message.id.0.to_string())
    }

    #[test]
    fn of_whom_the_least_was_taken_the_next_is_taken() {
        let (lobby, table) = (Lobby::new(4, ENOUGH), InFlight::default());
        for id in ["l1", "l2", "l3"] {
            seat(&lobby, &table, ("loud", id, 10_000));
        }
        assert_eq!(next(&lobby).as_deref(), Some("l1"));
        for id in ["q1", "q2", "q3"] {
            seat(&lobby, &table, ("quiet", id, 3_000));
        }
        // Who comes anew has had as much as everybody.
        let order: Vec<String> = std::iter::from_fn(|| next(&lobby)).collect();
        assert_eq!(order, ["l2", "q1", "q2", "q3", "l3"]);
        assert_eq!(lobby.waiting(), 0);
    }

    /// Ten arrive whenever twenty or fewer wait, of two hundred tenants by chance.
    #[test]
    fn nobody_is_passed_for_ever() {
        const TENANTS: u64 = 200;
        let (lobby, table) = (Lobby::new(4, ENOUGH), InFlight::default());
        let (mut dice, mut arrived, mut longest) = (1_u64, 0, 0);
        for taken in 0..20_000_u64 {
            while lobby.waiting() <= 20 {
                for _ in 0..10 {
                    dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                    let tenant = format!("{:03}", (dice >> 33) % TENANTS);
                    let id = format!("{arrived} {taken}");
                    seat(&lobby, &table, (&tenant, &id, 1_000));
                    arrived += 1;
                }
            }
            let id = next(&lobby).expect("twenty wait");
            let seated = id.split(' ').nth(1).and_then(|at| at.parse().ok());
            longest = longest.max(taken - seated.unwrap_or(taken));
        }
        assert!(longest < TENANTS, "{longest} were taken meanwhile");
    }

    #[test]
    fn only_one_asks_for_more_while_messages_wait() {
        let (lobby, table) = (Lobby::new(4, ENOUGH), InFlight::default());
        let asking: Vec<Asking> = (0..4).filter_map(|_| lobby.ask()).collect();
        assert_eq!(asking.iter().map(Asking::places).sum::<usize>(), 40);
        assert!(lobby.ask().is_none(), "all places are taken");
        seat(&lobby, &table, ("a", "1", 1));
        drop(asking);
        let one = lobby.ask().expect("nobody asks");
        assert!(lobby.ask().is_none());
        drop(one);
        for number in 2..=22 {
            seat(&lobby, &table, ("a", &number.to_string(), 1));
        }
        assert!(lobby.ask().is_none(), "eight are not worth a call");
        seat(&lobby, &table, ("a", "large", 1_000));
        assert_eq!(lobby.ask().map(|asking| asking.places()), Some(7));

        let lonely = Lobby::new(1, ENOUGH);
        assert!(lonely.ask().is_some());
        seat(&lonely, &table, ("a", "first", 1));
        assert!(lonely.ask().is_none(), "it is there for what waits");
    }
}
