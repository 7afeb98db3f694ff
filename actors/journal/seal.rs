//! When rows become a file, and which.
//!
//! A partition is sealed when its rows are old, many or heavy; the heaviest
//! ones early when memory is short; all of them when draining. Timing decides
//! only *when* a plan is written: once it stands in the journal, its rows are a
//! function of the journal.

use std::collections::{BTreeSet, HashMap, VecDeque};

use audit::{
    journal::Plan,
    journal_id::Seq,
    key::KeyXor,
    partition::{Area, Partition},
};

use super::leader::RECORDS_A_KIND_MAX;
use super::replica::{Piece, Replica};

#[derive(Clone, Copy, Debug)]
pub struct SealLimits {
    pub age_ms: i64,
    pub rows: u64,
    pub raw_bytes: u64,
    /// Plans open at a time for one tenant: events dated all over the calendar
    /// must not open a file for each day at once. The rest waits.
    pub open_max: usize,
}

/// Since when this process has known the slots of the journal. What a slot says
/// of its own time is its writer's wall clock: one that is ahead would keep rows
/// from growing old for as long.
#[derive(Debug, Default)]
pub struct Seen {
    /// When the journal had got how far, in order.
    heads: VecDeque<(u64, Seq)>,
    upto: Seq,
}

impl Seen {
    /// Notes the last slot there is. Up to the slot returned, all have been known
    /// for `age_ms`.
    pub fn note(&mut self, head: Seq, boot_ms: u64, age_ms: i64) -> Seq {
        if self.heads.back().is_none_or(|(_, last)| *last < head) {
            self.heads.push_back((boot_ms, head));
        }
        let age_ms = u64::try_from(age_ms).unwrap_or_default();
        while let Some((since, head)) = self.heads.front()
            && boot_ms.saturating_sub(*since) >= age_ms
        {
            self.upto = *head;
            self.heads.pop_front();
        }
        self.upto
    }
}

/// Why everything, or nothing special, should be sealed now.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Urgency {
    Usual,
    /// Somebody waits for memory; so many raw bytes are being written already.
    Pressed {
        writing: u64,
    },
    /// The process wants to end with every row in a file.
    Draining,
}

/// The partitions to seal now, the heaviest first. Old are rows whose slot says
/// so, or that lie up to `known`, which [`Seen`] tells.
pub fn due<'a>(
    mut open: Open<'a>,
    limits: &SealLimits,
    urgency: Urgency,
    (wall_ms, known): (i64, Seq),
) -> Vec<Partition> {
    let replica = open.replica;
    let mut ripe: Vec<(u64, &'a Partition)> = replica
        .waiting()
        .iter()
        .filter_map(|(partition, pieces)| {
            let weight: u64 = pieces.iter().map(|piece| piece.raw_bytes).sum();
            let rows: u64 = pieces.iter().map(|piece| piece.rows).sum();
            let oldest = pieces.front()?;
            let ripe = urgency != Urgency::Usual
                || wall_ms.saturating_sub(oldest.written_at_ms) >= limits.age_ms
                || oldest.seq <= known
                || rows >= limits.rows
                || weight >= limits.raw_bytes;
            ripe.then_some((weight, partition))
        })
        .collect();
    ripe.sort_by(|a, b| b.cmp(a));
    if let Urgency::Pressed { writing } = urgency {
        // Half of what there is, with what is being written already: enough to
        // go on, and the lighter half grows into larger files.
        let mut taken = writing;
        let half = (taken + ripe.iter().map(|(weight, _)| weight).sum::<u64>()) / 2;
        let count = ripe.iter().take_while(|(weight, _)| {
            let before = taken;
            taken += weight;
            before <= half
        });
        let count = count.count();
        ripe.truncate(count);
    }
    ripe.retain(|(_, partition)| open.takes(&partition.area, limits.open_max));
    ripe.into_iter()
        .map(|(_, partition)| partition.clone())
        .collect()
}

/// The plans for these partitions. They were asked for before the last object
/// was applied, so they are held to the limit of open plans once more: whoever
/// finds no room here is still due, and asked for again.
pub(super) fn plans<'a>(
    mut open: Open<'a>,
    partitions: &'a BTreeSet<Partition>,
    limits: &SealLimits,
) -> Vec<Plan> {
    let replica = open.replica;
    let mut plans = Vec::new();
    for partition in partitions {
        if plans.len() == RECORDS_A_KIND_MAX {
            break;
        }
        if open.has_room(&partition.area, limits.open_max)
            && let Some(plan) = plan(replica, partition, limits)
        {
            open.add(&partition.area);
            plans.push(plan);
        }
    }
    plans
}

/// The plans that are open, and those that are about to be.
#[derive(Debug)]
pub struct Open<'a> {
    replica: &'a Replica,
    /// Open plans that nobody works on for long.
    aside: &'a HashMap<Area, usize>,
    added: HashMap<&'a Area, usize>,
}

impl<'a> Open<'a> {
    pub(super) fn new(replica: &'a Replica, aside: &'a HashMap<Area, usize>) -> Open<'a> {
        Open {
            replica,
            aside,
            added: HashMap::new(),
        }
    }

    fn has_room(&self, area: &Area, max: usize) -> bool {
        let aside = self.aside.get(area).copied().unwrap_or_default();
        let worked_on = self.replica.open_plans_in(area).saturating_sub(aside);
        let added = self.added.get(area).copied().unwrap_or_default();
        worked_on + added < max
    }

    fn add<'b: 'a>(&mut self, area: &'b Area) {
        *self.added.entry(area).or_default() += 1;
    }

    /// Adds one if there is room.
    fn takes<'b: 'a>(&mut self, area: &'b Area, max: usize) -> bool {
        let room = self.has_room(area, max);
        if room {
            self.add(area);
        }
        room
    }
}

/// The plan for a partition's oldest rows, up to the limits of one file.
fn plan(replica: &Replica, partition: &Partition, limits: &SealLimits) -> Option<Plan> {
    let pieces: &VecDeque<Piece> = replica.waiting().get(partition)?;
    let first = pieces.front()?;
    let mut plan = Plan {
        partition: partition.clone(),
        from: Seq(first.seq.0 - 1),
        upto: first.seq,
        rows: 0,
        key_xor: KeyXor::default(),
    };
    let mut raw_bytes = 0;
    for piece in pieces {
        plan.upto = piece.seq;
        plan.rows += piece.rows;
        plan.key_xor.0 ^= piece.key_xor.0;
        raw_bytes += piece.raw_bytes;
        if plan.rows >= limits.rows || raw_bytes >= limits.raw_bytes {
            break;
        }
    }
    Some(plan)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_known_from_when_they_were_first_seen() {
        let mut seen = Seen::default();
        for (boot_ms, head, expected) in [
            (1_000, 7, 0),
            (1_100, 7, 0),
            (1_200, 9, 0),
            (1_500, 9, 7),
            (1_699, 9, 7),
            (1_700, 12, 9),
            (9_000, 12, 12),
            (9_001, 13, 12),
        ] {
            let known = seen.note(Seq(head), boot_ms, 500);
            assert_eq!(known, Seq(expected), "at {boot_ms}");
        }
    }
}
