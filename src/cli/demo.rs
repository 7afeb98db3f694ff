//! `idtrail demo`: something to look at, with nothing to configure.

use std::{env, net::SocketAddr, ops::RangeInclusive, path::Path, sync::Arc};

use actors::{
    pipeline::{self, Watch},
    ports::Clock as _,
};
use audit::tenant::Tenant;
use clap::Args as ClapArgs;
use jiff::{Timestamp, ToSpan as _, civil::Date, tz::TimeZone};
use tokio::time::Instant;

use super::{Exit, Failure, Globals, run};
use crate::{
    boot,
    clock::Machine,
    demo::{Cast, Home, HomeError, Stage, Summary},
    http::Listener,
    progress::Progress,
    publish::Outlet,
    scrape::Samples,
    serving::Serving,
    settings::Settings,
    signals::Signals,
};

/// Where it all lies, unless --data says something else.
const HOME: &str = "idtrail-demo";

/// Where `make demo` puts DuckDB's program.
const DUCKDB: &str = ".venv/bin/duckdb";

const EVENTS: RangeInclusive<u64> = 1_000..=100_000_000;

/// Whose events they are.
const TENANT: &str = "acme";

/// See it work on an invented company's three months
///
/// Invents the people, bots, offices and habits of a small company, the audit events that AWS,
/// GitHub, Okta and Teleport would have recorded of them for three months, and a break-in on the
/// last day. Sends them through an embedded queue, journal and lake, says what became of them and
/// what to try next, and then lets new events trickle in until ctrl-c. Needs no network and no
/// settings. Everything lies in ./idtrail-demo, which the next demo begins anew.
///
/// The same seed, day and number of events give the same events, byte for byte. Told to stop
/// before its end, it leaves what it has, and its exit code is 4: start it again.
#[derive(Debug, ClapArgs)]
pub(super) struct Args {
    /// How many events the three months have, from 1000 to 100000000
    #[arg(long, value_name = "N", default_value_t = 200_000, value_parser = events)]
    events: u64,

    /// Another seed is another company
    #[arg(long, value_name = "S", default_value_t = 1, value_parser = seed)]
    seed: u64,

    /// The last day, of the break-in; it must be over [default: yesterday, UTC]
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = day)]
    until: Option<Date>,

    /// End when everything is in the lake, instead of going on with new events
    #[arg(long)]
    no_serve: bool,
}

pub(super) fn run(args: &Args, globals: &Globals) -> Result<Exit, Failure> {
    let settings = globals.start()?;
    let runtime = boot::runtime()?;
    let done = runtime.block_on(play(args, settings, globals));
    runtime.shutdown_timeout(run::SHUTDOWN_MAX);
    done
}

async fn play(args: &Args, settings: Settings, globals: &Globals) -> Result<Exit, Failure> {
    let mut signals = Signals::listen()?;
    let yesterday = yesterday();
    let until = args.until.unwrap_or(yesterday);
    if until > yesterday {
        return Err(Failure::usage(format!(
            "--until {until}: that day is not over, and an event of the future is put aside; the \
             last possible is {yesterday}"
        )));
    }
    let tenant = Tenant::parse(TENANT).expect("a valid name");
    let stage = Stage::new(args.seed, until, args.events, tenant.clone());
    let data = globals.data().unwrap_or(Path::new(HOME));
    let home = Home::prepare(data)?;
    let settings = Settings {
        aws: None,
        tls: None,
        geoip: Some(home.write_city_database(&stage.company().city_database())?),
        default_tenant: tenant,
        data: data.to_owned(),
        ..settings
    };
    let listener = if args.no_serve {
        None
    } else {
        Some(Listener::open(&settings).await?)
    };
    let address = listener.as_ref().map(Listener::address);
    let topology = boot::topology(&settings).map_err(Failure::issues)?;
    let lock = Some(home.into_lock());
    let mut serving = Serving::start(lock, listener, &settings, topology).await?;
    let (outlet, watch) = (serving.outlet(), serving.watch());
    let begun = Instant::now();
    let cast = tokio::select! {
        cast = past(&stage, args.events, &outlet, &watch, globals.quiet()) => cast?,
        outcome = serving.finished() => return run::ended(&outcome),
        () = signals.any() => {
            run::ended(&serving.stop().await)?;
            tracing::warn!(
                data = %settings.data.display(),
                "stopped before its end: only a part of the three months is there; start the demo again"
            );
            return Ok(Exit::Deadline);
        }
    };
    let summary = Summary::new(
        (args.seed, until),
        &cast,
        &watch.counts(),
        &Samples::parse(&serving.metrics()),
        begun.elapsed().as_secs_f64(),
    );
    let text = format!("{summary}\n\n{}", next(&settings, address));
    globals.output().print(&summary, &text)?;
    let outcome = if let Some(address) = address {
        tracing::info!(data = %settings.data.display(), http = %address, "running: new events trickle in, stop with ctrl-c");
        tokio::select! {
            error = stage.present(&outlet, Arc::new(Machine)) => return Err(error.into()),
            outcome = serving.finished() => outcome,
            () = signals.any() => {
                tracing::info!("{}", run::STOPPING);
                serving.stop().await
            }
        }
    } else {
        serving.stop().await
    };
    run::ended(&outcome)
}

/// Sends the three months, and waits until all of it is in the lake.
async fn past(
    stage: &Stage,
    events: u64,
    outlet: &Outlet,
    watch: &Watch,
    quiet: bool,
) -> Result<Cast, Failure> {
    let bar = Progress::count(events, quiet);
    bar.name("inventing");
    let cast = stage.past(outlet, |sent| bar.set(sent, events)).await?;
    drop(bar);
    let all = cast.events + cast.twice + cast.broken;
    let bar = Progress::count(all, quiet);
    bar.name("to the lake");
    let tell = |progress: &pipeline::Progress| {
        bar.set(
            progress
                .counts
                .received
                .saturating_sub(progress.rows_waiting),
            all,
        );
    };
    watch.drain(tell).await?;
    Ok(cast)
}

/// What to try, as commands that work where this one was called.
fn next(settings: &Settings, serving: Option<SocketAddr>) -> String {
    let program = env::args().next().unwrap_or_else(|| "idtrail".to_owned());
    let data = settings.data.display();
    let duckdb = [DUCKDB, "duckdb"][usize::from(!Path::new(DUCKDB).exists())];
    let (what, last) = match serving {
        Some(address) => (
            "this instance at work, in another terminal",
            format!("top --url http://{address}"),
        ),
        None => (
            "everything counted again, from the objects",
            format!("--data {data} verify"),
        ),
    };
    format!(
        "Try next:

  # where somebody was who is never there (DuckDB reads the lake: https://duckdb.org)
  {duckdb} -c \"SELECT country, count(DISTINCT event_time::DATE) AS days, count(DISTINCT identity_id) AS people
    FROM '{data}/lake/data/{TENANT}/*/*.parquet' GROUP BY country ORDER BY days LIMIT 3\"

  # what could not be read, and why
  {program} --data {data} quarantine ls

  # {what}
  {program} {last}"
    )
}

fn events(text: &str) -> Result<u64, String> {
    let events = text.parse().ok().filter(|n| EVENTS.contains(n));
    let (least, most) = EVENTS.into_inner();
    events.ok_or_else(|| format!("expects a number from {least} to {most}, such as 50000"))
}

pub(super) fn seed(text: &str) -> Result<u64, String> {
    let seed = text.parse();
    seed.map_err(|_| "expects a number from 0 on, such as 7".to_owned())
}

fn day(text: &str) -> Result<Date, String> {
    let day = text.parse();
    day.map_err(|_| "expects a day, such as 2026-01-31".to_owned())
}

fn yesterday() -> Date {
    let now = Timestamp::from_millisecond(Machine.wall_ms()).unwrap_or(Timestamp::UNIX_EPOCH);
    let today = now.to_zoned(TimeZone::UTC).date();
    today.saturating_sub(1.day())
}

impl From<HomeError> for Failure {
    fn from(error: HomeError) -> Failure {
        match error {
            HomeError::Foreign(_) => Failure::usage(error),
            HomeError::Locked(_) | HomeError::Io(..) => Failure::outside(error),
        }
    }
}
