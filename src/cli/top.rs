//! `idtrail top`: a running idtrail on a terminal.

use std::{
    io::{self, IsTerminal},
    time::Duration,
};

use clap::Args as ClapArgs;

use super::{Exit, Failure, Globals, run};
use crate::{
    boot,
    client::{ClientError, Place},
    color,
    signals::Signals,
    top::{self, Palette, Reader},
};

/// Watch a running idtrail
///
/// Shows, once a second, what its /metrics and /readyz tell: events by source, every actor with its
/// mailbox, the time others waited for it and its CPU, memory, lag, and what failed. ? explains the
/// screen. The address is http.listen of the settings, with https where tls.cert is set.
///
/// With --once it prints the numbers of one interval and ends: as text, or as one object with
/// --json, whose rates are per second.
#[derive(Debug, ClapArgs)]
pub(super) struct Args {
    /// Another address, as http://HOST:PORT or https://HOST:PORT
    #[arg(long, value_name = "URL")]
    url: Option<Place>,

    /// Time between two looks, such as 500ms or 5s
    #[arg(long, value_name = "TIME", default_value = "1s", value_parser = interval)]
    interval: Duration,

    /// Print one interval's numbers and end
    #[arg(long)]
    once: bool,
}

/// Quicker, and what is looked at would be mostly the looking.
const INTERVAL_MIN: Duration = Duration::from_millis(100);
const INTERVAL_MAX: Duration = Duration::from_secs(3_600);

pub(super) fn run(args: &Args, globals: &Globals) -> Result<Exit, Failure> {
    let is_terminal = io::stdout().is_terminal() && io::stdin().is_terminal();
    if !args.once && !is_terminal {
        return Err(Failure::usage(
            "`top` needs a terminal to draw on: use --once for a snapshot, and --json for scripts",
        ));
    }
    let place = match &args.url {
        Some(place) => place.clone(),
        None => settled(globals)?,
    };
    let reader = Reader::new(place);
    boot::runtime()?.block_on(async {
        if args.once {
            return print(reader, args.interval, globals).await;
        }
        let mut signals = Signals::listen()?;
        let palette = Palette {
            color: color::on_stdout(),
        };
        top::show(reader, args.interval, palette, signals.any()).await?;
        Ok(Exit::Success)
    })
}

/// Where the settings say that it answers.
fn settled(globals: &Globals) -> Result<Place, Failure> {
    // Not `start`: log lines would stand in the middle of the screen.
    let settings = globals.load()?;
    if settings.http_listen.port() == 0 {
        return Err(Failure::usage(
            "`http.listen` of the settings has port 0, which is any: name the service with --url",
        ));
    }
    Ok(Place::of(&settings))
}

async fn print(reader: Reader, interval: Duration, globals: &Globals) -> Result<Exit, Failure> {
    let snapshot = top::once(reader, interval).await?;
    globals
        .output()
        .print(&snapshot.model(), &snapshot.text())?;
    Ok(Exit::Success)
}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Failure {
        match error {
            ClientError::Certificate(_) => Failure::usage(error),
            _ => Failure::outside(error),
        }
    }
}

fn interval(text: &str) -> Result<Duration, String> {
    match run::duration(text) {
        Ok(time) if (INTERVAL_MIN..=INTERVAL_MAX).contains(&time) => Ok(time),
        _ => Err("expects a time from 100ms to 1h, such as 500ms or 5s".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interval_is_neither_too_short_nor_too_long() {
        for (text, ms) in [("1s", 1_000), ("100ms", 100), ("1h", 3_600_000)] {
            assert_eq!(interval(text), Ok(Duration::from_millis(ms)), "{text}");
        }
        for text in ["", "1", "0s", "99ms", "2h", "often"] {
            assert!(interval(text).is_err(), "{text}");
        }
    }
}
