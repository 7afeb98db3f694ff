//! The command line: one file for each verb.
//!
//! What scripts may rely on: data on standard output, progress and logs on
//! standard error, `--json` prints one object (or one a line where a verb lists
//! things), global flags stand before or after the verb, exit codes mean what
//! [`Exit`] says.

mod bench;
mod check;
mod completions;
mod ddl;
mod demo;
mod exit;
mod journal;
mod man;
mod output;
mod publish;
mod quarantine;
mod run;
mod token;
mod top;
mod verify;

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum};
use tracing::level_filters::LevelFilter;

pub use exit::{Exit, Failure};
pub use output::Output;

use crate::{
    logging,
    settings::{Environment, FILE_DEFAULT, Issue, Settings},
    version::VERSION,
};

/// Shown by `--help`, and in the manual.
const EXAMPLES: &str = "\
Examples:
  idtrail run                                    queue, journal and lake are in ./idtrail-data
  idtrail publish --source okta events.ndjson    send a file's events to the queue
  aws s3 cp s3://BUCKET/KEY.json.gz - | idtrail publish --source aws -
  idtrail top                                    watch it work
  idtrail run --drain --json                     work until nothing is left, then say what was done
  idtrail verify                                 count again from the objects
  idtrail --config idtrail.yaml check            what is wrong with the settings, all at once

Exit codes:
  0   done; bad events do not change the code, they are in quarantine
  1   verify: the numbers do not add up
  2   usage, settings or topology wrong, or no such file
  3   something outside: queue or store unreachable, permission, address or data directory in use
  4   run --drain, demo: the deadline or a signal came first; nothing is lost, run it again
  70  a part failed again and again, and its supervisor gave up

Settings come from idtrail.yaml (or --config), and from the environment, which wins: http.listen
is IDTRAIL_HTTP_LISTEN. None is required.";

/// Who did what, from where, across AWS, GitHub, Okta and Teleport: audit events from a queue
/// to Parquet that Athena, DuckDB and Trino read.
#[derive(Debug, Parser)]
#[command(name = "idtrail", version = VERSION, after_long_help = EXAMPLES, max_term_width = 100)]
struct Cli {
    #[command(flatten)]
    globals: Globals,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Demo(demo::Args),
    Run(run::Args),
    Top(top::Args),
    Publish(publish::Args),
    Check(check::Args),
    Verify(verify::Args),
    #[command(subcommand)]
    Quarantine(quarantine::Command),
    #[command(subcommand)]
    Journal(journal::Command),
    #[command(subcommand)]
    Token(token::Command),
    Ddl(ddl::Args),
    Bench(bench::Args),
    Completions(completions::Args),
    Man(man::Args),
}

/// Flags of all verbs.
#[derive(Debug, Args)]
#[command(next_help_heading = "Options of all commands")]
pub struct Globals {
    /// Settings file [default: idtrail.yaml, if it is there]
    #[arg(long, global = true, value_name = "FILE", env = "IDTRAIL_CONFIG")]
    config: Option<PathBuf>,

    /// Directory of the embedded queue, journal and lake [default: idtrail-data; demo: idtrail-demo]
    #[arg(long, global = true, value_name = "DIR")]
    data: Option<PathBuf>,

    /// Print results as JSON
    #[arg(long, global = true)]
    json: bool,

    /// How log lines look on standard error [default: text]
    #[arg(long, global = true, value_name = "FORMAT")]
    log_format: Option<LogFormat>,

    /// Log warnings and errors only, and show no progress
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    quiet: bool,

    /// Log more; twice for still more
    #[arg(short, long, global = true, action = ArgAction::Count)]
    verbose: u8,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum LogFormat {
    Text,
    Json,
}

/// Runs the verb that the process's arguments name.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version go to standard output and are no error.
            return match error.print() {
                Ok(()) if error.exit_code() == 0 => Exit::Success.into(),
                _ => Exit::Usage.into(),
            };
        }
    };
    let globals = cli.globals;
    let done = match cli.command {
        Command::Demo(args) => demo::run(&args, &globals),
        Command::Run(args) => run::run(&args, &globals),
        Command::Top(args) => top::run(&args, &globals),
        Command::Publish(args) => publish::run(&args, &globals),
        Command::Check(args) => check::run(&args, &globals),
        Command::Verify(args) => verify::run(&args, &globals),
        Command::Quarantine(command) => quarantine::run(&command, &globals),
        Command::Journal(command) => journal::run(&command, &globals),
        Command::Token(command) => token::run(&command, &globals),
        Command::Ddl(args) => ddl::run(&args, &globals),
        Command::Bench(args) => bench::run(&args, &globals),
        Command::Completions(args) => completions::run(&args),
        Command::Man(args) => man::run(&args),
    };
    match done {
        Ok(exit) => exit.into(),
        Err(failure) => failure.tell().into(),
    }
}

impl Globals {
    /// The settings with the flags laid over them, and logging started as they
    /// say. Warnings are logged.
    pub fn start(&self) -> Result<Settings, Failure> {
        let settings = self.load()?;
        logging::start(settings.log.level, logging::Format::new(settings.log.json));
        for warning in &settings.warnings {
            tracing::warn!("{warning}");
        }
        Ok(settings)
    }

    /// The settings with the flags laid over them.
    fn load(&self) -> Result<Settings, Vec<Issue>> {
        // A variable that is no text cannot be one of ours.
        let environment: Environment = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect();
        let mut settings = Settings::load(self.config.as_deref(), &environment)?;
        if let Some(data) = &self.data {
            settings.data.clone_from(data);
        }
        if let Some(format) = self.log_format {
            settings.log.json = matches!(format, LogFormat::Json);
        }
        settings.log.level = match self.verbose {
            _ if self.quiet => LevelFilter::WARN.min(settings.log.level),
            0 => settings.log.level,
            1 => LevelFilter::DEBUG.max(settings.log.level),
            _ => LevelFilter::TRACE,
        };
        Ok(settings)
    }

    /// The file that the settings are of.
    fn settings_file(&self) -> Option<&Path> {
        let usual = Some(Path::new(FILE_DEFAULT)).filter(|path| path.exists());
        self.config.as_deref().or(usual)
    }

    pub fn output(&self) -> Output {
        Output { json: self.json }
    }

    /// What --data says.
    pub fn data(&self) -> Option<&Path> {
        self.data.as_deref()
    }

    pub fn quiet(&self) -> bool {
        self.quiet
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn global_flags_stand_before_or_after_the_verb() {
        for words in [
            &["idtrail", "--data", "d", "--json", "-v", "verify"][..],
            &["idtrail", "verify", "--data", "d", "--json", "-v"],
            &["idtrail", "quarantine", "ls", "--data", "d", "--json", "-v"],
        ] {
            let globals = Cli::try_parse_from(words).expect("valid").globals;
            assert_eq!(globals.data, Some(PathBuf::from("d")), "{words:?}");
            assert!(globals.json && globals.verbose == 1, "{words:?}");
        }
    }

    #[test]
    fn what_is_no_command_is_a_usage_error() {
        for words in [
            &["idtrail"][..],
            &["idtrail", "fly"],
            &["idtrail", "publish", "f"],
            &["idtrail", "publish", "--source", "azure", "f"],
            &["idtrail", "publish", "--source", "aws"],
            &[
                "idtrail", "publish", "--source", "aws", "--tenant", "../x", "f",
            ],
            &["idtrail", "run", "--deadline", "10m"],
            &["idtrail", "run", "--drain", "--deadline", "soon"],
            &["idtrail", "journal", "inspect", "--seq", "x"],
        ] {
            let error = Cli::try_parse_from(words).expect_err("invalid");
            assert_eq!(error.exit_code(), 2, "{words:?}");
        }
    }
}
