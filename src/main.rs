//! The `idtrail` program. Everything it does is in [`idtrail::cli`].

use std::process::ExitCode;

fn main() -> ExitCode {
    idtrail::cli::main()
}
