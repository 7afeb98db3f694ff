//! `idtrail journal inspect`: what the journal holds, for people.

use std::fmt::Write as _;

use audit::{
    journal::{Object, Record},
    journal_id::Seq,
};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::{
    cli::{Exit, Failure, Globals},
    history::{self, Entry, History},
    settings::Settings,
};

pub(super) async fn inspect(
    settings: &Settings,
    wanted: Option<u64>,
    globals: &Globals,
) -> Result<Exit, Failure> {
    let ports = history::ports(settings).await?;
    let mut history = History::open(&ports, settings)
        .await
        .map_err(Failure::outside)?;
    let slots = history.slots();
    let (first, last) = (slots.first().copied().unwrap_or_default(), history.last());
    let slots = wanted.map_or_else(|| slots.to_vec(), |seq| vec![Seq(seq)]);
    for seq in slots {
        let Some(entry) = history.read(seq).await.map_err(Failure::outside)? else {
            if wanted.is_none() {
                // Collected since the journal was opened.
                continue;
            }
            let (seq, first, last) = (seq.0, first.0, last.0);
            return Err(Failure::usage(format!(
                "slot {seq} is empty: the journal has slots {first} to {last}"
            )));
        };
        let mut text = line(&entry);
        if wanted.is_some() {
            for record in &entry.object.records {
                write!(text, "\n  {}", record_text(record)).map_err(Failure::outside)?;
            }
        }
        globals.output().print(&object(&entry), &text)?;
    }
    Ok(Exit::Success)
}

/// `3  2026-01-02T03:04:05Z  184 KB  writer 0123456789abcdef  batch of 1815 rows, 2 plans`
fn line(entry: &Entry) -> String {
    let header = &entry.object.header;
    let records = summary(&entry.object);
    format!(
        "{:<6} {}  {:>11} bytes  writer {:016x}  {records}",
        header.seq.0,
        written_at(&entry.object),
        entry.bytes,
        header.writer.0
    )
}

fn summary(object: &Object) -> String {
    let count = |of: fn(&Record) -> bool| object.records.iter().filter(|r| of(r)).count();
    let mut parts = Vec::new();
    for (name, count) in [
        ("fence", count(|r| matches!(r, Record::Fence(_)))),
        ("done", count(|r| matches!(r, Record::Done(_)))),
        ("skip", count(|r| matches!(r, Record::Skip(_)))),
        ("checkpoint", count(|r| matches!(r, Record::Saved(_)))),
        ("plan", count(|r| matches!(r, Record::Plan(_)))),
        ("heartbeat", count(|r| matches!(r, Record::Heartbeat))),
        ("release", count(|r| matches!(r, Record::Release))),
    ] {
        match count {
            0 => {}
            1 => parts.push(name.to_owned()),
            many => parts.push(format!("{many} {name}")),
        }
    }
    for record in &object.records {
        match record {
            Record::Batch(batch) => parts.push(format!("batch of {} rows", batch.keys.len())),
            Record::Quarantine(entries) => parts.push(format!("{} quarantined", entries.len())),
            _ => {}
        }
    }
    let duplicates = object.accounting.total().duplicate;
    if duplicates > 0 {
        parts.push(format!("{duplicates} duplicates counted"));
    }
    parts.join(", ")
}

fn written_at(object: &Object) -> String {
    Timestamp::from_millisecond(object.header.written_at_ms).map_or_else(
        |_| object.header.written_at_ms.to_string(),
        |time| time.to_string(),
    )
}

fn record_text(record: &Record) -> String {
    match record {
        Record::Fence(fence) if fence.secret.is_some() => "fence: the journal begins".into(),
        Record::Fence(_) => "fence: another process takes over".into(),
        Record::Done(done) => format!(
            "done: plan {} of {}: {} rows in {} bytes",
            done.plan.0, done.partition, done.rows, done.bytes
        ),
        Record::Skip(skip) => format!(
            "skip: plan {} of {}: {} rows given up: {}",
            skip.plan.0, skip.partition, skip.rows, skip.reason
        ),
        Record::Plan(plan) => format!(
            "plan: {}: {} rows of slots {} to {} become a file",
            plan.partition,
            plan.rows,
            plan.from.next().0,
            plan.upto.0
        ),
        Record::Quarantine(entries) => {
            let reasons: Vec<String> = entries.iter().map(|entry| entry.reason.clone()).collect();
            format!("quarantine: {}", reasons.join("\n              "))
        }
        Record::Batch(batch) => {
            let mut text = format!("batch: {} rows", batch.keys.len());
            for slice in &batch.slices {
                let rows = slice.row_end - slice.row_start;
                text += &format!(
                    "\n    {}: {rows} rows, {} bytes raw",
                    slice.partition, slice.raw_bytes
                );
            }
            text
        }
        Record::Saved(saved) => format!(
            "checkpoint: of slot {}; it needs the log from slot {} on",
            saved.seq.0, saved.low.0
        ),
        Record::Heartbeat => "heartbeat".into(),
        Record::Release => "release: the writer ended in order".into(),
    }
}

fn object(entry: &Entry) -> Value {
    let header = &entry.object.header;
    let hex = |digest: &[u8]| {
        digest
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect::<String>()
    };
    json!({
        "seq": header.seq.0,
        "written_at": written_at(&entry.object),
        "writer": format!("{:016x}", header.writer.0),
        "generation": header.generation.to_string(),
        "format": header.format as u16,
        "previous": hex(&header.previous.0),
        "digest": hex(&entry.digest.0),
        "bytes": entry.bytes,
        "counts": entry.object.accounting.total(),
        "records": entry.object.records.iter().map(record_json).collect::<Vec<_>>(),
    })
}

fn record_json(record: &Record) -> Value {
    match record {
        Record::Fence(fence) => json!({"kind": "fence", "begins": fence.secret.is_some()}),
        Record::Done(done) => json!({
            "kind": "done", "plan": done.plan.0, "partition": done.partition.to_string(),
            "rows": done.rows, "bytes": done.bytes,
        }),
        Record::Skip(skip) => json!({
            "kind": "skip", "plan": skip.plan.0, "partition": skip.partition.to_string(),
            "rows": skip.rows, "reason": skip.reason,
        }),
        Record::Plan(plan) => json!({
            "kind": "plan", "partition": plan.partition.to_string(), "from": plan.from.0,
            "upto": plan.upto.0, "rows": plan.rows,
        }),
        Record::Quarantine(entries) => json!({"kind": "quarantine", "entries": entries.len()}),
        Record::Batch(batch) => {
            let slices = batch.slices.iter().map(|slice| {
                json!({
                    "partition": slice.partition.to_string(),
                    "rows": slice.row_end - slice.row_start,
                    "raw_bytes": slice.raw_bytes,
                })
            });
            json!({
                "kind": "batch", "rows": batch.keys.len(),
                "partitions": slices.collect::<Vec<_>>(),
            })
        }
        Record::Saved(saved) => json!({
            "kind": "checkpoint", "seq": saved.seq.0, "needs_from": saved.low.0,
        }),
        Record::Heartbeat => json!({"kind": "heartbeat"}),
        Record::Release => json!({"kind": "release"}),
    }
}
