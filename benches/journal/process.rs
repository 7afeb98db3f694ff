//! One leader with its upkeep, driven without actors.

use std::time::Duration;

use actors::journal::{
    Candidate, Folding, Window,
    claims::{BatchNo, Rider},
    effect::{Answer, Effect, Name, Now},
    leader::{Contents, Leader, Limits, Refused},
    replica::{Birth, KeysLimits},
    seal::SealLimits,
    upkeep::{Upkeep, UpkeepLimits},
};
use audit::{
    journal::{Batch, Block, Digest, Done, Format, Incarnation, Keys, Slice},
    journal_id::Gen,
    key::{Key, KeyXor, Secret},
    partition::{Day, Partition},
    tenant::Tenant,
};
use bytes::Bytes;
use hashbrown::HashSet;

use crate::store::Store;

const DAY: Duration = Duration::from_secs(86_400);
const SEAL_MS: u64 = 300_000;

/// What an event takes in the journal, besides its key: measured by `idtrail bench`.
const EVENT_BYTES: usize = 340;

#[derive(Debug)]
struct Nobody;

impl Rider for Nobody {
    fn split(&self) -> Nobody {
        Nobody
    }
}

pub(crate) struct Process {
    pub(crate) store: Store,
    /// Whether checkpoints are made.
    pub(crate) keeps: bool,
    leader: Leader<Nobody>,
    upkeep: Upkeep,
    events: u128,
    sealed_ms: u64,
}

impl Process {
    /// Until it leads what is in the store.
    pub(crate) fn new(store: Store) -> Process {
        let birth = Birth {
            generation: Gen(1),
            secret: Secret([1, 2, 3, 4]),
        };
        let candidate = Candidate {
            incarnation: Incarnation(7),
            format: Format::default(),
            birth,
        };
        let limits = Limits {
            window: Window {
                reach_ms: 86_400_000,
                bytes_max: 256 << 20,
                folding: Folding::USUAL,
            },
            heartbeat: Duration::from_secs(5),
            keep: DAY,
            seal: SealLimits {
                age_ms: i64::MAX,
                rows: u64::MAX,
                raw_bytes: u64::MAX,
                open_max: 100,
            },
            follow: None,
        };
        let upkeep = UpkeepLimits {
            every: Duration::from_secs(60),
            objects: 1_000,
            keep: DAY,
            keys: KeysLimits::of(limits.window),
        };
        let mut process = Process {
            store,
            keeps: true,
            leader: Leader::new(candidate, limits),
            upkeep: Upkeep::new(upkeep),
            events: 0,
            sealed_ms: 0,
        };
        process.serve();
        process
    }

    pub(crate) fn rows_waiting(&self) -> u64 {
        self.leader.replica().rows_waiting()
    }

    pub(crate) fn keys(&self) -> usize {
        self.leader.replica().known_count()
    }

    pub(crate) fn keys_bytes(&self) -> u64 {
        self.leader.replica().known_bytes()
    }

    pub(crate) fn pass(&mut self, ms: u64) {
        self.store.boot_ms += ms;
        if self.store.boot_ms - self.sealed_ms >= SEAL_MS {
            self.sealed_ms = self.store.boot_ms;
            self.seal();
        }
    }

    /// An object with so many new events of one tenant.
    pub(crate) fn commit(&mut self, events: u64) {
        let key = |n: u128| Key(n.wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835));
        let keys: Vec<Key> = (self.events..self.events + u128::from(events))
            .map(key)
            .collect();
        self.events += u128::from(events);
        let rows = u32::try_from(events).expect("few events");
        let day = Day::of_ms(self.store.boot_ms as i64);
        let slice = Slice {
            partition: Partition::tenant(Tenant::parse("acme").expect("a valid id"), day),
            row_start: 0,
            row_end: rows,
            key_xor: KeyXor::of(keys.iter().copied()),
            raw_bytes: events * 1_500,
        };
        let block = Block {
            row_start: 0,
            row_end: rows,
            raw_bytes: rows * 1_500,
            frame: Bytes::from(vec![7; EVENT_BYTES * events as usize]),
        };
        let batch = self.leader.begin().expect("it serves");
        self.offer(batch, &keys);
        let contents = Contents {
            batch: Some(Batch {
                slices: vec![slice],
                keys,
                blocks: vec![block],
                ..Batch::default()
            }),
            ..Contents::default()
        };
        self.leader.submit(batch, contents).expect("it is open");
        self.serve();
        if self.keeps {
            self.keep();
        }
    }

    /// One key in thousands of millions is taken for another by a filter.
    fn offer(&mut self, batch: BatchNo, keys: &[Key]) {
        while let Err(Refused::Unsure { recall, .. }) = self.leader.offer(batch, keys, Nobody) {
            let mut held = HashSet::new();
            for range in &recall.ranges {
                let answer = self.store.ask(Effect::Read(Name::Keys(*range)));
                let Answer::Object(Some(object)) = answer else {
                    panic!("keys that a filter was made of are there");
                };
                let object = Keys::decode(&object).expect("sound keys");
                held.extend(object.spans.into_iter().flat_map(|span| span.keys));
            }
            self.leader.recall(recall, &held);
        }
    }

    /// All rows become files, at once.
    fn seal(&mut self) {
        let waiting: Vec<_> = self.leader.replica().waiting().keys().cloned().collect();
        waiting
            .into_iter()
            .for_each(|partition| self.leader.seal(partition));
        self.serve();
        let done = self.leader.plans_to_do().map(|open| Done {
            plan: open.id.seq,
            partition: open.id.partition.clone(),
            rows: open.plan.rows,
            key_xor: open.plan.key_xor,
            bytes: 1,
            sha256: Digest::default(),
            time_min_ms: 0,
            time_max_ms: 0,
        });
        let done: Vec<Done> = done.collect();
        done.into_iter().for_each(|done| self.leader.done(done));
        self.serve();
    }

    fn now(&self) -> Now {
        Now {
            wall_ms: self.store.boot_ms as i64,
            boot_ms: self.store.boot_ms,
        }
    }

    fn serve(&mut self) {
        while let Some(effect) = self.leader.next(self.now()) {
            let answer = self.store.ask(effect);
            let turn = self.leader.answer(answer, self.now());
            turn.expect("a sound journal");
        }
    }

    fn keep(&mut self) {
        loop {
            let now = self.now();
            self.upkeep.look(&mut self.leader, now);
            if let Some(effect) = self.upkeep.effect() {
                let answer = self.store.ask(effect);
                self.upkeep.answer(answer, now).expect("a sound store");
            } else if self.leader.has_news() {
                self.serve();
            } else {
                return;
            }
        }
    }
}
