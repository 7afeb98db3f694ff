//! Counts again, from the objects themselves.
//!
//! The journal is read from its beginning, or from its newest checkpoint where
//! the beginning was collected: its chain, its plans, its numbers.
//! Then every file under `data/` is read, the key of each event computed anew
//! from its raw bytes, and compared with the plan that the file was made of.
//! What does not fit is a problem, told with the object's name and the invariant
//! (I1 to I16 of the protocol) that does not hold.

mod journal;
mod lake;
mod report;

use std::collections::BTreeMap;

use actors::{base::Topology, pipeline::Ports, ports::StoreError};
use audit::{source::Source, tenant::Tenant};

pub use self::report::{HourCounts, Report, SourceCounts};
use crate::{
    history::{History, HistoryError},
    progress::Progress,
    settings::Settings,
};

/// Rows, or events, by tenant and source.
type Tally = BTreeMap<(Tenant, Source), u64>;

/// Verification was not possible.
#[derive(Debug, thiserror::Error)]
pub enum Unreadable {
    #[error(transparent)]
    Journal(#[from] HistoryError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

pub async fn verify(
    ports: &Ports,
    settings: &Settings,
    topology: &Topology,
    quiet: bool,
) -> Result<Report, Unreadable> {
    let mut report = Report::default();
    let bar = Progress::count(0, quiet);
    bar.name("reading the journal");
    let mut history = History::open(ports, settings).await?;
    let mut ledger = match journal::read(&mut history, topology, &bar, &mut report).await {
        Ok(ledger) => ledger,
        Err(HistoryError::Corrupt(corrupt)) => {
            report.problem(format!("I3: {corrupt}"));
            return Ok(report);
        }
        Err(unreachable) => return Err(unreachable.into()),
    };
    bar.name("reading files");
    lake::read(
        &*ports.lake,
        &settings.journal,
        &mut ledger,
        &bar,
        &mut report,
    )
    .await?;
    ledger.balance(&mut report);
    report.ok = report.problems.is_empty();
    Ok(report)
}
