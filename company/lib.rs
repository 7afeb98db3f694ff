//! An invented company, and what its audit logs would hold.
//!
//! Sixty people in three offices, their machines, and what AWS, GitHub, Okta and
//! Teleport would record of them: for `idtrail demo`, which shows the program,
//! and `idtrail bench`, which measures it. Nothing here is anybody's: names, ids
//! and places are made up, addresses are those set aside for documentation.
//!
//! A company follows from a seed alone, and its events from the company and the
//! days asked for: the same arguments give the same bytes, everywhere and
//! always. What it has and does stands in `company/templates/`, as tables and as
//! events with places to fill in; the code plans days ([`Company::history`]) and
//! fills in. On the last day of a history somebody breaks in ([`BreakIn`]).

mod activity;
mod atlas;
mod break_in;
mod catalogue;
mod city;
mod history;
mod id;
mod mmdb;
mod plan;
mod scene;
mod staff;
mod stamp;
mod table;
mod template;
mod template_index;
mod things;

use audit::source::Source;
use jiff::{Timestamp, civil::Date};

use self::{
    activity::Activity,
    atlas::{Atlas, Use},
    break_in::{Cast, Script},
    catalogue::Template,
    scene::Direction,
    staff::Staff,
    template::Names,
    template_index::{Index, Weights},
    things::Things,
};
pub use self::{
    break_in::{BreakIn, Touched},
    history::DAYS,
};

/// People do so much less on a weekend.
const WEEKEND_SHARE: u64 = 6;

/// One event as its source sends it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Event {
    pub source: Source,
    /// As precise as the event itself tells it.
    pub time: Timestamp,
    /// JSON without white space.
    pub raw: Vec<u8>,
}

/// The company.
#[derive(Debug)]
pub struct Company {
    seed: u64,
    atlas: Atlas,
    staff: Staff,
    things: Things,
    templates: Vec<Template>,
    /// Templates of each source, on working days and on weekends.
    singles: [[Weights; 2]; 4],
    activities: Vec<Activity>,
    activity_weights: [Weights; 2],
    script: Script,
    directions: Vec<Direction>,
    /// The kind of thing that AWS accounts are.
    account: usize,
    /// The group whose members take turns at night.
    on_call: usize,
}

impl Company {
    /// The company of a seed. Another seed gives other ids, hours and habits,
    /// but the same people, things and break-in.
    pub fn found(seed: u64) -> Company {
        Company::read(seed).expect("the tables and templates are part of the program, and tested")
    }

    fn read(seed: u64) -> Result<Company, String> {
        let mut atlas = Atlas::read()?;
        let staff = Staff::read(seed, &mut atlas)?;
        let things = Things::read(seed)?;
        let abroad = atlas.used_as(Use::Intruder, None);
        let [v4, v6] = abroad[..] else {
            return Err("the intruder has two networks".into());
        };
        let abroad = [atlas.settle(v4, 6), atlas.settle(v6, 0x6b61)];
        let names = Names {
            things: &things,
            staff: &staff,
            atlas: &atlas,
        };
        let templates = catalogue::read(&names)?;
        if templates.len().max(staff.actors.len()) > usize::from(u16::MAX) {
            return Err("more templates or actors than 16 bits count".into());
        }
        let index = Index::of(&templates, &staff);
        let activities = activity::read(&staff, &index)?;
        let script = Script::read(&Cast {
            seed,
            things: &things,
            staff: &staff,
            index: &index,
            abroad,
        })?;
        let weekend = |group: usize, weight: u64| match staff.groups[group].is_machine {
            true => weight * WEEKEND_SHARE,
            false => weight,
        };
        let of_source = |source: Source| {
            let own = templates.iter().enumerate();
            let own = own.filter(|(_, template)| template.source == source);
            let usual = own
                .clone()
                .map(|(index, template)| (index, template.weight));
            let quiet = own.map(|(index, it)| (index, weekend(it.group, it.weight)));
            [Weights::of(usual), Weights::of(quiet)]
        };
        let usual = activities.iter().map(|activity| activity.weight);
        let quiet = activities.iter().map(|it| weekend(it.group, it.weight));
        Ok(Company {
            seed,
            singles: Source::ALL.map(of_source),
            activity_weights: [
                Weights::of(usual.enumerate()),
                Weights::of(quiet.enumerate()),
            ],
            directions: script.directions(&staff),
            on_call: staff.group("operator").ok_or("nobody is on call")?,
            account: things.kind(template::ACCOUNT).ok_or("no accounts at AWS")?,
            atlas,
            activities,
            script,
            staff,
            templates,
            things,
        })
    }

    /// Three months ([`DAYS`]) up to the end of the UTC day `until`: exactly
    /// `events` events, in order of time, the break-in among those of the last
    /// day. With [`Company::staged_events`] events or more it is complete, and the
    /// others are ordinary ones of all days; with fewer, only the staged ones that
    /// come first are there.
    pub fn history(&self, until: Date, events: u64) -> impl Iterator<Item = Event> {
        history::history(self, until, events)
    }

    /// What happens from `from` on, without end, in order of time: about three
    /// events a second on average, more by day than by night. Nobody breaks in.
    pub fn live(&self, from: Timestamp) -> impl Iterator<Item = Event> {
        history::live(self, from)
    }

    /// What the intruder does on the last day of a history until `until`.
    pub fn break_in(&self, until: Date) -> BreakIn {
        self.script.facts(self, until)
    }

    /// Events of the script of the last day: the intruder's, and the victim's own.
    pub fn staged_events(&self) -> u64 {
        self.script.events()
    }

    /// A MaxMind DB in the schema of GeoIP2 City that knows every address in the
    /// company's events.
    pub fn city_database(&self) -> Vec<u8> {
        city::database(&self.atlas)
    }
}
