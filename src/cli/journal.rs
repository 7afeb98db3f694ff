//! `idtrail journal`: what the journal holds, for people.

use clap::Subcommand;

use super::{Exit, Failure, Globals};

/// Look into the journal
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Print what records hold, all of them or one slot's
    ///
    /// Reads only, so it may run beside `run`.
    Inspect {
        /// The slot, counted from 1
        #[arg(long, value_name = "N")]
        seq: Option<u64>,
    },
}

pub(super) fn run(command: &Command, globals: &Globals) -> Result<Exit, Failure> {
    globals.start()?;
    let Command::Inspect { seq } = command;
    let seq = seq.map(|seq| format!(" {seq}")).unwrap_or_default();
    Err(Failure::usage(format!(
        "journal inspect{seq}: not wired yet"
    )))
}
