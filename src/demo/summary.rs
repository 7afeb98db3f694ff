//! What the demo did, told at its end.

use std::fmt::{self, Display};

use actors::metrics as names;
use audit::accounting::Counts;
use jiff::civil::Date;
use serde::Serialize;

use super::Cast;
use crate::scrape::Samples;

#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Summary {
    pub seed: u64,
    /// The last of the days, and the break-in's.
    pub until: String,
    pub sent: u64,
    pub sent_twice: u64,
    pub sent_broken: u64,
    pub messages: u64,
    pub received: u64,
    pub stored: u64,
    pub duplicate: u64,
    pub quarantined: u64,
    pub files: u64,
    pub file_bytes: u64,
    pub bytes_per_event: f64,
    pub raw_bytes_per_event: f64,
    pub seconds: f64,
    pub events_per_second: f64,
}

impl Summary {
    pub fn new(
        (seed, until): (u64, Date),
        cast: &Cast,
        counts: &Counts,
        metrics: &Samples,
        seconds: f64,
    ) -> Summary {
        let files = metrics.sum(names::FILES_WRITTEN.name) as u64;
        let file_bytes = metrics.sum(names::FILE_BYTES.name) as u64;
        Summary {
            seed,
            until: until.to_string(),
            sent: cast.events,
            sent_twice: cast.twice,
            sent_broken: cast.broken,
            messages: cast.messages,
            received: counts.received,
            stored: counts.stored,
            duplicate: counts.duplicate,
            quarantined: counts.quarantined,
            files,
            file_bytes,
            bytes_per_event: file_bytes as f64 / counts.stored.max(1) as f64,
            raw_bytes_per_event: cast.bytes as f64 / cast.events.max(1) as f64,
            seconds,
            events_per_second: counts.received as f64 / seconds.max(0.001),
        }
    }
}

impl Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "An invented company, three months up to {}, and a break-in on that day (seed {}).\n",
            self.until, self.seed
        )?;
        writeln!(
            f,
            "  sent        {} events in {} messages, and {} of them twice, {} broken",
            grouped(self.sent),
            grouped(self.messages),
            grouped(self.sent_twice),
            self.sent_broken
        )?;
        writeln!(
            f,
            "  received    {} = {} stored + {} duplicate + {} quarantined",
            grouped(self.received),
            grouped(self.stored),
            grouped(self.duplicate),
            grouped(self.quarantined)
        )?;
        writeln!(
            f,
            "  lake        {} files, {:.1} MiB: {:.0} bytes an event, of {:.0} as it came",
            self.files,
            self.file_bytes as f64 / f64::from(1 << 20),
            self.bytes_per_event,
            self.raw_bytes_per_event
        )?;
        write!(
            f,
            "  time        {:.1} s, {} events/s, inventing and sending them included",
            self.seconds,
            grouped(self.events_per_second as u64)
        )
    }
}

/// With a comma between thousands.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_told_apart() {
        for (number, expected) in [
            (0, "0"),
            (999, "999"),
            (1_000, "1,000"),
            (12_345, "12,345"),
            (1_234_567, "1,234,567"),
        ] {
            assert_eq!(grouped(number), expected);
        }
    }
}
