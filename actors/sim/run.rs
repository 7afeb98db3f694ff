//! Runs one world: chance decides who acts, what fails and when; then all must
//! be well.

use std::collections::BTreeMap;

use audit::journal_id::Seq;

use super::{
    Mutant,
    dice::Dice,
    node::{self, Node, Write},
    world::{Checked, Violation, World},
};
use crate::journal::{
    effect::{Answer, Effect, Outcome},
    replica::Birth,
};

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
}

struct Run {
    world: World,
    nodes: Vec<Node>,
    birth: Birth,
    /// Writes in the network: they may land later, or never.
    network: Vec<(Write, Option<usize>)>,
    odds: Odds,
    faults: bool,
    mutant: Option<Mutant>,
    report: Report,
}

pub(super) fn run(seed: u64, mutant: Option<Mutant>) -> Result<Report, Violation> {
    let mut dice = Dice::new(seed);
    let birth = node::birth(&mut dice);
    let odds = Odds {
        store: *dice.pick(&[0, 20, 60, 150]).unwrap_or(&0),
        crash: *dice.pick(&[0, 3, 10, 30]).unwrap_or(&0),
        sleep: *dice.pick(&[0, 10, 30]).unwrap_or(&0),
        panic: *dice.pick(&[0, 20]).unwrap_or(&0),
    };
    let count = dice.between(1, 3);
    let steps = dice.between(100, 700);
    let nodes = (0..count)
        .map(|_| Node::new(node::candidate(&mut dice, birth), mutant))
        .collect();
    let mut run = Run {
        world: World::new(dice, birth.secret),
        nodes,
        birth,
        network: Vec::new(),
        odds,
        faults: true,
        mutant,
        report: Report::default(),
    };
    let events = run.world.events();
    for _ in 0..steps {
        run.step()?;
    }
    run.heal();
    for _ in 0..HEAL_STEPS_MAX {
        if run.world.queue.is_empty() && run.nodes[0].is_drained() {
            run.world.all_filed(&events)?;
            run.report.trace = run.world.trace;
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
        let candidate = node::candidate(&mut self.world.dice, self.birth);
        self.nodes = vec![Node::new(candidate, self.mutant)];
    }

    fn step(&mut self) -> Checked {
        self.world.step += 1;
        if self.world.dice.chance(150) {
            self.deliver()?;
        }
        let index = self.world.dice.below(self.nodes.len() as u64) as usize;
        if self.fault(self.odds.crash, "crash") {
            let candidate = node::candidate(&mut self.world.dice, self.birth);
            self.nodes[index] = Node::new(candidate, self.mutant);
            self.network.iter_mut().for_each(|(_, waits)| {
                if *waits == Some(index) {
                    *waits = None;
                }
            });
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
            0..45 => self.ask(index),
            45..65 => {
                let faults = self.faults;
                self.nodes[index].receive(&mut self.world, faults)
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
            Effect::Boundary => Answer::Boundary(Seq::ZERO),
            Effect::Last { after } => Answer::Last(
                self.world
                    .log
                    .keys()
                    .next_back()
                    .copied()
                    .filter(|last| *last > after),
            ),
            Effect::Read(seq) => Answer::Object(self.world.log.get(&seq).cloned()),
            Effect::Create { seq, object } => return self.write(index, Write::Log(seq, object)),
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
            && let Some(Effect::Create { seq, object }) = self.nodes[index].effect(&self.world)
            && self.land(&Write::Log(seq.next(), object))?
        {
            return self.nodes[index].answer(&mut self.world, Answer::Created(Outcome::Won));
        }
        self.nodes[index].answer(&mut self.world, Answer::Created(Outcome::Unknown))
    }

    /// The write takes effect. True if it made the object.
    fn land(&mut self, write: &Write) -> Result<bool, Violation> {
        match write {
            Write::Log(seq, object) => self.world.append(*seq, object),
            Write::File(id, file, _) => self.world.write_file(id, file),
        }
    }

    fn landed(&mut self, index: usize, write: Write, new: bool) -> Checked {
        match write {
            Write::Log(..) => {
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
