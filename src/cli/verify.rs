//! `idtrail verify`: do the numbers add up, counted again from the objects.

use clap::Args as ClapArgs;

use super::{Exit, Failure, Globals};

/// Count again from journal and lake: received = stored + duplicate + quarantined
///
/// Reads only, so it may run beside `run`. Exit code 0: all adds up; 1: it does not, and each
/// difference is told; 3: something cannot be read.
#[derive(Debug, ClapArgs)]
pub(super) struct Args {}

pub(super) fn run(_: &Args, globals: &Globals) -> Result<Exit, Failure> {
    globals.start()?;
    Err(Failure::usage("verify: not wired yet"))
}
