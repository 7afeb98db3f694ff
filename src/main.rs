//! The `idtrail` program. Everything it does is in [`idtrail::cli`].

use std::{process::ExitCode, thread::available_parallelism};

fn main() -> ExitCode {
    // As many as can be in use at a time.
    heap::share_arenas(available_parallelism().map_or(1, usize::from));
    idtrail::cli::main()
}
