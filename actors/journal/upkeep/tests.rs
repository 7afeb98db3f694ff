//! A leader, its upkeep, and whoever begins with what they left.

use audit::{
    journal::{Batch, Slice},
    key::{Key, KeyXor},
    partition::{Day, Partition},
    tenant::Tenant,
};

use super::*;
use crate::{
    journal::{
        leader::{Contents, Turn},
        replica::KeysLimits,
        specimen::{self, Nobody},
    },
    sim::store::Journal,
};

const MINUTE_MS: u64 = 60_000;

/// One process and the store; time goes on only if it is told to.
struct Scene {
    journal: Journal,
    leader: Leader<Nobody>,
    upkeep: Upkeep,
    boot_ms: u64,
    /// What was asked for the protocol, and for the upkeep.
    read: Vec<Name>,
    kept: Vec<Effect>,
}

impl Scene {
    fn new() -> Scene {
        let mut scene = Scene::on(Journal::default());
        scene.serve();
        scene
    }

    fn on(journal: Journal) -> Scene {
        let limits = UpkeepLimits {
            every: Duration::from_secs(60),
            objects: 50,
            keep: Duration::ZERO,
            keys: KeysLimits {
                inline_max: 4,
                object_max: 8,
            },
        };
        Scene {
            journal,
            leader: specimen::process(7, None),
            upkeep: Upkeep::new(limits),
            boot_ms: 0,
            read: Vec::new(),
            kept: Vec::new(),
        }
    }

    fn now(&self) -> Now {
        Now {
            wall_ms: self.boot_ms as i64,
            boot_ms: self.boot_ms,
        }
    }

    /// All that the protocol wants to ask now.
    fn serve(&mut self) {
        for _ in 0..1_000 {
            let now = self.now();
            let Some(effect) = self.leader.next(now) else {
                return;
            };
            if let Effect::Read(name) = &effect {
                self.read.push(*name);
            }
            let answer = self.answer(&effect);
            let turn = self.leader.answer(answer, now).expect("a sound journal");
            assert!(!matches!(turn, Some(Turn::Fenced)));
        }
        panic!("it never stops asking");
    }

    fn answer(&mut self, effect: &Effect) -> Answer {
        match effect {
            Effect::Create { name, object } => match self.journal.create(*name, object, 0) {
                true => Answer::Created(Outcome::Won),
                false => Answer::Created(Outcome::Taken),
            },
            Effect::Remove(removal) => {
                let (_, more) = self.journal.remove(*removal, false, 1);
                Answer::Removed { more }
            }
            effect => self.journal.look(effect),
        }
    }

    /// All that is to be done for the upkeep, and what the log is told of it.
    fn keep(&mut self) {
        for _ in 0..1_000 {
            let now = self.now();
            self.upkeep.look(&mut self.leader, now);
            match self.upkeep.effect() {
                Some(effect) => {
                    let answer = self.answer(&effect);
                    self.upkeep.answer(answer, now).expect("a sound store");
                    self.kept.push(effect);
                }
                None if self.leader.has_news() => self.serve(),
                None => return,
            }
        }
        panic!("it never stops");
    }

    /// A batch with these keys, for one partition.
    fn commit(&mut self, keys: std::ops::Range<u128>) {
        let keys: Vec<Key> = keys.map(Key).collect();
        let tenant = Tenant::parse("acme").expect("a valid id");
        let slice = Slice {
            partition: Partition::tenant(tenant, Day::of_ms(0)),
            row_start: 0,
            row_end: keys.len() as u32,
            key_xor: KeyXor::of(keys.iter().copied()),
            raw_bytes: 1,
        };
        let batch = self.leader.begin().expect("it serves");
        self.leader
            .offer(batch, &keys, Nobody)
            .expect("the batch is open")
            .iter()
            .for_each(|verdict| assert_eq!(*verdict, crate::journal::claims::Verdict::New));
        let contents = Contents {
            batch: Some(Batch {
                slices: vec![slice],
                keys,
                ..Batch::default()
            }),
            ..Contents::default()
        };
        self.leader.submit(batch, contents).expect("it is open");
        self.serve();
    }

    /// Another process on what is there.
    fn next(self) -> Scene {
        let mut next = Scene::on(self.journal);
        next.serve();
        next
    }

    fn knows(&self, keys: std::ops::Range<u128>) -> bool {
        keys.map(Key).all(|key| self.leader.replica().knows(&key))
    }
}

#[test]
fn whoever_comes_next_reads_the_checkpoint_and_what_follows() {
    let mut scene = Scene::new();
    for batch in 0..10 {
        scene.commit(10 * batch..10 * batch + 3);
    }
    scene.keep();
    scene.commit(1_000..1_003);
    let (head, rows) = {
        let replica = scene.leader.replica();
        (replica.head().seq, replica.rows_waiting())
    };
    let next = scene.next();
    let replica = next.leader.replica();
    assert_eq!(replica.head().seq, head.next(), "its own fence");
    assert_eq!((replica.rows_waiting(), rows), (33, 33));
    assert!(next.knows(0..3) && next.knows(90..93) && next.knows(1_000..1_003));
    assert!(
        matches!(next.read[0], Name::Checkpoint(_)),
        "{:?}",
        next.read
    );
    let keys = next
        .read
        .iter()
        .filter(|name| matches!(name, Name::Keys(_)));
    assert_eq!(
        keys.count(),
        5,
        "thirty keys, eight at most in each, by whole objects"
    );
}

#[test]
fn nothing_is_collected_that_two_checkpoints_need() {
    let mut scene = Scene::new();
    scene.commit(0..3);
    scene.keep();
    assert!(
        !scene
            .kept
            .iter()
            .any(|effect| matches!(effect, Effect::Remove(_)))
    );
    for round in 1..5 {
        scene.boot_ms += MINUTE_MS;
        scene.commit(10 * round..10 * round + 3);
        scene.keep();
    }
    // All rows wait, so that every object but the first fence is needed.
    assert_eq!(scene.leader.replica().needless(), Seq(1));
    assert_eq!(scene.journal.read(Name::Log(Seq(1))), None);
    assert!(scene.journal.read(Name::Log(Seq(2))).is_some());
    let boundary = scene.kept.iter().position(|effect| {
        matches!(
            effect,
            Effect::Create {
                name: Name::Boundary(_),
                ..
            }
        )
    });
    let removal = scene
        .kept
        .iter()
        .position(|effect| matches!(effect, Effect::Remove(Removal::Log { .. })));
    assert!(boundary < removal, "first it is said, then it is done");
    let next = scene.next();
    assert_eq!(next.leader.replica().rows_waiting(), 15);
    assert!(next.knows(0..3) && next.knows(40..43));
}

#[test]
fn an_idle_journal_is_checkpointed_by_its_objects_only() {
    let mut scene = Scene::new();
    for _ in 0..40 {
        scene.boot_ms += MINUTE_MS;
        scene.serve();
        scene.keep();
    }
    assert!(scene.kept.is_empty(), "{:?}", scene.kept);
    for _ in 0..400 {
        scene.boot_ms += MINUTE_MS;
        scene.serve();
        scene.keep();
    }
    let written = scene.kept.iter().filter(|effect| {
        let Effect::Create { name, .. } = effect else {
            return false;
        };
        matches!(name, Name::Checkpoint(_))
    });
    assert_eq!(
        written.count(),
        8,
        "every fifty objects and their own records"
    );
    let log = scene.journal.look(&Effect::Last { after: Seq(400) });
    assert!(matches!(log, Answer::Last(Some(_))));
    assert_eq!(scene.journal.read(Name::Log(Seq(300))), None);
}

#[test]
fn a_damaged_checkpoint_is_passed_over_for_the_one_before() {
    let mut scene = Scene::new();
    for round in 0..2 {
        scene.boot_ms += MINUTE_MS;
        scene.commit(10 * round..10 * round + 3);
        scene.keep();
    }
    let saved = scene.leader.replica().saved().to_vec();
    let [older, newer] = &saved[..] else {
        panic!("two checkpoints: {saved:?}");
    };
    scene.journal.spoil_checkpoint(newer.seq);
    let next = scene.next();
    assert!(next.knows(0..3) && next.knows(10..13));
    assert_eq!(next.leader.replica().rows_waiting(), 6);
    let read: Vec<_> = next.read.iter().take(2).collect();
    assert_eq!(
        read,
        [&Name::Checkpoint(newer.seq), &Name::Checkpoint(older.seq)]
    );
}

#[test]
fn what_is_read_back_otherwise_is_no_checkpoint() {
    let mut scene = Scene::new();
    scene.commit(0..3);
    let now = scene.now();
    scene.upkeep.look(&mut scene.leader, now);
    while let Some(effect) = scene.upkeep.effect() {
        let answer = match &effect {
            Effect::Read(Name::Checkpoint(_)) => Answer::Object(Some(Bytes::from_static(b"no"))),
            effect => scene.answer(effect),
        };
        if let Err(what) = scene.upkeep.answer(answer, now) {
            assert!(what.contains("read back"), "{what}");
            scene.keep();
            assert!(scene.leader.replica().saved().is_empty());
            return;
        }
    }
    panic!("it was taken for a checkpoint");
}
