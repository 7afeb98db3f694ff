//! `idtrail journal plans`: the files that are in the making.

use actors::{
    base::Topology,
    journal::replica::{OpenPlan, Replica},
    pipeline,
};
use serde::Serialize;

use crate::{
    cli::{Exit, Failure, Globals},
    history::{self, History},
    progress::Progress,
    settings::Settings,
};

#[derive(Serialize)]
struct Line {
    file: String,
    rows: u64,
    raw_bytes: u64,
    /// The slot of the journal that decided on it.
    plan: u64,
}

pub(super) async fn plans(
    settings: &Settings,
    topology: &Topology,
    globals: &Globals,
) -> Result<Exit, Failure> {
    let ports = history::ports(settings).await?;
    let history = History::open(&ports, settings).await;
    let mut history = history.map_err(Failure::outside)?;
    let replica = newest(&mut history, topology, globals).await?;
    for (file, open) in files(&replica, settings) {
        let line = Line {
            file,
            rows: open.plan.rows,
            raw_bytes: open.raw_bytes(),
            plan: open.id.seq.0,
        };
        let text = format!(
            "{}  {} rows, {} bytes raw, planned in slot {}",
            line.file, line.rows, line.raw_bytes, line.plan
        );
        globals.output().print(&line, &text)?;
    }
    Ok(Exit::Success)
}

/// What the journal says now.
pub(super) async fn newest(
    history: &mut History,
    topology: &Topology,
    globals: &Globals,
) -> Result<Replica, Failure> {
    let bar = Progress::count(0, globals.quiet());
    bar.name("reading the journal");
    let begin = history.begin(pipeline::window(topology)).await;
    let begin = begin.map_err(Failure::outside)?;
    let newest = history.replay(begin, &bar, |_, _| {}).await;
    newest.map_err(Failure::outside)
}

/// The files in the making, by name.
pub(super) fn files<'a>(
    replica: &'a Replica,
    settings: &'a Settings,
) -> impl Iterator<Item = (String, &'a OpenPlan)> {
    let birth = replica.birth().into_iter();
    birth.flat_map(move |birth| {
        replica.open_plans().map(move |open| {
            let partition = &open.id.partition;
            let file = partition.file_key(&settings.journal, birth.generation, open.id.seq);
            (file, open)
        })
    })
}
