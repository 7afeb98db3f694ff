//! A day: which events there will be, by whom, when and from where.
//!
//! The mix of the four sources is kept to the event. A part of the day is
//! activities, events that belong together; single events fill what each source
//! still lacks. People act in their working hours where they are that day,
//! machines in their rhythm. A plan is a few bytes an event; the bytes of the
//! events are made one at a time, later.

use audit::source::Source;
use rand::{Rng as _, SeedableRng as _, rngs::ChaCha8Rng};

use crate::{
    Company,
    activity::Activity,
    id::{below, mix},
    scene::{DAY_MS, Planned},
    staff::{Desk, Home, Rhythm, SHIFT_MINUTES},
    template_index::Weights,
};

/// Of 100 events, in the order of [`Source::ALL`].
pub(crate) const MIX: [u64; 4] = [60, 15, 15, 10];

/// Of 100 events of a source, at least so many are of no activity: what is rare
/// has a chance.
const SINGLE_SHARE: u64 = 45;

/// One activity is tried for so many events of a day.
const EVENTS_AN_ACTIVITY: u64 = 20;

/// One in so many of the operators' events is whose turn it is that week, at any
/// time of the day.
const ON_CALL: u64 = 20;

/// How often somebody is sought who works that day.
const TRIES: u32 = 12;

const MINUTE_MS: i64 = 60_000;

/// A UTC day.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Day {
    /// Since 1970.
    pub(crate) number: i64,
}

impl Day {
    pub(crate) fn of_ms(ms: i64) -> Day {
        Day {
            number: ms.div_euclid(DAY_MS),
        }
    }

    pub(crate) fn next(self) -> Day {
        Day {
            number: self.number + 1,
        }
    }

    pub(crate) fn begins_ms(self) -> i64 {
        self.number * DAY_MS
    }

    /// The first of January 1970 was a Thursday.
    pub(crate) fn is_weekend(self) -> bool {
        matches!((self.number + 4).rem_euclid(7), 0 | 6)
    }

    fn week(self) -> u64 {
        (self.number + 3).div_euclid(7).unsigned_abs()
    }
}

struct Planner<'a> {
    company: &'a Company,
    day: Day,
    draws: ChaCha8Rng,
    /// Events that each source still lacks.
    lacking: [u64; 4],
    /// So many are left for single events.
    kept: [u64; 4],
    planned: Vec<Planned>,
}

/// All of a day's events, in order of time.
pub(crate) fn day(company: &Company, day: Day, events: u64) -> Vec<Planned> {
    let seed = mix(company.seed, day.number.unsigned_abs());
    let mut planner = Planner {
        company,
        day,
        draws: ChaCha8Rng::seed_from_u64(seed),
        lacking: MIX.map(|share| percent(events, share)),
        kept: MIX.map(|share| percent(percent(events, share), SINGLE_SHARE)),
        planned: Vec::new(),
    };
    while planner.lacking.iter().sum::<u64>() < events {
        let source = planner.source();
        planner.lacking[source] += 1;
    }
    for _ in 0..events / EVENTS_AN_ACTIVITY {
        planner.activity();
    }
    for source in Source::ALL {
        for _ in 0..planner.lacking[source as usize - 1] {
            planner.single(source);
        }
    }
    planner.planned.sort_unstable();
    planner.planned
}

/// Of any number, without running over.
fn percent(number: u64, share: u64) -> u64 {
    number / 100 * share + number % 100 * share / 100
}

impl<'a> Planner<'a> {
    fn below(&mut self, bound: u64) -> u64 {
        below(self.draws.next_u64(), bound)
    }

    fn between(&mut self, (least, most): (u64, u64)) -> u64 {
        least + self.below(most - least + 1)
    }

    fn source(&mut self) -> usize {
        let mut drawn = self.below(100);
        let chosen = MIX.iter().position(|share| {
            let here = drawn < *share;
            drawn = drawn.saturating_sub(*share);
            here
        });
        chosen.unwrap_or_default()
    }

    fn weights(&self, weights: &'a [Weights; 2]) -> &'a Weights {
        &weights[usize::from(self.day.is_weekend())]
    }

    fn single(&mut self, source: Source) {
        let weights = self.weights(&self.company.singles[source as usize - 1]);
        let template = weights.chosen(self.draws.next_u64());
        let group = self.company.templates[template].group;
        let (actor, ms) = self.somebody(group);
        let salt = self.draws.next_u64();
        self.push(template, actor, ms, salt, 0);
    }

    /// Tries one: it is left out where a source lacks too few events for it.
    fn activity(&mut self) {
        let company = self.company;
        let weights = self.weights(&company.activity_weights);
        let Activity { group, steps, .. } =
            &company.activities[weights.chosen(self.draws.next_u64())];
        let mut times = Vec::with_capacity(steps.len());
        let mut needed = [0; 4];
        for step in steps {
            let often = self.between(step.times);
            times.push(often);
            needed[company.templates[step.template].source as usize - 1] += often;
        }
        let fits = |source: usize| needed[source] + self.kept[source] <= self.lacking[source];
        if !(0..4).all(|source| needed[source] == 0 || fits(source)) {
            return;
        }
        let (actor, mut ms) = self.somebody(*group);
        let salt = self.draws.next_u64();
        let mut number = 0;
        let ends_ms = self.day.next().begins_ms();
        for (step, often) in steps.iter().zip(times) {
            let template = &company.templates[step.template];
            let by = &company.staff.groups[template.group];
            let actor = if by.is_machine { by.members[0] } else { actor };
            for _ in 0..often {
                let after = self.between(step.after) as i64 * 1000 + self.below(1000) as i64;
                // What would end after midnight is hurried.
                ms = (ms + after).min(ends_ms - 1);
                self.push(step.template, actor, ms, salt, number);
                number += 1;
            }
        }
        for (lacking, needed) in self.lacking.iter_mut().zip(needed) {
            *lacking -= needed;
        }
    }

    fn push(&mut self, template: usize, actor: usize, ms: i64, salt: u64, step: u32) {
        let source = self.company.templates[template].source;
        let spot = self.whereabouts(actor, ms, source, salt);
        self.planned.push(Planned {
            salt,
            step,
            ..planned(source, template, actor, spot, ms)
        });
    }

    /// One of a group, and when.
    fn somebody(&mut self, group: usize) -> (usize, i64) {
        let company = self.company;
        let members = &company.staff.groups[group].members;
        let begins_ms = self.day.begins_ms();
        if group == company.on_call && self.below(ON_CALL) == 0 {
            let awake = members[self.day.week() as usize % members.len()];
            return (awake, begins_ms + self.below(DAY_MS as u64) as i64);
        }
        let mut chosen = members[0];
        for _ in 0..TRIES {
            chosen = members[self.below(members.len() as u64) as usize];
            match &company.staff.actors[chosen].home {
                Home::Machine { rhythm, .. } => {
                    return (chosen, begins_ms + self.machine_ms(*rhythm));
                }
                Home::Person(desk) => {
                    let key = company.staff.actors[chosen].key;
                    if self.works(key) {
                        return (chosen, begins_ms + self.shift_ms(key, desk));
                    }
                }
            }
        }
        // Nobody works: whoever is on call, at any time.
        (chosen, begins_ms + self.below(DAY_MS as u64) as i64)
    }

    fn works(&self, key: u64) -> bool {
        let today = mix(key, self.day.number.unsigned_abs());
        below(today, 100) < if self.day.is_weekend() { 7 } else { 92 }
    }

    /// In working hours, seldom at lunch, now and then later in the evening.
    fn shift_ms(&mut self, key: u64, desk: &Desk) -> i64 {
        let today = mix(key, self.day.number.unsigned_abs().wrapping_add(1 << 40));
        let begins = desk.begins + below(today, 45) as i64;
        let mut minute = self.below(SHIFT_MINUTES.unsigned_abs()) as i64;
        if (225..270).contains(&minute) {
            minute = self.below(SHIFT_MINUTES.unsigned_abs()) as i64;
        }
        if self.below(50) == 0 && begins + minute < 19 * 60 {
            minute += 4 * 60;
        }
        (begins + minute) * MINUTE_MS + self.below(MINUTE_MS as u64) as i64
    }

    fn machine_ms(&mut self, rhythm: Rhythm) -> i64 {
        let (first_hour, hours) = match rhythm {
            Rhythm::Always => (0, 24),
            Rhythm::Work if self.below(10) == 0 => (0, 24),
            Rhythm::Work => (7, 12),
            Rhythm::Night => (0, 5),
        };
        let hour_ms = 60 * MINUTE_MS;
        first_hour * hour_ms + self.below((hours * hour_ms).unsigned_abs()) as i64
    }

    fn whereabouts(&self, actor: usize, ms: i64, source: Source, salt: u64) -> usize {
        let actor = &self.company.staff.actors[actor];
        let desk = match &actor.home {
            Home::Machine { spots, .. } => {
                return spots[below(mix(salt, 90), spots.len() as u64) as usize];
            }
            Home::Person(desk) => desk,
        };
        let this_week = mix(actor.key, self.day.week());
        let today = below(mix(actor.key, self.day.number.unsigned_abs()), 1000);
        let minute = (ms - self.day.begins_ms()) / MINUTE_MS;
        let late = !(desk.begins - 30..desk.begins + SHIFT_MINUTES + 60).contains(&minute);
        let seat = if below(this_week, 100) < 4 {
            desk.away[below(mix(this_week, 1), desk.away.len() as u64) as usize]
        } else if late || self.day.is_weekend() || today % 100 >= 55 {
            if today % 10 == 7 {
                desk.mobile
            } else {
                desk.house
            }
        } else {
            desk.office
        };
        // What is inside is reached through the VPN from anywhere else.
        let inside = matches!(source, Source::Aws | Source::Teleport);
        if inside && seat != desk.office && !today.is_multiple_of(3) {
            desk.vpn
        } else {
            seat
        }
    }
}

/// The plan of one event, of no task; its time as precise as the source tells it.
pub(crate) fn planned(
    source: Source,
    template: usize,
    actor: usize,
    spot: usize,
    ms: i64,
) -> Planned {
    // `Company::found` has seen to it that there are no more.
    let small = |index: usize| u16::try_from(index).unwrap_or(u16::MAX);
    Planned {
        ms: match source {
            Source::Aws => ms - ms % 1000,
            _ => ms,
        },
        salt: 0,
        step: 0,
        template: small(template),
        actor: small(actor),
        spot: small(spot),
        direction: 0,
    }
}
