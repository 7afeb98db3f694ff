//! Several runs, and what they would have been on a quiet machine.

use std::fmt::Write as _;

use serde::Serialize;

use super::{Report, yardstick::Yardstick};

/// Several runs: the one in the middle, and how far the others are from it.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Spread {
    pub runs: usize,
    pub events_per_core_second_min: f64,
    pub events_per_core_second_max: f64,
    pub quiet: Option<Quiet>,
    pub median: Report,
}

/// The runs' rates without what neighbours on the host took of the cores.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Quiet {
    /// What the yardstick takes while the machine is quiet: the least of all runs.
    pub yardstick_microseconds: f64,
    /// The median.
    pub events_per_core_second: f64,
    /// Of each run, the slowest first.
    pub runs: Vec<Corrected>,
}

#[derive(Clone, Copy, PartialEq, Debug, Serialize)]
pub struct Corrected {
    pub events_per_core_second: f64,
    /// How much longer the yardstick took than in quiet.
    pub slowed: f64,
    /// The product of both.
    pub quiet_events_per_core_second: f64,
}

impl Spread {
    /// `None` without any run.
    pub fn of(mut runs: Vec<Report>) -> Option<Spread> {
        runs.sort_by(|a, b| {
            a.events_per_core_second
                .total_cmp(&b.events_per_core_second)
        });
        let (min, max) = (runs.first()?, runs.last()?);
        Some(Spread {
            runs: runs.len(),
            events_per_core_second_min: min.events_per_core_second,
            events_per_core_second_max: max.events_per_core_second,
            quiet: Quiet::of(&runs),
            median: runs[runs.len() / 2].clone(),
        })
    }

    pub fn text(&self) -> String {
        let mut text = self.median.to_string();
        let (min, max) = (
            self.events_per_core_second_min,
            self.events_per_core_second_max,
        );
        let runs = self.runs;
        if runs > 1 {
            write!(
                text,
                "\nmedian of {runs} runs, by rate: {min:.0} to {max:.0} events/s per core"
            )
            .expect("a string grows");
        }
        if let Some(quiet) = &self.quiet {
            quiet.write(&mut text);
        }
        text
    }
}

impl Quiet {
    /// `None` if a run was too short for the yardstick.
    fn of(runs: &[Report]) -> Option<Quiet> {
        let sticks: Vec<Yardstick> = runs
            .iter()
            .map(|run| run.yardstick)
            .collect::<Option<_>>()?;
        let quiet = sticks
            .iter()
            .map(|stick| stick.quiet_microseconds)
            .min_by(f64::total_cmp)?;
        let corrected = runs.iter().zip(&sticks).map(|(run, stick)| {
            let slowed = (stick.mean_microseconds / quiet).max(1.0);
            Corrected {
                events_per_core_second: run.events_per_core_second,
                slowed,
                quiet_events_per_core_second: run.events_per_core_second * slowed,
            }
        });
        let runs: Vec<Corrected> = corrected.collect();
        let mut rates: Vec<f64> = runs
            .iter()
            .map(|run| run.quiet_events_per_core_second)
            .collect();
        rates.sort_by(f64::total_cmp);
        Some(Quiet {
            yardstick_microseconds: quiet,
            events_per_core_second: *rates.get(rates.len() / 2)?,
            runs,
        })
    }

    fn write(&self, text: &mut String) {
        writeln!(
            text,
            "\n\nbeside each run a piece of work, always the same, {:.0} us in quiet, tells how\n\
             much slower the machine was, and so what the run would have been in quiet:\n\
             \x20 events/s per core    slowed    in quiet",
            self.yardstick_microseconds
        )
        .expect("a string grows");
        for run in &self.runs {
            writeln!(
                text,
                "  {:>17.0}    {:>5.2}x    {:>8.0}",
                run.events_per_core_second, run.slowed, run.quiet_events_per_core_second
            )
            .expect("a string grows");
        }
        write!(
            text,
            "in quiet, median: {:.0} events/s per core",
            self.events_per_core_second
        )
        .expect("a string grows");
    }
}

#[cfg(test)]
mod tests {
    use audit::accounting::Counts;

    use super::*;
    use crate::{
        bench::{
            counted::Calls,
            report::{Fed, Used},
        },
        scrape::Samples,
    };

    fn run(events_per_core_second: f64, yardstick: Option<(f64, f64)>) -> Report {
        let fed = Fed {
            events: 1000,
            bytes: 0,
            messages: 1,
            cpu_seconds: 1.0,
        };
        let counts = Counts {
            received: 1000,
            ..Counts::default()
        };
        let used = Used {
            cpu_seconds: 1000.0 / events_per_core_second,
            wall_seconds: 1.0,
            peak_rss_bytes: None,
            yardstick: yardstick.map(|(mean_microseconds, quiet_microseconds)| Yardstick {
                pieces: 10,
                mean_microseconds,
                quiet_microseconds,
            }),
        };
        Report::new(&fed, &counts, &used, Calls::default(), &Samples::parse(""))
    }

    #[test]
    fn each_run_is_corrected_by_the_quietest() {
        let runs = vec![
            run(50.0, Some((120.0, 110.0))),
            run(40.0, Some((200.0, 100.0))),
            run(60.0, Some((90.0, 101.0))),
        ];
        let spread = Spread::of(runs).expect("runs");
        let quiet = spread.quiet.as_ref().expect("each has a yardstick");
        let rates: Vec<i64> = quiet
            .runs
            .iter()
            .map(|run| run.quiet_events_per_core_second.round() as i64)
            .collect();
        assert_eq!(rates, [80, 60, 60], "never faster than quiet");
        assert_eq!(quiet.events_per_core_second.round() as i64, 60);
        assert_eq!(spread.median.events_per_core_second.round() as i64, 50);
        assert!(
            spread
                .text()
                .ends_with("in quiet, median: 60 events/s per core")
        );
    }

    #[test]
    fn a_run_without_a_yardstick_corrects_nothing() {
        let spread = Spread::of(vec![run(50.0, None), run(40.0, Some((2.0, 1.0)))]);
        assert_eq!(spread.expect("runs").quiet, None);
    }
}
