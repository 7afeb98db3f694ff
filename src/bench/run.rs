//! One run: feed, drain, and what it took.

use actors::{base::Topology, pipeline};
use metrics_exporter_prometheus::PrometheusHandle;

use super::{
    Input,
    counted::Tally,
    process::{cpu_seconds, forget_peak, peak_rss_bytes, wall_seconds},
    report::{Fed, Report, Used},
    yardstick::{Piece, Working},
};
use crate::{
    boot,
    cli::Failure,
    progress::Progress,
    publish::{Feed, Outlet, Sharing},
    scrape::Samples,
    settings::Settings,
};

#[derive(Debug)]
pub struct Plan {
    pub input: Input,
    pub sharing: Sharing,
    /// Embedded, on a directory that is empty.
    pub settings: Settings,
    pub topology: Topology,
    pub quiet: bool,
}

/// Measures once. `metrics` is what the actors of this process record into, and
/// has recorded nothing yet.
pub async fn measure(plan: Plan, metrics: &PrometheusHandle) -> Result<Report, Failure> {
    let Plan {
        input,
        sharing,
        settings,
        topology,
        quiet,
    } = plan;
    let lock = boot::take(&settings)?;
    let ports = boot::ports(&settings).await?;
    let mut piece = Piece::default();
    let outlet = Feed::new(&Outlet::of(&ports), sharing, None);
    let fed = feed(&input, outlet, &mut piece, quiet).await?;
    let tally = Tally::default();
    let grace = topology.limits().shutdown.stop;
    forget_peak();
    let working = Working::start(piece);
    let (cpu, wall) = (cpu_seconds(), wall_seconds());
    let mut service = boot::start_on(tally.count(ports), lock, &settings, topology).await?;
    let watch = service.pipeline.watch();
    let bar = Progress::count(fed.events, quiet);
    bar.name("draining");
    let tell = |progress: &pipeline::Progress| bar.set(progress.counts.received, fed.events);
    tokio::select! {
        drained = watch.drain(tell) => drained.map(drop)?,
        outcome = service.pipeline.finished() => {
            return Err(Failure::outside(format!("the pipeline gave up: {outcome}")));
        }
    }
    let (yardstick, working_seconds) = working.stop();
    let used = Used {
        cpu_seconds: cpu_seconds() - cpu - working_seconds,
        wall_seconds: wall_seconds() - wall,
        peak_rss_bytes: peak_rss_bytes(),
        yardstick,
    };
    drop(bar);
    let samples = Samples::parse(&metrics.render());
    let counts = watch.counts();
    service.pipeline.stop(grace).await;
    let calls = tally.per_million(counts.received.max(1));
    Ok(Report::new(&fed, &counts, &used, calls, &samples))
}

/// Generates or reads the events and sends them.
async fn feed(
    input: &Input,
    mut feed: Feed,
    piece: &mut Piece,
    quiet: bool,
) -> Result<Fed, Failure> {
    let bar = Progress::count(input.expected().unwrap_or(0), quiet);
    bar.name("sending ");
    let (mut events, mut bytes, mut sending) = (0, 0, 0.0);
    let mut chunk = Vec::new();
    let mut all = input.events().peekable();
    while all.peek().is_some() {
        for event in all.by_ref().take(CHUNK) {
            chunk.push(event.map_err(Failure::usage)?);
        }
        let cpu = cpu_seconds();
        for (source, raw) in chunk.drain(..) {
            events += 1;
            bytes += raw.len() as u64;
            piece.offer(&raw);
            feed.push(source, raw).await?;
        }
        sending += cpu_seconds() - cpu;
        bar.set(events, input.expected().unwrap_or(events).max(events));
    }
    if events == 0 {
        return Err(Failure::usage(super::InputError::Empty));
    }
    feed.flush().await?;
    Ok(Fed {
        events,
        bytes,
        messages: feed.sent().messages,
        cpu_seconds: sending,
    })
}

/// Events between two looks at the clock.
const CHUNK: usize = 10_000;
