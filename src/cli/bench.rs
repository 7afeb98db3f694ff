//! `idtrail bench`: how fast the whole program is on this machine.

use std::{
    env, fs,
    path::PathBuf,
    process::{Command, Stdio},
};

use clap::Args as ClapArgs;
use company::Company;

use super::{Exit, Failure, Globals};
use crate::{
    bench::{self, Input, Plan, Report, Spread},
    boot, http,
    publish::Sharing,
    settings::Settings,
};

/// Events of a run where nothing else is said.
const EVENTS: u64 = 500_000;

/// Measure the whole program, from the queue to Parquet
///
/// Sends events to an embedded queue in a new directory, then drains it and tells: events a second
/// for each core of CPU time, where that time went and where actors waited, memory, bytes written,
/// calls of queue and store for a million events, and latencies. Each run is a process of its own;
/// told is the median. Nothing of yours is touched.
///
/// Figures mean something for a release build only: `make bench`.
#[derive(Debug, ClapArgs)]
#[command(args_override_self = true)]
pub(super) struct Args {
    /// Events of these files, instead of invented ones: NDJSON, arrays, CloudTrail files, gzip, zstd
    #[arg(long, value_name = "FILE", num_args = 1..)]
    input: Vec<PathBuf>,

    /// How many events [default: 500,000 invented ones, or all of the files]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    events: Option<u64>,

    /// Of the invented events
    #[arg(long, value_name = "S", default_value_t = 1, value_parser = super::demo::seed)]
    seed: u64,

    /// Runs to take the median of
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u16).range(1..=99))]
    runs: u16,

    /// Each event in a message of its own, instead of packed
    #[arg(long)]
    single: bool,

    /// Where the directory is made [default: the system's temporary directory]
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

pub(super) fn run(args: &Args, globals: &Globals) -> Result<Exit, Failure> {
    let settings = globals.start()?;
    if args.runs == 1 {
        let report = once(args, settings, globals.quiet())?;
        globals.output().print(&report, &report.to_string())?;
        return Ok(Exit::Success);
    }
    if cfg!(debug_assertions) {
        tracing::warn!("a development build: its figures mean little, `make bench` builds another");
    }
    let reports = (0..args.runs)
        .map(|_| apart())
        .collect::<Result<Vec<_>, _>>()?;
    let spread = Spread::of(reports).ok_or_else(|| Failure::usage("--runs must not be 0"))?;
    globals.output().print(&spread, &spread.text())?;
    Ok(Exit::Success)
}

/// One run, in this process.
fn once(args: &Args, settings: Settings, quiet: bool) -> Result<Report, Failure> {
    let parent = args.dir.clone().unwrap_or_else(env::temp_dir);
    let named = |error| Failure::outside(format!("{}: {error}", parent.display()));
    let folder = tempfile::Builder::new()
        .prefix("idtrail-bench-")
        .tempdir_in(&parent)
        .map_err(named)?;
    let company = Box::new(Company::found(args.seed));
    let topology = boot::topology(&settings).map_err(Failure::issues)?;
    let geoip = match settings.geoip {
        Some(path) => path,
        None => {
            let path = folder.path().join("city.mmdb");
            fs::write(&path, company.city_database()).map_err(named)?;
            path
        }
    };
    let input = if args.input.is_empty() {
        Input::Invented {
            company,
            events: args.events.unwrap_or(EVENTS),
        }
    } else {
        Input::Files {
            files: args.input.clone(),
            events: args.events,
        }
    };
    let plan = Plan {
        input,
        sharing: if args.single {
            Sharing::Single
        } else {
            Sharing::Packed
        },
        settings: Settings {
            aws: None,
            geoip: Some(geoip),
            data: folder.path().join("data"),
            ..settings
        },
        topology,
        quiet,
    };
    let recorder = http::record_metrics().map_err(Failure::outside)?;
    boot::runtime()?.block_on(bench::measure(plan, &recorder))
}

/// One run, in a process of its own with the same arguments.
fn apart() -> Result<Report, Failure> {
    let ended = Command::new(env::current_exe()?)
        .args(env::args_os().skip(1))
        .args(["--runs", "1", "--json"])
        .stderr(Stdio::inherit())
        .output()?;
    match ended.status.code() {
        Some(0) => {}
        // It has said why.
        Some(code) if code == Exit::Usage as i32 => return Err(Failure::told(Exit::Usage)),
        Some(code) if code == Exit::Outside as i32 => return Err(Failure::told(Exit::Outside)),
        _ => return Err(Failure::outside(format!("a run failed: {}", ended.status))),
    }
    serde_json::from_slice(&ended.stdout)
        .map_err(|error| Failure::outside(format!("a run did not tell its figures: {error}")))
}
