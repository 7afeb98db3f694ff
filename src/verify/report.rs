//! What verification found, for people and as JSON.

use audit::{
    accounting::{Account, Counts},
    source::Source,
    tenant::Tenant,
};
use jiff::Timestamp;
use serde::Serialize;

/// Problems that are told one by one; the rest is only counted.
const PROBLEMS_MAX: usize = 100;

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
    /// By tenant and source, since the journal began.
    pub sources: Vec<SourceCounts>,
    /// By tenant, source and hour, as far back as the journal reaches.
    pub hours: Vec<HourCounts>,
    /// Durable in the journal, not yet in a file.
    pub rows_waiting: u64,
    pub quarantined_in_files: u64,
    pub quarantined_waiting: u64,
    /// Rows whose file could not be made, and which a person gave up
    /// (`idtrail journal skip`): they are in no file.
    pub rows_given_up: u64,
    pub quarantined_given_up: u64,
    /// Files under `data/` that this journal did not write.
    pub foreign: Vec<String>,
    pub problems: Vec<String>,
    /// More than are listed.
    pub problems_more: u64,
}

/// `null`: it could not be told, and its events are in quarantine.
#[derive(Debug, Serialize)]
pub struct SourceCounts {
    pub tenant: Option<String>,
    pub source: Option<String>,
    #[serde(flatten)]
    pub counts: Counts,
}

#[derive(Debug, Serialize)]
pub struct HourCounts {
    /// When it begins; of the time that messages were sent.
    pub hour: String,
    #[serde(flatten)]
    pub of: SourceCounts,
}

impl SourceCounts {
    pub(super) fn of(
        ((tenant, source), counts): (&(Option<Tenant>, Option<Source>), &Counts),
    ) -> SourceCounts {
        SourceCounts {
            tenant: tenant.as_ref().map(ToString::to_string),
            source: source.map(|source| source.to_string()),
            counts: *counts,
        }
    }
}

impl HourCounts {
    pub(super) fn of((account, counts): (&Account, &Counts)) -> HourCounts {
        let begin = Timestamp::from_second(i64::from(account.hour) * 3_600);
        let of = (account.tenant.clone(), account.source);
        HourCounts {
            hour: begin.map_or_else(|_| account.hour.to_string(), |begin| begin.to_string()),
            of: SourceCounts::of((&of, counts)),
        }
    }
}

impl Report {
    pub(super) fn problem(&mut self, what: String) {
        if self.problems.len() < PROBLEMS_MAX {
            self.problems.push(what);
        } else {
            self.problems_more += 1;
        }
    }

    pub(super) fn expect_sum(&mut self, of: &str, counts: &Counts) {
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

    pub(super) fn expect_equal(&mut self, what: &str, journal: u64, counted: u64) {
        if journal != counted {
            self.problem(format!(
                "I16: {what}: {journal} by the journal's accounting, {counted} counted"
            ));
        }
    }
}
