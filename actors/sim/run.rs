//! Runs one world: chance decides who acts, what fails and when; then all must
//! be well.

use std::collections::BTreeMap;

use audit::journal::Format;
use bytes::Bytes;

use super::{
    Mutant,
    bytes::{uncovered, version, without},
    dice::Dice,
    limits::{self, Shared},
    node::{Node, Write},
    world::{Checked, Violation, World},
};
use crate::journal::effect::{Answer, Effect, Name, Outcome};

/// How far back copies are recognised: without end in most worlds.
const REACHES_MS: [i64; 4] = [i64::MAX, i64::MAX, i64::MAX, 4_000];

/// Steps after which a healthy process must have drained the queue.
const HEAL_STEPS_MAX: u64 = 20_000;

/// What happened in one world.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Report {
    pub(super) trace: u64,
    /// Faults injected, and events of note, by kind.
    pub(super) counts: BTreeMap<&'static str, u64>,
}

/// Chances in a thousand, drawn for each world.
#[derive(Clone, Copy, Debug)]
struct Odds {
    store: u64,
    crash: u64,
    sleep: u64,
    panic: u64,
    skip: u64,
    /// Of a hundred actions, those that see to the upkeep.
    upkeep: u64,
}

struct Run {
    world: World,
    nodes: Vec<Node>,
    shared: Shared,
    /// Writes in the network: they may land later, or never.
    network: Vec<(Write, Option<usize>)>,
    odds: Odds,
    faults: bool,
    mutant: Option<Mutant>,
    /// The step at which the last process of the older release is gone.
    upgraded_at: u64,
    /// A checkpoint of [`Mutant::CheckpointUnwritten`].
    unwritten: Option<Bytes>,
    report: Report,
}

pub(super) fn run(seed: u64, mutant: Option<Mutant>) -> Result<Report, Violation> {
    let mut dice = Dice::new(seed);
    let birth = limits::birth(&mut dice);
    let odds = Odds {
        store: *dice.pick(&[0, 20, 60, 150]).unwrap_or(&0),
        crash: *dice.pick(&[0, 3, 10, 30]).unwrap_or(&0),
        sleep: *dice.pick(&[0, 10, 30]).unwrap_or(&0),
        panic: *dice.pick(&[0, 20]).unwrap_or(&0),
        skip: *dice.pick(&[0, 0, 200]).unwrap_or(&0),
        upkeep: *dice.pick(&[4, 25]).unwrap_or(&4),
    };
    let count = dice.between(1, 3);
    let keep = *dice.pick(&[0, 5, 80]).unwrap_or(&0);
    let steps = dice.between(100, 700);
    let reach_ms = *dice.pick(&REACHES_MS).unwrap_or(&i64::MAX);
    let shared = Shared {
        birth,
        keep,
        reach_ms,
    };
    let upgraded_at = match dice.below(3) {
        0 => 0,
        _ => dice.between(1, steps),
    };
    let mut run = Run {
        world: World::new(dice, birth.secret, reach_ms),
        nodes: Vec::new(),
        shared,
        upgraded_at,
        network: Vec::new(),
        odds,
        faults: true,
        mutant,
        unwritten: None,
        report: Report::default(),
    };
    for _ in 0..count {
        let node = run.begin();
        run.nodes.push(node);
    }
    let events = run.world.events();
    for _ in 0..steps {
        run.step()?;
    }
    run.heal();
    for _ in 0..HEAL_STEPS_MAX {
        if run.world.queue.is_empty() && run.nodes[0].is_drained() {
            run.world.all_filed(&events)?;
            run.report.trace = run.world.trace;
            run.report.counts.extend(run.world.counts());
            return Ok(run.report);
        }
        run.step()?;
    }
    Err(Violation("I13: the queue was not drained".into()))
}

impl Run {
    fn count(&mut self, what: &'static str) {
        *self.report.counts.entry(what).or_default() += 1;
    }

    fn fault(&mut self, permille: u64, what: &'static str) -> bool {
        let strikes = self.faults && self.world.dice.chance(permille);
        if strikes {
            self.count(what);
            self.world.note(what, 0);
        }
        strikes
    }

    /// Faults end: one new process, a quiet network.
    fn heal(&mut self) {
        for (write, _) in std::mem::take(&mut self.network) {
            if self.world.dice.chance(500) {
                // A violation here is found again by the checks at the end.
                drop(self.land(&write));
            }
        }
        self.faults = false;
        self.nodes = vec![self.begin()];
    }

    /// A process starts: of the older release perhaps, while there are such; it
    /// writes the newer format only when there are none.
    fn begin(&mut self) -> Node {
        let is_upgraded = self.world.step >= self.upgraded_at;
        let is_old = !is_upgraded && self.world.dice.chance(500);
        let reads = if is_old { Format::One } else { Format::NEWEST };
        let too_soon = self.mutant == Some(Mutant::FormatTooSoon) && !is_old;
        let writes = match is_upgraded || too_soon {
            true if self.world.dice.chance(500) => Format::NEWEST,
            _ => Format::One,
        };
        let mut shared = self.shared;
        if self.mutant == Some(Mutant::ShortWindow) {
            shared.reach_ms /= 2;
        }
        let candidate = limits::candidate(&mut self.world.dice, shared.birth, writes);
        Node::new(candidate, shared, reads, self.mutant)
    }

    /// Whatever is of the older release ends, and begins as the newer.
    fn upgrade(&mut self) {
        for index in 0..self.nodes.len() {
            if self.nodes[index].reads < Format::NEWEST {
                self.replace(index);
                self.count("upgraded");
            }
        }
    }

    fn replace(&mut self, index: usize) {
        self.nodes[index] = self.begin();
        self.forget(index);
    }

    fn step(&mut self) -> Checked {
        self.world.step += 1;
        if self.world.step == self.upgraded_at {
            self.upgrade();
        }
        if self.world.dice.chance(150) {
            self.deliver()?;
        }
        let index = self.world.dice.below(self.nodes.len() as u64) as usize;
        if self.fault(self.odds.crash, "crash") {
            self.replace(index);
            return Ok(());
        }
        if self.fault(self.odds.sleep, "sleep") {
            let length = *self.world.dice.pick(&[10, 60, 300]).unwrap_or(&10);
            self.nodes[index].asleep_until = self.world.step + length;
        }
        if self.nodes[index].asleep_until > self.world.step {
            return Ok(());
        }
        self.act(index)
    }

    fn act(&mut self, index: usize) -> Checked {
        match self.world.dice.below(100) {
            dice if dice < self.odds.upkeep => self.keep(index),
            0..45 => self.ask(index),
            45..65 => {
                let faults = self.faults;
                let before = self.nodes[index].recalls;
                self.nodes[index].receive(&mut self.world, faults)?;
                if self.nodes[index].recalls > before {
                    self.count("recalled");
                }
                Ok(())
            }
            65..75 => {
                self.nodes[index].close();
                Ok(())
            }
            75..83 => {
                self.nodes[index].submit(&self.world);
                Ok(())
            }
            83..88 => {
                self.nodes[index].seal(&mut self.world);
                Ok(())
            }
            88..93 if self.fault(self.odds.skip, "skip asked") => {
                if self.nodes[index].skip(&mut self.world) {
                    self.count("file given up");
                }
                Ok(())
            }
            88..93 => self.file(index),
            93..98 => {
                let lost = self.fault(self.odds.store, "delete lost");
                self.nodes[index].delete(&mut self.world, lost)
            }
            _ => {
                if self.fault(self.odds.panic * 10, "batch lost") {
                    self.nodes[index].lose_a_batch();
                }
                Ok(())
            }
        }
    }

    /// One question of the protocol to the store.
    fn ask(&mut self, index: usize) -> Checked {
        if self.nodes[index].waiting {
            // The attempt times out; the write may still land.
            if self.world.dice.chance(150) {
                self.nodes[index].waiting = false;
                self.forget(index);
                return self.unknown(index);
            }
            return Ok(());
        }
        let Some(effect) = self.nodes[index].effect(&self.world) else {
            return Ok(());
        };
        let answer = match effect {
            Effect::Create { name, object } => {
                return self.write(index, Write::Journal(name, object));
            }
            effect => self.look(index, &effect)?,
        };
        if self.fault(self.odds.store, "unreachable") {
            return Ok(());
        }
        let before = self.nodes[index].took_over;
        self.nodes[index].answer(&mut self.world, answer)?;
        if self.nodes[index].took_over > before {
            self.count("follower took over");
        }
        Ok(())
    }

    /// What a call answers that writes nothing. Nobody meets a format that is newer
    /// than his release.
    fn look(&mut self, index: usize, effect: &Effect) -> Result<Answer, Violation> {
        let journal = &self.world.journal;
        let answer = match effect {
            Effect::Read(Name::Keys(range)) if self.mutant == Some(Mutant::NoKeys) => {
                Answer::Object(journal.read(Name::Keys(*range)).map(|keys| without(&keys)))
            }
            Effect::Read(name @ Name::Checkpoint(_))
                if self.mutant == Some(Mutant::CoveredForgotten) =>
            {
                Answer::Object(journal.read(*name).map(|there| uncovered(&there)))
            }
            effect => journal.look(effect),
        };
        if let Answer::Object(Some(object)) = &answer
            && version(object) > self.nodes[index].reads as u16
        {
            return Err(Violation("an older release reads a newer format".into()));
        }
        Ok(answer)
    }

    /// One step of the journal's upkeep.
    fn keep(&mut self, index: usize) -> Checked {
        let had = self.nodes[index].has_checkpoint();
        let Some(effect) = self.nodes[index].upkeep(&self.world) else {
            if !had && self.nodes[index].has_checkpoint() {
                self.count("checkpoint");
            }
            return Ok(());
        };
        if self.fault(self.odds.store, "upkeep failed") {
            return Ok(());
        }
        let answer = match effect {
            Effect::Create { name, object } => {
                self.count("upkeep written");
                let unwritten = matches!(name, Name::Checkpoint(_))
                    && self.mutant == Some(Mutant::CheckpointUnwritten);
                if unwritten {
                    self.unwritten = Some(object);
                    Answer::Created(Outcome::Won)
                } else if self.fault(self.odds.store, "upkeep late") {
                    self.network.push((Write::Journal(name, object), None));
                    Answer::Created(Outcome::Unknown)
                } else {
                    match self.world.append(name, &object)? {
                        true => Answer::Created(Outcome::Won),
                        false => Answer::Created(Outcome::Taken),
                    }
                }
            }
            Effect::Remove(removal) => {
                let some = self.fault(self.odds.store * 4, "removal cut short");
                let (removed, more) = self.world.remove(removal, some)?;
                if removed > 0 {
                    self.count("collected");
                }
                Answer::Removed { more }
            }
            effect => self.look(index, &effect)?,
        };
        let answer = match answer {
            Answer::Object(None) => Answer::Object(self.unwritten.take()),
            answer => answer,
        };
        if self.nodes[index].kept(&self.world, answer).is_err() {
            self.count("checkpoint given up");
        }
        Ok(())
    }

    fn file(&mut self, index: usize) -> Checked {
        if self.nodes[index].waiting {
            return Ok(());
        }
        match self.nodes[index].file(&mut self.world) {
            Some(write) => self.write(index, write),
            None => Ok(()),
        }
    }

    fn write(&mut self, index: usize, write: Write) -> Checked {
        let store = self.odds.store;
        if self.fault(store, "write failed") {
            return self.unknown(index);
        }
        if self.fault(store, "answer lost") {
            self.land(&write)?;
            return self.unknown(index);
        }
        if self.fault(store, "write late") {
            self.network.push((write, Some(index)));
            self.nodes[index].waiting = true;
            return Ok(());
        }
        let new = self.land(&write)?;
        self.landed(index, write, new)
    }

    fn unknown(&mut self, index: usize) -> Checked {
        if self.mutant == Some(Mutant::NextSlotOnUnknown)
            && let Some(Effect::Create {
                name: Name::Log(seq),
                object,
            }) = self.nodes[index].effect(&self.world)
            && self.land(&Write::Journal(Name::Log(seq.next()), object))?
        {
            return self.nodes[index].answer(&mut self.world, Answer::Created(Outcome::Won));
        }
        self.nodes[index].answer(&mut self.world, Answer::Created(Outcome::Unknown))
    }

    /// The write takes effect. True if it made the object.
    fn land(&mut self, write: &Write) -> Result<bool, Violation> {
        match write {
            Write::Journal(name, object) => self.world.append(*name, object),
            Write::File(id, file, _) => {
                let by_chance = self.mutant == Some(Mutant::FilesByChance);
                self.world.write_file(id, file, by_chance)
            }
        }
    }

    fn landed(&mut self, index: usize, write: Write, new: bool) -> Checked {
        match write {
            Write::Journal(Name::Log(seq), object)
                if !new
                    && self.mutant == Some(Mutant::TakenIsPassed)
                    && self.land(&Write::Journal(Name::Log(seq.next()), object.clone()))? =>
            {
                self.nodes[index].answer(&mut self.world, Answer::Created(Outcome::Won))
            }
            Write::Journal(..) => {
                let outcome = if new { Outcome::Won } else { Outcome::Taken };
                self.count(if new { "slot won" } else { "slot taken" });
                self.nodes[index].answer(&mut self.world, Answer::Created(outcome))
            }
            Write::File(_, _, done) => {
                self.nodes[index].filed(*done);
                Ok(())
            }
        }
    }

    /// Some write in the network arrives, long after it was sent perhaps.
    fn deliver(&mut self) -> Checked {
        if self.network.is_empty() {
            return Ok(());
        }
        let chosen = self.world.dice.below(self.network.len() as u64) as usize;
        let (write, waits) = self.network.swap_remove(chosen);
        let new = self.land(&write)?;
        match waits {
            Some(index) if self.nodes[index].waiting => {
                self.nodes[index].waiting = false;
                self.landed(index, write, new)
            }
            _ => Ok(()),
        }
    }

    fn forget(&mut self, index: usize) {
        for (_, waits) in &mut self.network {
            if *waits == Some(index) {
                *waits = None;
            }
        }
    }
}
