//! What a damaged journal still holds and the lake does not: sent again.
//!
//! A journal with an object that nobody can read, and of which there is no copy,
//! cannot be gone on with, since what comes after is not proven. A new one can
//! be begun under another name at once. What the old one had made durable and in
//! no file yet lies in those of its objects that can be read; it is sent to the
//! queue again, under its tenants and sources. A file says in its footer which
//! rows it has, so nothing is asked of the damaged part.

use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    ops::RangeInclusive,
};

use actors::{journal::Window, pipeline::Ports, ports::StoreError};
use arrow::array::AsArray;
use audit::{
    journal::{Batch, BatchError, Object, Record, Slice},
    journal_id::{Gen, Seq},
    key::{Key, Secret},
    lake::{Footer, LakeError},
    partition::{Area, Day, Partition},
    quarantine::{self, Damaged},
    schema::Column,
    source::Source,
};
use bytes::Bytes;
use serde::Serialize;

use crate::{
    history::{self, History, HistoryError, slot_of},
    progress::Progress,
    publish::{Outlet, Packing, PublishError, Publisher},
    settings::Settings,
};

#[derive(Debug, thiserror::Error)]
pub enum Unsalvaged {
    #[error(transparent)]
    Journal(#[from] HistoryError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("{key}: {error}")]
    File { key: String, error: LakeError },
    #[error("{key}: {error}")]
    Quarantine { key: String, error: Damaged },
    #[error(transparent)]
    Publish(#[from] PublishError),
}

/// What was sent again, and what was not.
#[derive(Debug, Default, Serialize)]
pub struct Salvaged {
    pub objects: u64,
    pub events: u64,
    pub messages: u64,
    /// Slots that are missing or cannot be read. What they held is in files or lost.
    pub unreadable: Vec<u64>,
    /// Rows of readable objects that cannot be read themselves.
    pub rows_lost: u64,
}

/// What no file has, by the tenant and source that it is sent as.
type ByOwner = BTreeMap<(String, Option<Source>), Vec<Unfiled>>;

enum Unfiled {
    Row(Bytes),
    /// By itself, so that it cannot make its neighbours unreadable.
    Entry(Bytes),
}

/// What the journal's readable objects say.
#[derive(Default)]
struct Survey {
    partitions: BTreeSet<Partition>,
    birth: Option<(Gen, Secret)>,
    /// Rows that were given up: they would be the same trouble again.
    filed: Filed,
}

/// What the lake has of the old journal's rows, or is not to have.
#[derive(Debug, Default)]
struct Filed {
    /// Slots of which a partition's rows are in some file.
    slots: BTreeMap<Partition, Vec<RangeInclusive<Seq>>>,
    entries: HashSet<Key>,
}

pub async fn salvage(
    ports: &Ports,
    settings: &Settings,
    quiet: bool,
) -> Result<Salvaged, Unsalvaged> {
    let mut salvaged = Salvaged::default();
    let mut history = History::open(ports, settings).await?;
    let bar = Progress::count(0, quiet);
    bar.name("reading the journal");
    let first = history.boundary().await?.next();
    let slots: Vec<Seq> = (first.0..=history.last().0).map(Seq).collect();
    let Survey {
        partitions,
        birth,
        mut filed,
    } = survey(&mut history, &slots, &bar, &mut salvaged).await?;
    let Some(birth) = birth else {
        return Ok(salvaged);
    };
    bar.name("reading files");
    for (done, partition) in (1..).zip(&partitions) {
        filed.read(ports, settings, birth, partition).await?;
        bar.set(done, partitions.len() as u64);
    }
    bar.name("sending");
    for seq in slots {
        let Some(entry) = read(&mut history, seq).await? else {
            continue;
        };
        // Whole messages for each object: what is held is no more than that has.
        for ((tenant, source), events) in unfiled(entry.object, &filed, &mut salvaged) {
            let mut packing = Packing::default();
            for event in events {
                match event {
                    Unfiled::Row(raw) => packing.event(raw),
                    Unfiled::Entry(raw) => packing.alone(raw),
                }
            }
            packing.finish();
            let mut publisher = Publisher::new(Outlet::of(ports), source, Some(&tenant));
            publisher.send_all(&mut packing).await?;
            salvaged.events += publisher.sent().events;
            salvaged.messages += publisher.sent().messages;
        }
        bar.set(seq.0, history.last().0);
    }
    Ok(salvaged)
}

/// `None` if it is not there, or cannot be read.
async fn read(history: &mut History, seq: Seq) -> Result<Option<history::Entry>, HistoryError> {
    match history.read(seq).await {
        Err(HistoryError::Corrupt(_)) => Ok(None),
        read => read,
    }
}

async fn survey(
    history: &mut History,
    slots: &[Seq],
    bar: &Progress,
    salvaged: &mut Salvaged,
) -> Result<Survey, Unsalvaged> {
    let mut survey = Survey::default();
    let (mut generation, mut secret) = (None, None);
    let (mut plans, mut skips) = (BTreeMap::new(), Vec::new());
    for seq in slots.iter().copied() {
        let Some(entry) = read(history, seq).await? else {
            salvaged.unreadable.push(seq.0);
            continue;
        };
        salvaged.objects += 1;
        generation = Some(entry.object.header.generation);
        for record in entry.object.records {
            match record {
                Record::Fence(fence) => secret = secret.or(fence.secret),
                Record::Batch(batch) => {
                    let slices = batch.slices.into_iter();
                    survey
                        .partitions
                        .extend(slices.map(|slice| slice.partition));
                }
                Record::Quarantine(entries) => {
                    let days = entries.iter().map(|entry| Day::of_ms(entry.sent_at_ms));
                    survey.partitions.extend(days.map(Partition::quarantine));
                }
                Record::Plan(plan) => {
                    let slots = plan.from.next()..=plan.upto;
                    plans.insert((seq, plan.partition), slots);
                }
                Record::Skip(skip) => skips.push((skip.plan, skip.partition)),
                _ => {}
            }
        }
        bar.set(seq.0, history.last().0);
    }
    for skip in skips {
        if let Some(slots) = plans.remove(&skip) {
            survey.filed.slots.entry(skip.1).or_default().push(slots);
        }
    }
    if secret.is_none() {
        // The first fence was collected: a checkpoint has it too.
        let begin = history.begin(Window::NONE).await.ok();
        secret = begin.and_then(|replica| Some(replica.birth()?.secret));
    }
    // Without it entries of the quarantine cannot be told apart, and come again.
    let secret = secret.unwrap_or(Secret([0; 4]));
    survey.birth = generation.map(|generation| (generation, secret));
    Ok(survey)
}

impl Filed {
    async fn read(
        &mut self,
        ports: &Ports,
        settings: &Settings,
        (generation, secret): (Gen, Secret),
        partition: &Partition,
    ) -> Result<(), Unsalvaged> {
        for object in ports.lake.list(&format!("{partition}/"), None).await? {
            let key = object.key;
            if slot_of(&key, &settings.journal, generation).is_none() {
                continue;
            }
            let Some(bytes) = ports.lake.get(&key).await? else {
                continue;
            };
            match &partition.area {
                Area::Tenant(_) => {
                    let footer = Footer::read(&bytes);
                    let meta = footer
                        .map_err(|error| Unsalvaged::File { key, error })?
                        .meta;
                    let slots = self.slots.entry(partition.clone()).or_default();
                    slots.push(meta.from.next()..=meta.upto);
                }
                Area::Quarantine => {
                    let named = |error| Unsalvaged::Quarantine {
                        key: key.clone(),
                        error,
                    };
                    for entry in quarantine::decode(&bytes[..], &secret).map_err(named)? {
                        self.entries.insert(entry.map_err(named)?.key);
                    }
                }
            }
        }
        Ok(())
    }

    fn has(&self, seq: Seq, slice: &Slice) -> bool {
        let slots = self.slots.get(&slice.partition);
        slots.is_some_and(|slots| slots.iter().any(|slots| slots.contains(&seq)))
    }
}

/// What of an object no file has.
fn unfiled(object: Object, filed: &Filed, salvaged: &mut Salvaged) -> ByOwner {
    let mut events = ByOwner::new();
    for record in object.records {
        match record {
            Record::Batch(batch) => {
                for slice in &batch.slices {
                    if filed.has(object.header.seq, slice) {
                        continue;
                    }
                    if let Err(error) = rows(&batch, slice, &mut events) {
                        let (slot, partition) = (object.header.seq.0, &slice.partition);
                        tracing::warn!(slot, %partition, %error, "rows cannot be read");
                        salvaged.rows_lost += u64::from(slice.row_end - slice.row_start);
                    }
                }
            }
            Record::Quarantine(entries) => {
                for entry in entries {
                    if !filed.entries.contains(&entry.key) {
                        let of = events.entry((entry.tenant, entry.source)).or_default();
                        of.push(Unfiled::Entry(entry.raw));
                    }
                }
            }
            _ => {}
        }
    }
    events
}

/// Of a batch whose columns cannot be read, the events tell their source
/// themselves.
fn rows(batch: &Batch, slice: &Slice, events: &mut ByOwner) -> Result<(), BatchError> {
    let Area::Tenant(tenant) = &slice.partition.area else {
        return Ok(());
    };
    let range = slice.row_start..slice.row_end;
    let raw = batch.raw(range.clone())?;
    let columns = batch.columns().ok();
    let source = |row: u32| {
        let column = columns.as_ref()?.column(Column::EventSource.index());
        column.as_string::<i32>().value(row as usize).parse().ok()
    };
    for (row, raw) in range.zip(raw) {
        let of = events.entry((tenant.to_string(), source(row))).or_default();
        of.push(Unfiled::Row(raw));
    }
    Ok(())
}
