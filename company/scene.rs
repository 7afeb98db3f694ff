//! One event, from its plan to its bytes.
//!
//! Nothing is drawn here: everything follows from the plan, so that the same
//! plan gives the same bytes wherever it stands in a history.

use crate::{
    Company,
    id::{Words, below, mix, put_number},
    staff::{Actor, Home},
    stamp,
    template::{Owner, Part, Value},
    things::Thing,
};

/// Hours that a session lasts.
const SESSION_MS: i64 = 12 * 3_600_000;

const MINUTE_MS: i64 = 60_000;

/// An event that will be.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Planned {
    /// First, so that a day is sorted by it.
    pub(crate) ms: i64,
    /// What it has in common with others of its task; things follow from it.
    pub(crate) salt: u64,
    /// Its place in the task.
    pub(crate) step: u32,
    pub(crate) template: u16,
    pub(crate) actor: u16,
    pub(crate) spot: u16,
    /// 1 + the index of a stage direction; 0: none.
    pub(crate) direction: u16,
}

/// What a script says of an event besides who, when and where.
#[derive(Debug)]
pub(crate) struct Direction {
    /// Things that are meant, whatever the salt says.
    pub(crate) things: Vec<Thing>,
    /// Another device than the actor's own.
    pub(crate) device: Option<usize>,
    /// When the session began, in ms of the day.
    pub(crate) signed_in: Option<i64>,
}

struct Scene<'a> {
    company: &'a Company,
    planned: &'a Planned,
    actor: &'a Actor,
    direction: Option<&'a Direction>,
    session: u64,
    signed_in: i64,
    words: Words,
}

pub(crate) fn render(company: &Company, planned: &Planned) -> Vec<u8> {
    let template = &company.templates[usize::from(planned.template)];
    let actor = &company.staff.actors[usize::from(planned.actor)];
    let direction = usize::from(planned.direction)
        .checked_sub(1)
        .map(|index| &company.directions[index]);
    let (session, began) = session(actor, planned);
    let signed_in = direction
        .and_then(|direction| direction.signed_in)
        .map_or(began, |ms| planned.ms - planned.ms % DAY_MS + ms);
    let mut scene = Scene {
        company,
        planned,
        actor,
        direction,
        session,
        signed_in,
        words: Words::of(mix(planned.salt, u64::from(planned.step))),
    };
    // A third more, as names are longer than what stands for them.
    let mut out = Vec::with_capacity(template.bytes + template.bytes / 3);
    scene.put_all(&template.parts, &mut out);
    out
}

pub(crate) const DAY_MS: i64 = 24 * 3_600_000;

/// The key of the session that an event belongs to, and when it began.
fn session(actor: &Actor, planned: &Planned) -> (u64, i64) {
    let phase = match &actor.home {
        // A quarter of an hour before anybody works.
        Home::Person(desk) => (desk.begins - 15) * MINUTE_MS,
        Home::Machine { .. } => below(actor.key, SESSION_MS as u64) as i64,
    };
    let number = (planned.ms - phase).div_euclid(SESSION_MS);
    let key = mix(actor.key, number.unsigned_abs());
    (
        mix(key, u64::from(planned.spot)),
        number * SESSION_MS + phase,
    )
}

impl Scene<'_> {
    fn put_all(&mut self, parts: &[Part], out: &mut Vec<u8>) {
        for part in parts {
            match part {
                Part::Text(text) => out.extend_from_slice(text.as_bytes()),
                Part::Value(value) => self.put(value, out),
                Part::Repeat { least, most, parts } => {
                    let times = least + self.words.below(most - least + 1);
                    for time in 0..times {
                        if time > 0 {
                            out.push(b',');
                        }
                        self.put_all(parts, out);
                    }
                }
            }
        }
    }

    fn put(&mut self, value: &Value, out: &mut Vec<u8>) {
        let Company {
            atlas,
            staff,
            things,
            ..
        } = self.company;
        let (ms, salt) = (self.planned.ms, self.planned.salt);
        let spot = usize::from(self.planned.spot);
        let text = match value {
            Value::Me(attribute) => self.actor.text(*attribute),
            Value::Other(attribute) => self.other().text(*attribute),
            Value::Device(column) => staff.device_text(self.device(), *column),
            Value::Here(column) => atlas.text(spot, *column),
            Value::Address => &atlas.spot(spot).text,
            Value::Thing { kind, column } => things.text(self.thing(*kind), *column),
            Value::One(choices) => &choices[self.words.below(choices.len() as u64) as usize],
            Value::Time { stamp, seconds } => {
                return stamp::put(*stamp, ms + seconds * 1000, out);
            }
            Value::SignedIn(stamp) => return stamp::put(*stamp, self.signed_in, out),
            Value::Socket => {
                out.extend_from_slice(atlas.spot(spot).host.as_bytes());
                out.push(b':');
                return put_number(32_768 + below(mix(salt, 78), 28_000), out);
            }
            Value::Owned(owner, form) => {
                return Words::put_owned(self.key(*owner), *form, out);
            }
            Value::New(form) => return self.words.put(*form, out),
            Value::Number { least, most } => {
                return put_number(least + self.words.below(most - least + 1), out);
            }
        };
        out.extend_from_slice(text.as_bytes());
    }

    fn key(&self, owner: Owner) -> u64 {
        let things = &self.company.things;
        match owner {
            Owner::Me => self.actor.key,
            Owner::Other => self.other().key,
            Owner::Session => self.session,
            Owner::Credential => {
                let account = self.thing(self.company.account);
                mix(self.session, things.key(account))
            }
            Owner::Task => mix(self.planned.salt, 79),
            Owner::Thing(kind) => things.key(self.thing(kind)),
        }
    }

    fn other(&self) -> &Actor {
        let me = usize::from(self.planned.actor);
        self.company.staff.colleague(me, self.planned.salt)
    }

    fn thing(&self, kind: usize) -> Thing {
        let meant = self.direction.and_then(|direction| {
            let mut things = direction.things.iter();
            things.find(|thing| thing.kind == kind).copied()
        });
        meant.unwrap_or_else(|| self.company.things.chosen(kind, self.planned.salt))
    }

    fn device(&self) -> usize {
        let another = self.direction.and_then(|direction| direction.device);
        another.unwrap_or(self.actor.device)
    }
}
