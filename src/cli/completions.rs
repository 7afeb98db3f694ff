//! `idtrail completions`: what a shell needs to complete verbs and flags.

use clap::{Args as ClapArgs, CommandFactory};
use clap_complete::Shell;

use super::{Cli, Exit, Failure, output};

/// Print what a shell needs to complete verbs and flags
///
/// Bash: idtrail completions bash > ~/.local/share/bash-completion/completions/idtrail
///
/// Zsh: idtrail completions zsh > _idtrail, in a directory of $fpath
///
/// Fish: idtrail completions fish > ~/.config/fish/completions/idtrail.fish
#[derive(Debug, ClapArgs)]
pub(super) struct Args {
    /// Whose completions
    shell: Shell,
}

pub(super) fn run(args: &Args) -> Result<Exit, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "idtrail", &mut script);
    output::bytes(&script)?;
    Ok(Exit::Success)
}
