//! `idtrail run`: the service itself, or one pass until nothing is left.

use std::time::Duration;

use clap::Args as ClapArgs;
use jiff::SignedDuration;

use super::{Exit, Failure, Globals};

/// Take events from the queue to the lake
///
/// Runs until SIGTERM or SIGINT, then stops in order: nothing is lost, whenever it ends. One
/// process runs on a data directory; `publish` and the verbs that only read work beside it.
///
/// With --drain it ends when the queue is empty and every row is in the lake, and prints what was
/// done: {"received","stored","duplicate","quarantined","skipped"}.
#[derive(Debug, ClapArgs)]
pub(super) struct Args {
    /// End when the queue is empty and every row is in the lake
    #[arg(long)]
    pub(super) drain: bool,

    /// End a drain after this time, such as 90s, 10m or 1h, with exit code 4
    #[arg(long, requires = "drain", value_name = "TIME", value_parser = duration)]
    pub(super) deadline: Option<Duration>,
}

pub(super) fn run(args: &Args, globals: &Globals) -> Result<Exit, Failure> {
    globals.start()?;
    let what = if args.drain { "run --drain" } else { "run" };
    let within = args
        .deadline
        .map(|time| format!(" within {time:?}"))
        .unwrap_or_default();
    Err(Failure::usage(format!("{what}{within}: not wired yet")))
}

fn duration(text: &str) -> Result<Duration, String> {
    let duration: SignedDuration = text
        .parse()
        .map_err(|error: jiff::Error| error.to_string())?;
    match Duration::try_from(duration) {
        Ok(duration) if !duration.is_zero() => Ok(duration),
        _ => Err("must be longer than nothing".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deadline_is_written_as_people_write_it() {
        for (text, seconds) in [("90s", 90), ("10m", 600), ("1h 30m", 5_400), ("PT5M", 300)] {
            assert_eq!(duration(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        for text in ["", "10", "soon", "-5m", "0s"] {
            assert!(duration(text).is_err(), "{text}");
        }
    }
}
