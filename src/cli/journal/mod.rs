//! `idtrail journal`: what it holds, and what a person decides for it.

mod inspect;
mod plans;
mod salvage;
mod skip;

use clap::Subcommand;

use super::{Exit, Failure, Globals};
use crate::boot;

/// Look into the journal, or give up a file that cannot be made
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Print what records hold, all of them or one slot's
    ///
    /// One line a slot: when it was written, how large it is, its records. With --seq each record
    /// in full: partitions, rows, files. Reads only, so it may run beside `run`.
    Inspect {
        /// The slot, counted from 1
        #[arg(long, value_name = "N")]
        seq: Option<u64>,
    },
    /// Print the files that are in the making: decided, and not yet in the lake
    ///
    /// One line a file, with its rows; for moments as a rule, for long if it cannot be made.
    /// Reads only, so it may run beside `run`.
    Plans,
    Skip(skip::Args),
    /// Send what a damaged journal holds and no file has to the queue again
    ///
    /// For a journal with an object that cannot be read, and of which there is no copy: begin
    /// another by a new `journal.name`, then run this with the old name. What can be read of it
    /// and is in no file of the lake is sent to the queue, under its tenant and source. The old
    /// journal stays as it is.
    Salvage,
}

pub(super) fn run(command: &Command, globals: &Globals) -> Result<Exit, Failure> {
    let settings = globals.start()?;
    boot::runtime()?.block_on(async {
        match command {
            Command::Inspect { seq } => inspect::inspect(&settings, *seq, globals).await,
            Command::Plans => plans::plans(&settings, globals).await,
            Command::Salvage => salvage::salvage(&settings, globals).await,
            Command::Skip(args) => skip::skip(args, &settings, globals).await,
        }
    })
}
