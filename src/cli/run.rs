//! `idtrail run`: the service itself, or one pass until nothing is left.

use std::{convert::Infallible, net::SocketAddr, time::Duration};

use actors::{
    base::{Outcome, Topology},
    pipeline::{self, Undrained},
};
use audit::accounting::Counts;
use clap::Args as ClapArgs;
use jiff::SignedDuration;

use super::{Exit, Failure, Globals};
use crate::{
    boot, http::Listener, progress::Progress, serving::Serving, settings::Settings,
    signals::Signals, version::VERSION,
};

/// Take events from the queue to the lake
///
/// Runs until SIGTERM or SIGINT, then stops in order: nothing is lost, whenever it ends. One
/// process runs on a data directory; `publish` and the verbs that only read work beside it.
///
/// With --drain it ends when the queue is empty and every row is in the lake, and prints what was
/// done: {"received","stored","duplicate","quarantined","skipped"}.
#[derive(Debug, ClapArgs)]
pub(super) struct Args {
    /// Leave the files alone that are in the making when it first leads
    ///
    /// For a file that ends every process that tries to make it: all else goes on, and `journal
    /// plans` names what is left alone.
    #[arg(long)]
    pub(super) safe_mode: bool,

    /// End when the queue is empty and every row is in the lake
    #[arg(long)]
    pub(super) drain: bool,

    /// End a drain after this time, such as 90s, 10m or 1h, with exit code 4
    #[arg(long, requires = "drain", value_name = "TIME", value_parser = duration)]
    pub(super) deadline: Option<Duration>,
}

/// A blocking call that hangs must not keep the process.
pub(super) const SHUTDOWN_MAX: Duration = Duration::from_secs(1);

/// What a service says when it is told to stop.
pub(super) const STOPPING: &str = "stopping: what is in hand is being made durable";

/// How often a service says what it did.
const TELL_EVERY: Duration = Duration::from_secs(60);

pub(super) fn run(args: &Args, globals: &Globals) -> Result<Exit, Failure> {
    let mut settings = globals.start()?;
    settings.safe_mode |= args.safe_mode;
    let topology = boot::topology(&settings).map_err(Failure::issues)?;
    let runtime = boot::runtime()?;
    let done = runtime.block_on(async {
        if args.drain {
            drain(&settings, topology, args.deadline, globals).await
        } else {
            serve(&settings, topology).await
        }
    });
    runtime.shutdown_timeout(SHUTDOWN_MAX);
    done
}

/// Until a signal, or until the tree gives up.
async fn serve(settings: &Settings, topology: Topology) -> Result<Exit, Failure> {
    let mut signals = Signals::listen()?;
    // Before the port: of two services on one directory, the second is told of the first.
    let lock = boot::take(settings)?;
    let listener = Listener::open(settings).await?;
    let address = listener.address();
    let mut serving = Serving::start(lock, Some(listener), settings, topology).await?;
    tell_where(settings, address);
    let watch = serving.watch();
    let outcome = tokio::select! {
        outcome = serving.finished() => {
            serving.close().await;
            outcome
        }
        () = signals.any() => {
            tracing::info!("{STOPPING}");
            serving.stop().await
        }
        never = tell_now_and_then(watch) => match never {},
    };
    ended(&outcome)
}

fn tell_where(settings: &Settings, http: SocketAddr) {
    const RUNNING: &str = "running: publish with `idtrail publish`, stop with ctrl-c";
    match &settings.aws {
        None => {
            tracing::info!(data = %settings.data.display(), %http, version = VERSION, "{RUNNING}");
        }
        Some(aws) => tracing::info!(
            queue = aws.queue_url,
            lake = %aws.lake,
            large_files = %aws.large_files,
            %http,
            version = VERSION,
            "{RUNNING}"
        ),
    }
}

/// A line a minute while there is something to tell. Never ends.
async fn tell_now_and_then(watch: pipeline::Watch) -> Infallible {
    let mut told = Counts::default();
    loop {
        tokio::time::sleep(TELL_EVERY).await;
        let Ok(progress) = watch.progress().await else {
            continue;
        };
        let new = progress.counts - told;
        if !new.is_zero() {
            told = progress.counts;
            tracing::info!(
                stored = new.stored,
                duplicate = new.duplicate,
                quarantined = new.quarantined,
                rows_waiting = progress.rows_waiting,
                "in the last minute"
            );
        }
    }
}

/// Until the queue is empty and every row is in a file.
async fn drain(
    settings: &Settings,
    topology: Topology,
    deadline: Option<Duration>,
    globals: &Globals,
) -> Result<Exit, Failure> {
    let grace = topology.limits().shutdown.stop;
    let mut signals = Signals::listen()?;
    let mut service = boot::start(boot::take(settings)?, settings, topology).await?;
    let bar = Progress::count(0, globals.quiet());
    let watch = service.pipeline.watch();
    let tell = |progress: &pipeline::Progress| {
        let waiting = progress
            .backlog
            .map_or(0, |backlog| backlog.visible + backlog.hidden);
        bar.name(match progress.leading {
            true => "draining",
            false => "waiting to lead",
        });
        bar.set(progress.messages_done, progress.messages_done + waiting);
    };
    let exit = tokio::select! {
        drained = watch.drain(tell) => match drained {
            Ok(_) => Ok(Exit::Success),
            Err(unmade @ Undrained::File { .. }) => Err(unmade.into()),
            Err(unreached) => return Err(unreached.into()),
        },
        outcome = service.pipeline.finished() => return ended(&outcome),
        () = elapsed(deadline) => Ok(Exit::Deadline),
        () = signals.any() => Ok(Exit::Deadline),
    };
    drop(bar);
    let outcome = service.pipeline.stop(grace).await;
    // Only now: stopping makes durable what was in hand.
    let counts = watch.counts();
    let text = format!(
        "{} received = {} stored + {} duplicate + {} quarantined; {} skipped",
        counts.received, counts.stored, counts.duplicate, counts.quarantined, counts.skipped
    );
    globals.output().print(&counts, &text)?;
    if matches!(exit, Ok(Exit::Deadline)) {
        tracing::warn!("ended before the queue was empty: run it again, nothing is lost");
    }
    match ended(&outcome)? {
        Exit::Success => exit,
        other => Ok(other),
    }
}

pub(super) fn ended(outcome: &Outcome) -> Result<Exit, Failure> {
    match outcome {
        Outcome::Stopped => Ok(Exit::Success),
        gave_up => Err(Failure::new(Exit::GaveUp, gave_up)),
    }
}

async fn elapsed(deadline: Option<Duration>) {
    match deadline {
        Some(deadline) => tokio::time::sleep(deadline).await,
        None => std::future::pending().await,
    }
}

pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let parsed: Option<SignedDuration> = text.parse().ok();
    match parsed.map(Duration::try_from) {
        Some(Ok(duration)) if !duration.is_zero() => Ok(duration),
        _ => Err("expects a time such as 90s, 10m or 1h".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deadline_is_written_as_people_write_it() {
        for (text, seconds) in [("90s", 90), ("10m", 600), ("1h 30m", 5_400), ("PT5M", 300)] {
            assert_eq!(duration(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        for text in ["", "10", "soon", "-5m", "0s"] {
            assert!(duration(text).is_err(), "{text}");
        }
    }
}
