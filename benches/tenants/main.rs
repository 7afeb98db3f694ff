//! What many tenants weigh: memory while the events of 10,000 tenants over three
//! days come in any order, so that 30,000 files are open at once.
//!
//! The real pipeline with the numbers of `topology.toml`, but for a journal that
//! is collected soon; its queue makes messages as they are asked for, and its
//! lake only counts. `cargo bench --bench tenants [-- EVENTS]`; with
//! `IDTRAIL_PICTURES=DIR` it draws the memory to `DIR/tenants-memory.svg`.

#![expect(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a benchmark's result is its output, and times are part of it"
)]

#[path = "../pictures/chart.rs"]
mod chart;
mod lake;
mod memory;
mod queue;

use std::{error::Error, sync::Arc, time::Instant};

use actors::{base::Topology, pipeline::Ports};
use chart::Chart;
use idtrail::{
    boot,
    settings::{Environment, Settings},
};
use lake::Lake;
use queue::Queue;

pub(crate) const TENANTS: u64 = 10_000;
pub(crate) const DAYS: u64 = 3;
const EVENTS: u64 = 10_000_000;

/// Between two points of the curve.
const EVENTS_A_POINT: u64 = 25_000;

const MB: f64 = 1e6;

fn main() -> Result<(), Box<dyn Error>> {
    // Cargo adds `--bench`.
    let asked = std::env::args().find_map(|argument| argument.parse().ok());
    let events = asked.unwrap_or(EVENTS);
    let folder = tempfile::tempdir()?;
    let mut settings = Settings::parse("bench", "trust_attributes: true\n", &Environment::new())
        .map_err(|issues| format!("{issues:?}"))?;
    settings.data = folder.path().to_owned();
    let shipped = include_str!("../../topology.toml");
    // Its objects would fill the disk of whoever runs this.
    let text = shipped.replace("keep_secs = 86_400", "keep_secs = 30");
    let topology =
        Topology::parse("topology.toml", &text).map_err(|issues| format!("{issues:?}"))?;
    boot::runtime()?.block_on(run(events, &settings, topology))
}

async fn run(events: u64, settings: &Settings, topology: Topology) -> Result<(), Box<dyn Error>> {
    let budget = topology.limits().budget.bytes;
    let grace = topology.limits().shutdown.stop;
    let lock = boot::take(settings).map_err(|failure| format!("{failure:?}"))?;
    let embedded = boot::ports(settings).await;
    let (queue, lake) = (Arc::new(Queue::new(events)), Arc::new(Lake::default()));
    let ports = Ports {
        queue: queue.clone(),
        lake: lake.clone(),
        ..embedded.map_err(|failure| format!("{failure:?}"))?
    };
    let began = Instant::now();
    let started = boot::start_on(ports, lock, settings, topology).await;
    let mut service = started.map_err(|failure| format!("{failure:?}"))?;
    let fixed = memory::resident();
    let mut chart = Chart::new("MB resident", "million events", 10);
    let mut next = 0;
    let watch = service.pipeline.watch();
    let drained = watch.drain(|progress| {
        let stored = progress.counts.stored;
        if stored >= next {
            chart.point(stored as f64 / 1e6, memory::resident() as f64 / MB);
            next = stored + EVENTS_A_POINT;
        }
    });
    let progress = tokio::select! {
        drained = drained => drained?,
        outcome = service.pipeline.finished() => {
            return Err(format!("the pipeline gave up: {outcome}").into());
        }
    };
    let (files, bytes) = lake.written();
    println!(
        "{TENANTS} tenants, {DAYS} days, {} events stored",
        progress.counts.stored
    );
    println!(
        "memory: {:.0} MB at the start, {:.0} MB at most; the budget is {:.0} MB",
        fixed as f64 / MB,
        memory::resident_max() as f64 / MB,
        budget as f64 / MB,
    );
    println!(
        "{files} files of {:.0} rows, {:.1} KB each, in {:.0} s",
        progress.counts.stored as f64 / files as f64,
        bytes as f64 / files as f64 / 1e3,
        began.elapsed().as_secs_f64(),
    );
    service.pipeline.stop(grace).await;
    if let Some(folder) = std::env::var_os("IDTRAIL_PICTURES") {
        let path = std::path::Path::new(&folder).join("tenants-memory.svg");
        std::fs::write(&path, chart.svg())?;
    }
    Ok(())
}
