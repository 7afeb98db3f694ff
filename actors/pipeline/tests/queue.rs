//! A queue in memory, with the manners of SQS and with faults. It remembers how
//! much of the journal was written when each message was deleted.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use async_trait::async_trait;
use tokio::time::Instant;

use super::{
    store::MemoryStore,
    weather::{Fate, Sky},
};
use crate::ports::{Backlog, Message, MessageId, Outgoing, Queue, QueueError, Receipt};

/// How long a receive waits for a message, and how often it looks.
const LONG_POLL: Duration = Duration::from_secs(1);
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// A message that is buried goes at its receive of this number.
const RECEIVES_MAX: u32 = 3;

/// A fair queue lets a tenant wait that has so many messages in hand, and more
/// than this part of all in hand.
const NOISY_MIN: usize = 30;
const NOISY_PART: usize = 10;

/// When the first message was sent: 2026-01-10T00:00:00Z.
pub(super) const SENT_AT_MS: i64 = 1_768_003_200_000;

#[derive(Debug)]
pub(super) struct MemoryQueue {
    pub(super) sky: Sky,
    journal: Arc<MemoryStore>,
    visibility: Duration,
    manners: Mutex<Manners>,
    state: Mutex<State>,
}

/// What a test may want to be otherwise.
#[derive(Clone, Copy, Debug)]
pub(super) struct Manners {
    pub(super) long_poll: Duration,
    pub(super) tells_backlog: bool,
    /// A message that was received so often goes to the dead letters at its next
    /// receive, as SQS has it; else it goes when it is buried.
    pub(super) receives_max: Option<u32>,
    /// Tenants with many messages in hand wait for the others.
    pub(super) is_fair: bool,
}

#[derive(Debug, Default)]
struct State {
    letters: BTreeMap<u64, Letter>,
    sent: u64,
    receipts: u64,
    tally: Tally,
}

/// What was done so far.
#[derive(Clone, Default, Debug)]
pub(super) struct Tally {
    /// Messages handed out, each time counted.
    pub(super) received: u64,
    /// With the number of objects in the journal's store at that moment.
    pub(super) deleted: Vec<(u64, usize)>,
    /// How long each message that was deleted was in the queue.
    pub(super) waited: Vec<(u64, Duration)>,
    /// With their reasons.
    pub(super) buried: Vec<(u64, String)>,
    /// Dead without a word, with their receives.
    pub(super) dead: Vec<(u64, String)>,
}

#[derive(Debug)]
struct Letter {
    outgoing: Outgoing,
    sent_at: Instant,
    visible_at: Instant,
    receipt: u64,
    receives: u32,
}

impl MemoryQueue {
    pub(super) fn new(journal: &Arc<MemoryStore>, visibility: Duration) -> Arc<MemoryQueue> {
        Arc::new(MemoryQueue {
            sky: Sky::new(),
            journal: Arc::clone(journal),
            visibility,
            manners: Mutex::new(Manners {
                long_poll: LONG_POLL,
                tells_backlog: true,
                receives_max: None,
                is_fair: false,
            }),
            state: Mutex::default(),
        })
    }

    /// The number of the message.
    pub(super) fn put(&self, outgoing: Outgoing) -> u64 {
        let mut state = self.state();
        state.sent += 1;
        let number = state.sent;
        let letter = Letter {
            outgoing,
            sent_at: Instant::now(),
            visible_at: Instant::now(),
            receipt: 0,
            receives: 0,
        };
        state.letters.insert(number, letter);
        number
    }

    pub(super) fn tally(&self) -> Tally {
        self.state().tally.clone()
    }

    /// Messages that are neither deleted nor buried.
    pub(super) fn count(&self) -> usize {
        self.state().letters.len()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no panic holds it")
    }

    fn manners(&self) -> Manners {
        *self.manners.lock().expect("no panic holds it")
    }

    pub(super) fn set(&self, change: impl FnOnce(&mut Manners)) {
        change(&mut self.manners.lock().expect("no panic holds it"));
    }

    /// What SQS does with a message that came back once too often.
    fn let_die(&self, state: &mut State, now: Instant) {
        let Some(max) = self.manners().receives_max else {
            return;
        };
        let State { letters, tally, .. } = state;
        letters.retain(|number, letter| {
            let dies = letter.visible_at <= now && letter.receives >= max;
            if dies {
                let receives = letter.receives.to_string();
                tally.dead.push((*number, receives));
            }
            !dies
        });
    }

    fn take(&self, count_max: usize) -> Vec<Message> {
        let manners = self.manners();
        let mut state = self.state();
        let now = Instant::now();
        self.let_die(&mut state, now);
        let State {
            letters,
            receipts,
            tally,
            ..
        } = &mut *state;
        let mut chosen = if manners.is_fair {
            noisy_last(letters, now)
        } else {
            let visible = letters.iter_mut().filter(|(_, l)| l.visible_at <= now);
            visible.take(count_max).collect()
        };
        chosen.truncate(count_max);
        // Of what was chosen, the oldest is first.
        chosen.sort_by_key(|(number, _)| **number);
        let messages: Vec<Message> = chosen
            .into_iter()
            .map(|(number, letter)| {
                *receipts += 1;
                letter.receipt = *receipts;
                letter.receives += 1;
                letter.visible_at = now + self.visibility;
                Message {
                    id: MessageId(number.to_string().into()),
                    receipt: Receipt(receipts.to_string().into()),
                    body: letter.outgoing.body.clone().into(),
                    attributes: letter.outgoing.attributes.clone(),
                    sender: None,
                    sent_at_ms: SENT_AT_MS,
                    receives: letter.receives,
                }
            })
            .collect();
        tally.received += messages.len() as u64;
        messages
    }

    /// Gone already is a success; an older receipt is none.
    fn remove(&self, id: &MessageId, receipt: &Receipt) -> bool {
        let number: u64 = id.0.parse().expect("ours");
        let mut state = self.state();
        match state.letters.get(&number) {
            None => true,
            Some(letter) if letter.receipt.to_string() != *receipt.0 => false,
            Some(letter) => {
                let waited = letter.sent_at.elapsed();
                state.letters.remove(&number);
                state.tally.waited.push((number, waited));
                state.tally.deleted.push((number, self.journal.count()));
                true
            }
        }
    }
}

/// Messages of tenants that have many in hand come last, as those of a fair queue
/// do (<https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-fair-queues.html>).
fn noisy_last(letters: &mut BTreeMap<u64, Letter>, now: Instant) -> Vec<(&u64, &mut Letter)> {
    let mut in_hand: BTreeMap<String, usize> = BTreeMap::new();
    for letter in letters.values().filter(|letter| letter.visible_at > now) {
        *in_hand.entry(letter.tenant()).or_default() += 1;
    }
    let all: usize = in_hand.values().sum();
    let is_noisy = |tenant: String| {
        let count = in_hand.get(&tenant).copied().unwrap_or_default();
        count >= NOISY_MIN && count * NOISY_PART > all
    };
    let mut visible: Vec<(&u64, &mut Letter)> = letters
        .iter_mut()
        .filter(|(_, letter)| letter.visible_at <= now)
        .collect();
    visible.sort_by_cached_key(|(_, letter)| is_noisy(letter.tenant()));
    visible
}

impl Letter {
    fn tenant(&self) -> String {
        let tenant = self.outgoing.attributes.get("tenant_id");
        tenant.cloned().unwrap_or_default()
    }
}

fn unanswered<T>() -> Result<T, QueueError> {
    Err(QueueError::Retry("the connection was lost".into()))
}

#[async_trait]
impl Queue for MemoryQueue {
    async fn receive(&self, count_max: usize) -> Result<Vec<Message>, QueueError> {
        assert!(count_max > 0, "a receive of nothing is an error of SQS");
        let end = Instant::now() + self.manners().long_poll;
        match self.sky.pass().await {
            Fate::Done => {}
            Fate::DoneUnanswered => {
                self.take(count_max);
                return unanswered();
            }
            Fate::Refused | Fate::NotTaken | Fate::DoneLater(_) => return unanswered(),
        }
        loop {
            let messages = self.take(count_max);
            if !messages.is_empty() || Instant::now() >= end {
                return Ok(messages);
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    async fn delete(&self, entries: &[(MessageId, Receipt)]) -> Result<Vec<bool>, QueueError> {
        let remove_all = || entries.iter().map(|(id, receipt)| self.remove(id, receipt));
        match self.sky.pass().await {
            Fate::Done => Ok(remove_all().collect()),
            Fate::DoneUnanswered => {
                remove_all().for_each(drop);
                unanswered()
            }
            Fate::Refused | Fate::NotTaken | Fate::DoneLater(_) => unanswered(),
        }
    }

    async fn bury(&self, message: &Message, reason: &str) -> Result<bool, QueueError> {
        if self.sky.pass().await != Fate::Done {
            return unanswered();
        }
        let number: u64 = message.id.0.parse().expect("ours");
        let mut state = self.state();
        match state.letters.get_mut(&number) {
            _ if self.manners().receives_max.is_some() => return Ok(false),
            Some(letter) if letter.receives < RECEIVES_MAX => {
                letter.visible_at = Instant::now() + LONG_POLL;
                return Ok(false);
            }
            _ => state.letters.remove(&number),
        };
        state.tally.buried.push((number, reason.to_owned()));
        Ok(true)
    }

    async fn send(&self, messages: Vec<Outgoing>) -> Result<(), QueueError> {
        messages.into_iter().for_each(|outgoing| {
            self.put(outgoing);
        });
        Ok(())
    }

    async fn backlog(&self) -> Result<Option<Backlog>, QueueError> {
        if !self.manners().tells_backlog {
            return Ok(None);
        }
        if self.sky.pass().await == Fate::Refused {
            return unanswered();
        }
        let now = Instant::now();
        let state = self.state();
        let visible = state.letters.values().filter(|l| l.visible_at <= now);
        let visible = visible.count() as u64;
        Ok(Some(Backlog {
            visible,
            hidden: state.letters.len() as u64 - visible,
        }))
    }
}
