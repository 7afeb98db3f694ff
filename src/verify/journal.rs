//! The journal's side: what it says was stored, planned and done.

use std::collections::{BTreeMap, HashSet};

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
    };
    ledger.count_waiting(report);
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
        let all = stored.keys().chain(counted.keys());
        for of in all.collect::<std::collections::BTreeSet<_>>() {
            let what = format!("rows of tenant {}, source {}", of.0, of.1);
            let of_rows = |tally: &Tally| tally.get(of).copied().unwrap_or_default();
            report.expect_equal(&what, of_rows(&stored), of_rows(&counted));
        }
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
            report.quarantined_in_files + report.quarantined_waiting,
        );
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
