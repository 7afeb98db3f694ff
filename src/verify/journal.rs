//! The journal's side: what it says was stored, planned and done.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use actors::{
    base::Topology,
    journal::replica::{Content, Piece, PlanId, Replica},
    pipeline,
};
use arrow::array::AsArray;
use audit::{
    accounting::{Accounting, Totals},
    journal::{Done, Object, Plan, Record},
    journal_id::Seq,
    key::{Key, KeyXor},
    partition::Area,
    schema::Column,
    source::Source,
    tenant::Tenant,
};

use super::{
    Report, Tally,
    report::{HourCounts, SourceCounts},
};
use crate::{
    history::{History, HistoryError},
    progress::Progress,
};

/// What a file must hold, and its report if it was made.
#[derive(Debug)]
pub(super) struct Planned {
    pub(super) rows: u64,
    pub(super) key_xor: KeyXor,
    pub(super) done: Option<Done>,
}

impl Planned {
    fn of(plan: &Plan) -> Planned {
        Planned {
            rows: plan.rows,
            key_xor: plan.key_xor,
            done: None,
        }
    }
}

#[derive(Debug)]
pub(super) struct Ledger {
    pub(super) replica: Replica,
    /// Of what was collected.
    collected: Totals,
    /// Of all objects since, by tenant, source and hour.
    accounting: Accounting,
    /// Of all objects that are there.
    hours: Accounting,
    pub(super) plans: BTreeMap<PlanId, Planned>,
    /// Rows and quarantine entries not yet in a file that counts.
    waiting: Tally,
    /// Rows found in files.
    pub(super) filed: Tally,
    given_up: BTreeMap<Tenant, u64>,
}

/// Every object in order.
pub(super) async fn read(
    history: &mut History,
    topology: &Topology,
    bar: &Progress,
    report: &mut Report,
) -> Result<Ledger, HistoryError> {
    let mut plans = BTreeMap::new();
    let mut accounting = Accounting::default();
    let mut hours = Accounting::default();
    // The leader's own window: what it knew when it wrote an object.
    let begin = history.begin(pipeline::window(topology)).await?;
    report.collected = begin.head().seq.0;
    let earlier = history.earlier(&begin, bar, |object| {
        report.journal_objects += 1;
        hours.merge(&object.accounting);
        note_plans(&mut plans, object);
    });
    earlier.await?;
    for open in begin.open_plans() {
        let planned = || Planned::of(&open.plan);
        plans.entry(open.id.clone()).or_insert_with(planned);
    }
    let collected = begin.totals().clone();
    let replica = history
        .replay(begin, bar, |before, object| {
            report.journal_objects += 1;
            accounting.merge(&object.accounting);
            note_plans(&mut plans, object);
            note_keys(before, object, report);
        })
        .await?;
    hours.merge(&accounting);
    let mut ledger = Ledger {
        replica,
        collected,
        accounting,
        hours,
        plans,
        waiting: Tally::new(),
        filed: Tally::new(),
        given_up: BTreeMap::new(),
    };
    ledger.count_waiting(report);
    ledger.count_given_up(report);
    Ok(ledger)
}

fn note_plans(plans: &mut BTreeMap<PlanId, Planned>, object: &Object) {
    for record in &object.records {
        match record {
            Record::Plan(plan) => {
                let id = PlanId {
                    seq: object.header.seq,
                    partition: plan.partition.clone(),
                };
                plans.insert(id, Planned::of(plan));
            }
            Record::Done(done) => {
                // Its plan may have been collected.
                let planned = plans.entry(PlanId::of(done)).or_insert(Planned {
                    rows: done.rows,
                    key_xor: done.key_xor,
                    done: None,
                });
                planned.done = Some(done.clone());
            }
            _ => {}
        }
    }
}

/// I2: inside the dedup window no key comes twice.
fn note_keys(before: &Replica, object: &Object, report: &mut Report) {
    let mut own = HashSet::new();
    let mut note = |key: Key| {
        if before.knows(&key) || !own.insert(key) {
            let seq = object.header.seq;
            report.problem(format!(
                "I2: event {key:?} stands a second time in slot {seq}"
            ));
        }
    };
    for record in &object.records {
        match record {
            Record::Batch(batch) => batch.keys.iter().copied().for_each(&mut note),
            Record::Quarantine(entries) => {
                entries.iter().map(|entry| entry.key).for_each(&mut note);
            }
            _ => {}
        }
    }
}

impl Ledger {
    pub(super) fn head(&self) -> Seq {
        self.replica.head().seq
    }

    fn count_waiting(&mut self, report: &mut Report) {
        let waiting = self.replica.waiting().iter();
        let waiting =
            waiting.flat_map(|(partition, pieces)| pieces.iter().map(move |p| (partition, p)));
        let planned = self.replica.open_plans();
        let planned =
            planned.flat_map(|open| open.pieces.iter().map(|piece| (&open.id.partition, piece)));
        for (partition, piece) in waiting.chain(planned) {
            match &partition.area {
                Area::Quarantine => report.quarantined_waiting += piece.rows,
                Area::Tenant(tenant) => {
                    report.rows_waiting += piece.rows;
                    match sources(piece) {
                        Ok(sources) => sources.into_iter().for_each(|(source, rows)| {
                            *self.waiting.entry((tenant.clone(), source)).or_default() += rows;
                        }),
                        Err(what) => report.problem(format!("I16: slot {}: {what}", piece.seq)),
                    }
                }
            }
        }
    }

    /// Their files are not to be there.
    fn count_given_up(&mut self, report: &mut Report) {
        for skip in self.replica.skipped() {
            self.plans.remove(&PlanId::skipped(skip));
            match &skip.partition.area {
                Area::Quarantine => report.quarantined_given_up += skip.rows,
                Area::Tenant(tenant) => {
                    report.rows_given_up += skip.rows;
                    *self.given_up.entry(tenant.clone()).or_default() += skip.rows;
                }
            }
        }
    }

    /// received = stored + duplicate + quarantined, and stored = rows.
    pub(super) fn balance(&self, report: &mut Report) {
        let mut stored = Tally::new();
        for ((tenant, source), counts) in &self.collected.0 {
            let of = format!("{tenant:?}, {source:?}, what was collected");
            report.expect_sum(&of, counts);
            if let (Some(tenant), Some(source)) = (tenant, *source) {
                *stored.entry((tenant.clone(), source)).or_default() += counts.stored;
            }
        }
        for (account, counts) in &self.hours.0 {
            report.expect_sum(&format!("{account:?}"), counts);
        }
        for (account, counts) in &self.accounting.0 {
            if let (Some(tenant), Some(source)) = (&account.tenant, account.source) {
                *stored.entry((tenant.clone(), source)).or_default() += counts.stored;
            }
        }
        let mut counted = self.waiting.clone();
        for (of, rows) in &self.filed {
            *counted.entry(of.clone()).or_default() += rows;
        }
        self.compare(&stored, &counted, report);
        report.counts = self.accounting.total();
        report.counts += self.collected.total();
        report.sources = self
            .replica
            .totals()
            .0
            .iter()
            .map(SourceCounts::of)
            .collect();
        report.hours = self.hours.0.iter().map(HourCounts::of).collect();
        report.expect_equal(
            "quarantined events",
            report.counts.quarantined,
            report.quarantined_in_files + report.quarantined_waiting + report.quarantined_given_up,
        );
    }

    /// Rows that were given up had any of their tenant's sources.
    fn compare(&self, stored: &Tally, counted: &Tally, report: &mut Report) {
        let mut missing = self.given_up.clone();
        let all: BTreeSet<_> = stored.keys().chain(counted.keys()).collect();
        for of in all {
            let rows = |tally: &Tally| tally.get(of).copied().unwrap_or_default();
            let (stored, mut counted) = (rows(stored), rows(counted));
            if let Some(missing) = missing.get_mut(&of.0) {
                let given_up = stored.saturating_sub(counted).min(*missing);
                *missing -= given_up;
                counted += given_up;
            }
            let what = format!("rows of tenant {}, source {}", of.0, of.1);
            report.expect_equal(&what, stored, counted);
        }
        for (tenant, more) in missing {
            let what = format!("rows of tenant {tenant} that were given up, and are there");
            report.expect_equal(&what, 0, more);
        }
    }
}

/// How many rows of which source a piece has.
fn sources(piece: &Piece) -> Result<BTreeMap<Source, u64>, String> {
    let mut rows = BTreeMap::new();
    if let Content::Rows { batch, slice } = &piece.content {
        let columns = batch.columns().map_err(|error| error.to_string())?;
        let column = columns
            .column(Column::EventSource.index())
            .as_string::<i32>();
        let slice = &batch.slices[*slice];
        for row in slice.row_start..slice.row_end {
            let name = column.value(row as usize);
            let source = name.parse().map_err(|error| format!("{error}"))?;
            *rows.entry(source).or_default() += 1;
        }
    }
    Ok(rows)
}
