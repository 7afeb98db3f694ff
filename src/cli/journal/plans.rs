//! `idtrail journal plans`: the files that are in the making.

use serde::Serialize;

use crate::{
    cli::{Exit, Failure, Globals},
    history::{self, History, in_the_making},
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

pub(super) async fn plans(settings: &Settings, globals: &Globals) -> Result<Exit, Failure> {
    let ports = history::ports(settings).await?;
    let history = History::open(&ports, settings).await;
    let mut history = history.map_err(Failure::outside)?;
    let newest = history.newest(globals.quiet()).await;
    let replica = newest.map_err(Failure::outside)?;
    for (file, open) in in_the_making(&replica, &settings.journal) {
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
