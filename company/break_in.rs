//! The break-in: a script that is played on the last day of a history.
//!
//! `templates/break_in.txt` says line by line when, from where and as whom; the
//! victim's own work of that day is in it, too, so that the two can be told
//! apart. What [`BreakIn`] tells is counted from the script, never by hand: the
//! same for every day it is played on, and for every number of events.

use core::net::IpAddr;

use audit::source::Source;
use jiff::{Timestamp, civil::Date};

use crate::{
    Company,
    history::day_of,
    id::{key_of, mix},
    plan::{Day, planned},
    scene::{Direction, Planned},
    staff::{Home, Staff},
    table,
    template_index::Index,
    things::{Thing, Things},
};

const SCRIPT: &str = include_str!("templates/break_in.txt");

/// The sign-in that succeeds.
const LOGIN: &str = "user.session.start/new_device";
/// One that fails.
const FAILED_LOGIN: &str = "user.session.start/guessed_password";
/// A push that nobody asked for, and refused.
const DENIED_PUSH: &str = "user.authentication.auth_via_mfa/push_denied";

/// What the intruder does on the last day of a history. Counts, addresses and
/// names do not depend on the day.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BreakIn {
    /// The e-mail address of the person whose account is taken over: `identity_id`
    /// in all four sources.
    pub victim: String,
    pub victim_name: String,
    /// Where the intruder comes from, in the order of appearance. The last is
    /// the company's own VPN.
    pub addresses: Vec<IpAddr>,
    /// Of the addresses outside the VPN; nobody else is ever there.
    pub country: String,
    pub city: String,
    /// E-mail addresses that the intruder tried passwords of, the victim's among
    /// them.
    pub tried: Vec<String>,
    /// Failed sign-ins to Okta by the intruder, of everybody.
    pub failed_logins: usize,
    /// Of these, the victim's.
    pub failed_logins_of_victim: usize,
    /// Pushes to the victim's telephone that were refused.
    pub denied_pushes: usize,
    /// Events that the intruder causes, in the order of [`Source::ALL`].
    pub events: [usize; 4],
    pub began: Timestamp,
    pub ended: Timestamp,
    /// Things of the company that the intruder touches, in order of appearance.
    pub touched: Vec<Touched>,
}

/// Something that the intruder read, changed or tried to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Touched {
    pub source: Source,
    /// `bucket`, `secret`, `repo`, `database`, …
    pub kind: &'static str,
    pub name: &'static str,
}

#[derive(Debug)]
pub(crate) struct Script {
    victim: usize,
    steps: Vec<Step>,
}

#[derive(Debug)]
struct Step {
    /// Of the day.
    ms: i64,
    times: u32,
    every_ms: i64,
    by_intruder: bool,
    actor: usize,
    spot: usize,
    source: Source,
    event: &'static str,
    template: usize,
    salt: u64,
    /// Those that this is about, whether touched or not.
    things: Vec<Thing>,
    touched: Vec<Thing>,
}

/// What the script may name.
pub(crate) struct Cast<'a> {
    pub(crate) seed: u64,
    pub(crate) things: &'a Things,
    pub(crate) staff: &'a Staff,
    pub(crate) index: &'a Index<'a>,
    /// Spots of the intruder.
    pub(crate) abroad: [usize; 2],
}

impl Script {
    pub(crate) fn read(cast: &Cast<'_>) -> Result<Script, String> {
        let tables = table::read(SCRIPT)?;
        let [victims, steps] = &tables[..] else {
            return Err("a victim and steps are needed".into());
        };
        let victim = cast.staff.person(victims.rows[0][0]);
        let victim = victim.ok_or("the victim does not work here")?;
        let step = |(number, row): (u64, &Vec<&'static str>)| {
            let step = step(number, row, victim, cast);
            step.map_err(|error| format!("{error}: {}", row.join(" | ")))
        };
        let steps = (1..).zip(&steps.rows).map(step);
        let steps = steps.collect::<Result<_, _>>()?;
        Ok(Script { victim, steps })
    }

    /// A stage direction for each step.
    pub(crate) fn directions(&self, staff: &Staff) -> Vec<Direction> {
        let intruder = self.steps.iter().filter(|step| step.by_intruder);
        let signed_in = intruder.clone().find(|step| step.event == LOGIN);
        let of = |step: &Step| Direction {
            things: step.things.clone(),
            device: step.by_intruder.then_some(staff.intruders_device),
            signed_in: signed_in
                .filter(|login| step.by_intruder && login.ms <= step.ms)
                .map(|login| login.ms),
        };
        self.steps.iter().map(of).collect()
    }

    pub(crate) fn events(&self) -> u64 {
        self.steps.iter().map(|step| u64::from(step.times)).sum()
    }

    /// Its events on a day, in order of time.
    pub(crate) fn planned(&self, day: Day) -> Vec<Planned> {
        let mut events = Vec::new();
        for (number, step) in (1..).zip(&self.steps) {
            for time in 0..step.times {
                let ms = day.begins_ms() + step.ms + i64::from(time) * step.every_ms;
                let planned = planned(step.source, step.template, step.actor, step.spot, ms);
                events.push(Planned {
                    salt: step.salt,
                    step: u32::from(number) << 16 | time,
                    direction: number,
                    ..planned
                });
            }
        }
        events.sort_unstable();
        events
    }

    pub(crate) fn facts(&self, company: &Company, until: Date) -> BreakIn {
        let email = |actor: usize| company.staff.actors[actor].text(Staff::EMAIL).to_owned();
        let mut addresses = Vec::new();
        let mut tried = Vec::new();
        let mut touched = Vec::new();
        let mut events = [0; 4];
        let intruder: Vec<&Step> = self.steps.iter().filter(|step| step.by_intruder).collect();
        for step in &intruder {
            push_new(&mut addresses, company.atlas.spot(step.spot).address);
            if step.event == FAILED_LOGIN {
                push_new(&mut tried, email(step.actor));
            }
            events[step.source as usize - 1] += step.times as usize;
            let things = step.touched.iter().map(|thing| Touched {
                source: step.source,
                kind: company.things.kind_name(*thing),
                name: company.things.text(*thing, 0),
            });
            things.for_each(|thing| push_new(&mut touched, thing));
        }
        let count = |event: &str, of_victim: bool| {
            let steps = intruder
                .iter()
                .filter(|step| step.event == event && (step.actor == self.victim || !of_victim));
            steps.map(|step| step.times as usize).sum()
        };
        let planned = self.planned(day_of(until));
        let is_intruder =
            |event: &&Planned| self.steps[usize::from(event.direction) - 1].by_intruder;
        let mut times = planned.iter().filter(is_intruder).map(|event| event.ms);
        let at = |ms: Option<i64>| Timestamp::from_millisecond(ms.unwrap_or_default());
        let abroad = intruder.first().map_or(0, |step| step.spot);
        let place = |name: &str| {
            let column = company.atlas.column(name).unwrap_or_default();
            company.atlas.text(abroad, column).to_owned()
        };
        BreakIn {
            victim: email(self.victim),
            victim_name: company.staff.actors[self.victim]
                .text(Staff::NAME)
                .to_owned(),
            addresses,
            country: place("country"),
            city: place("city"),
            tried,
            failed_logins: count(FAILED_LOGIN, false),
            failed_logins_of_victim: count(FAILED_LOGIN, true),
            denied_pushes: count(DENIED_PUSH, true),
            events,
            began: at(times.next()).unwrap_or_default(),
            ended: at(times.next_back()).unwrap_or_default(),
            touched,
        }
    }
}

fn push_new<T: PartialEq>(list: &mut Vec<T>, item: T) {
    if !list.contains(&item) {
        list.push(item);
    }
}

fn step(number: u64, row: &[&'static str], victim: usize, cast: &Cast<'_>) -> Result<Step, String> {
    let [at, times, by, from, who, event, task, things] = *row else {
        return Err("a step has eight cells".into());
    };
    let actor = match who {
        "victim" => victim,
        email => cast.staff.person(email).ok_or("nobody of that address")?,
    };
    let Home::Person(desk) = &cast.staff.actors[actor].home else {
        return Err("not a person".into());
    };
    let spot = match from {
        "office" => desk.office,
        "vpn" => desk.vpn,
        "abroad" => cast.abroad[0],
        "abroad6" => cast.abroad[1],
        _ => return Err("from office, vpn, abroad or abroad6".into()),
    };
    let (source, event) = event.split_once(' ').ok_or("a source and an event")?;
    let source: Source = source.parse().map_err(|_| "no such source")?;
    let template = cast.index.by(source, event, actor);
    let (times, every) = times.split_once('x').ok_or("so often x seconds")?;
    let every: i64 = every.parse().map_err(|_| "how many seconds apart?")?;
    let (things, touched) = meant(things, cast.things)?;
    Ok(Step {
        ms: of_clock(at).ok_or("at hh:mm:ss")?,
        times: times.parse().map_err(|_| "how often?")?,
        every_ms: every * 1000,
        by_intruder: by == "intruder",
        actor,
        spot,
        source,
        event,
        template: template.ok_or("no such event by them")?,
        salt: match task {
            "" => mix(cast.seed, number),
            task => mix(cast.seed, key_of(task)),
        },
        things,
        touched,
    })
}

/// All things that a step names, and those it touches.
fn meant(text: &str, things: &Things) -> Result<(Vec<Thing>, Vec<Thing>), String> {
    let mut all = Vec::new();
    let mut touched = Vec::new();
    for word in text.split(',').map(str::trim).filter(|it| !it.is_empty()) {
        let (kind, name) = word.split_once(['=', '~']).ok_or("a kind = a name")?;
        let thing = things.named(kind, name);
        let thing = thing.ok_or_else(|| format!("nothing is called {word}"))?;
        all.push(thing);
        if word.contains('=') {
            touched.push(thing);
        }
    }
    Ok((all, touched))
}

/// `hh:mm:ss` in ms of the day.
fn of_clock(text: &str) -> Option<i64> {
    let time: jiff::civil::Time = text.parse().ok()?;
    let seconds = i64::from(time.hour()) * 3600 + i64::from(time.minute()) * 60;
    Some((seconds + i64::from(time.second())) * 1000)
}
