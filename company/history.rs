//! Events in order of time: a history that ends with a day, or what happens now.
//!
//! Days are planned one at a time and events made one at a time, so that memory
//! is that of a day's plan (32 bytes an event), whatever the length.

use jiff::{Timestamp, civil::Date};

use crate::{
    Company, Event,
    id::{below, mix},
    plan::{self, Day},
    scene::{Planned, render},
};

/// Days of a history, the last one among them.
pub const DAYS: usize = 90;

/// Events of a working day that is watched as it happens: three a second on
/// average.
const LIVE_EVENTS_A_DAY: u64 = 259_200;

/// How busy a day is, of 100.
const BUSY: u64 = 100;
const WEEKEND: u64 = 40;

/// Days, each with how many events it will have.
pub(crate) trait Days: Iterator<Item = (Day, u64)> {}

impl<I: Iterator<Item = (Day, u64)>> Days for I {}

/// Events of days that follow each other.
#[derive(Debug)]
pub(crate) struct Events<'a, D> {
    company: &'a Company,
    days: D,
    /// What happens on which day besides.
    staged: Option<(Day, Vec<Planned>)>,
    /// What is left of the day.
    today: std::vec::IntoIter<Planned>,
}

impl<'a, D: Days> Events<'a, D> {
    fn of(company: &'a Company, days: D, staged: Option<(Day, Vec<Planned>)>) -> Self {
        Events {
            company,
            days,
            staged,
            today: Vec::new().into_iter(),
        }
    }
}

impl<D: Days> Events<'_, D> {
    fn next_planned(&mut self) -> Option<Planned> {
        loop {
            if let Some(planned) = self.today.next() {
                return Some(planned);
            }
            let (day, events) = self.days.next()?;
            let mut planned = plan::day(self.company, day, events);
            let is_today = |staged: &mut (Day, Vec<Planned>)| staged.0.number == day.number;
            if let Some((_, staged)) = self.staged.take_if(is_today) {
                planned.extend(staged);
                planned.sort_unstable();
            }
            self.today = planned.into_iter();
        }
    }
}

impl<D: Days> Iterator for Events<'_, D> {
    type Item = Event;

    fn next(&mut self) -> Option<Event> {
        let planned = self.next_planned()?;
        let template = &self.company.templates[usize::from(planned.template)];
        Some(Event {
            source: template.source,
            time: Timestamp::from_millisecond(planned.ms).ok()?,
            raw: render(self.company, &planned),
        })
    }
}

pub(crate) fn history(company: &Company, until: Date, events: u64) -> Events<'_, impl Days> {
    let last = day_of(until);
    let mut staged = company.script.planned(last);
    let staged_events = staged.len() as u64;
    if events < staged_events {
        staged.truncate(usize::try_from(events).unwrap_or(usize::MAX));
    }
    let ordinary = events.saturating_sub(staged_events);
    let first = last.number - DAYS as i64 + 1;
    let days = (first..=last.number).map(|number| Day { number });
    let busyness: Vec<u64> = days.clone().map(|day| busyness(company, day)).collect();
    let total = u128::from(busyness.iter().sum::<u64>());
    let mut before = 0;
    let shares = busyness.into_iter().map(move |busy| {
        // From share to share of the whole, so that the sum is exact.
        let up_to = |sum: u64| (u128::from(ordinary) * u128::from(sum) / total) as u64;
        let share = up_to(before + busy) - up_to(before);
        before += busy;
        share
    });
    Events::of(company, days.zip(shares), Some((last, staged)))
}

pub(crate) fn live(company: &Company, from: Timestamp) -> impl Iterator<Item = Event> {
    let today = Day::of_ms(from.as_millisecond());
    let days = std::iter::successors(Some(today), |day| Some(day.next()));
    let days = days.map(|day| (day, LIVE_EVENTS_A_DAY * busyness(company, day) / BUSY));
    Events::of(company, days, None).skip_while(move |event| event.time < from)
}

/// How busy a day is: a weekend is quiet, and no two days are alike.
fn busyness(company: &Company, day: Day) -> u64 {
    let usual = if day.is_weekend() { WEEKEND } else { BUSY };
    let differs = below(mix(company.seed, day.number.unsigned_abs() ^ 0xB0), 21);
    usual * (90 + differs) / 100
}

pub(crate) fn day_of(date: Date) -> Day {
    let midnight = date.at(0, 0, 0, 0);
    let at = jiff::tz::Offset::UTC.to_timestamp(midnight);
    // Dates out of range are the ends of the calendar: no log has them.
    let ms = at.map_or(0, Timestamp::as_millisecond);
    Day::of_ms(ms)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use jiff::civil::date;

    use super::*;
    use crate::scene::DAY_MS;

    const UNTIL: Date = date(2026, 6, 30);

    fn planned(company: &Company, events: u64) -> impl Iterator<Item = Planned> {
        let mut history = history(company, UNTIL, events);
        std::iter::from_fn(move || history.next_planned())
    }

    #[test]
    fn every_template_occurs() {
        let company = Company::found(1);
        let seen: BTreeSet<u16> = planned(&company, 200_000).map(|it| it.template).collect();
        let all = (0..).zip(&company.templates);
        let missing = all.filter(|(index, _)| !seen.contains(index));
        let missing: Vec<_> = missing.map(|(_, it)| (it.source, &it.name)).collect();
        assert!(missing.is_empty(), "{missing:?}");
    }

    #[test]
    fn a_history_has_as_many_events_as_were_asked_for() {
        let company = Company::found(1);
        let staged = company.staged_events();
        for events in [0, 1, 7, staged - 1, staged, staged + 1, 1000, 54_321] {
            let found = planned(&company, events).count() as u64;
            assert_eq!(found, events);
            let is_staged = |planned: &Planned| planned.direction > 0;
            let staged_found = planned(&company, events).filter(is_staged).count() as u64;
            assert_eq!(staged_found, events.min(staged), "of {events}");
        }
    }

    #[test]
    fn people_work_by_day_and_on_weekdays() {
        let company = Company::found(1);
        let berlin = company
            .staff
            .person("emil.vogt@example.com")
            .expect("he works here");
        let (mut working, mut night, mut weekend) = (0, 0, 0);
        for event in planned(&company, 200_000).filter(|it| usize::from(it.actor) == berlin) {
            let hour = (event.ms % DAY_MS) / 3_600_000 + 1;
            match (Day::of_ms(event.ms).is_weekend(), hour) {
                (true, _) => weekend += 1,
                (false, 8..18) => working += 1,
                (false, 22.. | 0..6) => night += 1,
                _ => {}
            }
        }
        assert!(working > 200, "{working}");
        assert!(working > 20 * night, "{working} by day, {night} by night");
        assert!(working > 10 * weekend, "{weekend} on weekends");
    }
}
