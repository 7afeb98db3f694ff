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
    quarantine::{self, Damaged, Entry},
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

/// By tenant and source: who they are sent as.
type Senders = BTreeMap<(String, Option<Source>), (Publisher, Packing)>;

/// What the lake has of the old journal's rows.
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
    let (partitions, birth) = survey(&mut history, &bar, &mut salvaged).await?;
    let Some((generation, secret)) = birth else {
        return Ok(salvaged);
    };
    bar.name("reading files");
    let mut filed = Filed::default();
    for (done, partition) in (1..).zip(&partitions) {
        filed
            .read(ports, settings, (generation, secret), partition)
            .await?;
        bar.set(done, partitions.len() as u64);
    }
    bar.name("sending");
    let mut senders = Senders::new();
    for seq in slots(&history) {
        let Some(entry) = read(&mut history, seq).await? else {
            continue;
        };
        let outlet = || Outlet::of(ports);
        for (sender, raw) in unfiled(entry.object, &filed, &mut salvaged) {
            let (tenant, source) = &sender;
            let begin = || {
                (
                    Publisher::new(outlet(), *source, Some(tenant)),
                    Packing::default(),
                )
            };
            let (_, packing) = senders.entry(sender.clone()).or_insert_with(begin);
            packing.event(raw);
        }
        for (publisher, packing) in senders.values_mut() {
            publisher.send_all(packing).await?;
        }
        bar.set(seq.0, history.last().0);
    }
    for (mut publisher, mut packing) in senders.into_values() {
        packing.finish();
        publisher.send_all(&mut packing).await?;
        salvaged.events += publisher.sent().events;
        salvaged.messages += publisher.sent().messages;
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

fn slots(history: &History) -> impl Iterator<Item = Seq> + use<> {
    let (first, last) = (history.slots().first().copied(), history.last());
    (first.unwrap_or(last.next()).0..=last.0).map(Seq)
}

/// The partitions of all that can be read, and what the journal was born with.
async fn survey(
    history: &mut History,
    bar: &Progress,
    salvaged: &mut Salvaged,
) -> Result<(BTreeSet<Partition>, Option<(Gen, Secret)>), Unsalvaged> {
    let mut partitions = BTreeSet::new();
    let (mut generation, mut secret) = (None, None);
    for seq in slots(history) {
        let Some(entry) = read(history, seq).await? else {
            salvaged.unreadable.push(seq.0);
            continue;
        };
        salvaged.objects += 1;
        generation = Some(entry.object.header.generation);
        for record in &entry.object.records {
            match record {
                Record::Fence(fence) => secret = secret.or(fence.secret),
                Record::Batch(batch) => {
                    partitions.extend(batch.slices.iter().map(|slice| slice.partition.clone()));
                }
                Record::Quarantine(entries) => {
                    let days = entries.iter().map(|entry| Day::of_ms(entry.sent_at_ms));
                    partitions.extend(days.map(Partition::quarantine));
                }
                _ => {}
            }
        }
        bar.set(seq.0, history.last().0);
    }
    if secret.is_none() {
        // The first fence was collected: a checkpoint has it too.
        let begin = history.begin(Window::NONE).await.ok();
        secret = begin.and_then(|replica| Some(replica.birth()?.secret));
    }
    // Without it entries of the quarantine cannot be told apart, and come again.
    let secret = secret.unwrap_or(Secret([0; 4]));
    Ok((
        partitions,
        generation.map(|generation| (generation, secret)),
    ))
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

/// What of an object no file has, with whose and what it is.
fn unfiled(
    object: Object,
    filed: &Filed,
    salvaged: &mut Salvaged,
) -> Vec<((String, Option<Source>), Bytes)> {
    let mut events = Vec::new();
    for record in object.records {
        match record {
            Record::Batch(batch) => {
                for slice in &batch.slices {
                    if filed.has(object.header.seq, slice) {
                        continue;
                    }
                    match rows(&batch, slice) {
                        Ok(rows) => events.extend(rows),
                        Err(error) => {
                            let (slot, partition) = (object.header.seq.0, &slice.partition);
                            tracing::warn!(slot, %partition, %error, "rows cannot be read");
                            salvaged.rows_lost += u64::from(slice.row_end - slice.row_start);
                        }
                    }
                }
            }
            Record::Quarantine(entries) => {
                let new = |entry: &Entry| !filed.entries.contains(&entry.key);
                let new = entries.into_iter().filter(new);
                events.extend(new.map(|entry| ((entry.tenant, entry.source), entry.raw)));
            }
            _ => {}
        }
    }
    events
}

/// Of a batch whose columns cannot be read, the events tell their source
/// themselves.
fn rows(
    batch: &Batch,
    slice: &Slice,
) -> Result<Vec<((String, Option<Source>), Bytes)>, BatchError> {
    let Area::Tenant(tenant) = &slice.partition.area else {
        return Ok(Vec::new());
    };
    let range = slice.row_start..slice.row_end;
    let raw = batch.raw(range.clone())?;
    let columns = batch.columns().ok();
    let source = |row: u32| {
        let column = columns.as_ref()?.column(Column::EventSource.index());
        column.as_string::<i32>().value(row as usize).parse().ok()
    };
    let named = range.map(|row| (tenant.to_string(), source(row)));
    Ok(named.zip(raw).collect())
}
