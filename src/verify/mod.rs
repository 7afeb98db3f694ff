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

use std::collections::BTreeMap;

use actors::{base::Topology, pipeline::Ports, ports::StoreError};
use audit::{accounting::Counts, source::Source, tenant::Tenant};
use serde::Serialize;

use crate::{
    history::{History, HistoryError},
    progress::Progress,
    settings::Settings,
};

/// Problems that are told one by one; the rest is only counted.
const PROBLEMS_MAX: usize = 100;

/// Rows, or events, by tenant and source.
type Tally = BTreeMap<(Tenant, Source), u64>;

#[derive(Debug, Default, Serialize)]
pub struct Report {
    pub ok: bool,
    /// What the journal has counted.
    #[serde(flatten)]
    pub counts: Counts,
    pub journal_objects: u64,
    /// The slot of the checkpoint that the journal was read from; 0: from its
    /// beginning.
    pub collected: u64,
    pub files: u64,
    pub rows_in_files: u64,
    /// Durable in the journal, not yet in a file.
    pub rows_waiting: u64,
    pub quarantined_in_files: u64,
    pub quarantined_waiting: u64,
    /// Files under `data/` that this journal did not write.
    pub foreign: Vec<String>,
    pub problems: Vec<String>,
    /// More than are listed.
    pub problems_more: u64,
}

/// Verification was not possible.
#[derive(Debug, thiserror::Error)]
pub enum Unreadable {
    #[error(transparent)]
    Journal(#[from] HistoryError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Report {
    fn problem(&mut self, what: String) {
        if self.problems.len() < PROBLEMS_MAX {
            self.problems.push(what);
        } else {
            self.problems_more += 1;
        }
    }

    fn expect_sum(&mut self, of: &str, counts: &Counts) {
        if !counts.adds_up() {
            let Counts {
                received,
                stored,
                duplicate,
                quarantined,
                ..
            } = counts;
            self.problem(format!(
                "I16: {of}: {received} received, but {stored} stored + {duplicate} duplicate + \
                 {quarantined} quarantined"
            ));
        }
    }

    fn expect_equal(&mut self, what: &str, journal: u64, counted: u64) {
        if journal != counted {
            self.problem(format!(
                "I16: {what}: {journal} by the journal's accounting, {counted} counted"
            ));
        }
    }
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
