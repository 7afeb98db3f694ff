//! `idtrail quarantine`: the events that could not become a row.

use clap::Subcommand;

use super::{Exit, Failure, Globals};

/// List events that could not become a row, or send them again
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Print what is in quarantine, one object a line
    ///
    /// Each line is {"tenant","source","reason","message_id","offset","raw"}.
    Ls,
    /// Send what is in quarantine to the queue again
    ///
    /// For after the reason is gone, such as a newer version or a corrected tenant map. What still
    /// cannot become a row comes back to quarantine.
    Replay,
}

pub(super) fn run(command: &Command, globals: &Globals) -> Result<Exit, Failure> {
    globals.start()?;
    let verb = match command {
        Command::Ls => "ls",
        Command::Replay => "replay",
    };
    Err(Failure::usage(format!("quarantine {verb}: not wired yet")))
}
