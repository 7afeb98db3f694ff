//! Where a row belongs, and the object keys that follow from it.
//!
//! A partition is an area (one tenant's rows, or the quarantine) and a UTC day.
//! All object keys of the lake are built here, from types that cannot hold a
//! bad segment.

use std::fmt;

use crate::{
    journal_id::{Gen, JournalName, Seq},
    tenant::Tenant,
};

/// Milliseconds of a day.
pub const DAY_MS: i64 = 86_400_000;

/// A UTC calendar day: days since 1970-01-01. Displays as `yyyy-mm-dd`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Day(i32);

/// Whose rows. Quarantined events of all tenants lie together.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum Area {
    Tenant(Tenant),
    Quarantine,
}

#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Partition {
    pub area: Area,
    pub day: Day,
}

/// First and last day that a Parquet date and the path `yyyy-mm-dd` can both
/// hold: 0001-01-01 and 9999-12-31.
const DAY_MIN: i32 = -719_162;
const DAY_MAX: i32 = 2_932_896;

impl Day {
    /// The UTC day of a time in milliseconds since 1970.
    pub fn of_ms(ms: i64) -> Day {
        let days = ms
            .div_euclid(DAY_MS)
            .clamp(i64::from(DAY_MIN), i64::from(DAY_MAX));
        Day(i32::try_from(days).unwrap_or(DAY_MAX))
    }

    /// Days since 1970-01-01; `None` outside of the years 1 to 9999.
    pub fn from_days(days: i32) -> Option<Day> {
        (DAY_MIN..=DAY_MAX).contains(&days).then_some(Day(days))
    }

    /// Of `yyyy-mm-dd`.
    pub fn parse(text: &str) -> Option<Day> {
        let date: jiff::civil::Date = text.parse().ok()?;
        let since = date.since(jiff::civil::date(1970, 1, 1)).ok()?;
        Day::from_days(since.get_days()).filter(|day| day.to_string() == text)
    }

    pub fn days(self) -> i32 {
        self.0
    }

    /// The first millisecond of the day.
    pub fn start_ms(self) -> i64 {
        i64::from(self.0) * DAY_MS
    }
}

impl fmt::Display for Day {
    /// Days to civil date: Howard Hinnant, "chrono-Compatible Low-Level Date
    /// Algorithms" (`civil_from_days`).
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let z = self.0 + 719_468;
        let era = z.div_euclid(146_097);
        let doe = z.rem_euclid(146_097);
        let yoe = (doe - doe / 1_460 + doe / 36_524 - doe / 146_096) / 365;
        let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
        let mp = (5 * doy + 2) / 153;
        let day = doy - (153 * mp + 2) / 5 + 1;
        let month = if mp < 10 { mp + 3 } else { mp - 9 };
        let year = yoe + era * 400 + i32::from(month <= 2);
        write!(f, "{year:04}-{month:02}-{day:02}")
    }
}

impl fmt::Debug for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Partition {
    pub fn tenant(tenant: Tenant, day: Day) -> Partition {
        Partition {
            area: Area::Tenant(tenant),
            day,
        }
    }

    pub fn quarantine(day: Day) -> Partition {
        Partition {
            area: Area::Quarantine,
            day,
        }
    }

    /// The partition of a file of this key.
    pub fn of_key(key: &str) -> Option<Partition> {
        let mut segments = key.strip_prefix("data/")?.split('/');
        let (area, day, _name) = (segments.next()?, segments.next()?, segments.next()?);
        let area = match area {
            "_quarantine" => Area::Quarantine,
            tenant => Area::Tenant(Tenant::parse(tenant).ok()?),
        };
        let day = Day::parse(day)?;
        segments.next().is_none().then_some(Partition { area, day })
    }

    /// The key of the file that a plan makes of this partition's rows. `seq` is
    /// the journal object that holds the plan: it holds at most one for each
    /// partition, so the name is unique for ever, and the same after a crash.
    pub fn file_key(&self, journal: &JournalName, generation: Gen, seq: Seq) -> String {
        let ending = match self.area {
            Area::Tenant(_) => "parquet",
            Area::Quarantine => "ndjson.zst",
        };
        format!("{self}/{journal}-{generation}-{seq}.{ending}")
    }
}

impl fmt::Display for Partition {
    /// The key prefix, without a slash at its end: `data/<tenant>/<yyyy-mm-dd>`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.area {
            Area::Tenant(tenant) => write!(f, "data/{tenant}/{}", self.day),
            Area::Quarantine => write!(f, "data/_quarantine/{}", self.day),
        }
    }
}

impl fmt::Debug for Partition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_shown_as_its_civil_date() {
        for (ms, shown) in [
            (0, "1970-01-01"),
            (-1, "1969-12-31"),
            (951_782_400_000, "2000-02-29"),
            (1_700_000_000_000, "2023-11-14"),
            (253_402_300_799_999, "9999-12-31"),
            (i64::MAX, "9999-12-31"),
            (i64::MIN, "0001-01-01"),
        ] {
            assert_eq!(Day::of_ms(ms).to_string(), shown, "{ms}");
        }
    }
}
