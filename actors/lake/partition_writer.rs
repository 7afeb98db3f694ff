//! Turns an open plan into the bytes of its file.
//!
//! Sorting and encoding run on the compute pool. The rows and the fingerprint
//! of the result must be those of the plan: anything else would be a file that
//! the journal does not vouch for, and is written by nobody. A file that cannot
//! be made harms no other: its plan is set aside for a while.

use std::sync::Arc;

use audit::{
    journal::{Digest, Done},
    journal_id::{Gen, JournalName},
    lake::{self, Codec, FileMeta, LakeFile, SliceRef},
    partition::Area,
    quarantine::{self, Entry},
};
use bytes::Bytes;

use crate::{
    base::{Actor, Address, Compute, Context, Failure},
    journal::{
        planner::Task,
        replica::{Content, OpenPlan},
        working::Hold,
    },
};

/// A file that is ready to be written, and the report to make when it is.
#[derive(Debug)]
pub struct SealedFile {
    pub key: String,
    pub bytes: Bytes,
    pub done: Done,
    pub hold: Hold,
}

#[derive(Debug)]
pub struct PartitionWriter {
    pub journal: JournalName,
    pub codec: Codec,
    pub compute: Compute,
    pub uploader: Address<SealedFile>,
}

impl Actor for PartitionWriter {
    type Message = Task;

    async fn handle(&mut self, task: Task, _: &mut Context<Task>) -> Result<(), Failure> {
        let Task {
            plan,
            generation,
            hold,
        } = task;
        let key = plan
            .plan
            .partition
            .file_key(&self.journal, generation, plan.id.seq);
        let (journal, codec) = (self.journal.clone(), self.codec);
        let encoded = self
            .compute
            .run(move || encode(&plan, &journal, generation, codec));
        let file = encoded.await.map_err(|panicked| panicked.to_string());
        let (done, bytes) = match file.flatten() {
            Ok(made) => made,
            Err(why) => {
                hold.failed(&key, &why);
                return Ok(());
            }
        };
        self.uploader
            .send(SealedFile {
                key,
                bytes,
                done,
                hold,
            })
            .await?;
        Ok(())
    }
}

fn encode(
    open: &OpenPlan,
    journal: &JournalName,
    generation: Gen,
    codec: Codec,
) -> Result<(Done, Bytes), String> {
    let plan = &open.plan;
    let file = match plan.partition.area {
        Area::Tenant(_) => {
            let meta = FileMeta {
                journal: journal.clone(),
                generation,
                plan: open.id.seq,
                from: plan.from,
                upto: plan.upto,
                replaces: Vec::new(),
            };
            rows_file(open, &meta, codec)?
        }
        Area::Quarantine => quarantine_file(open),
    };
    if file.rows != plan.rows || file.key_xor != plan.key_xor {
        return Err(format!(
            "{} rows came out where the plan says {}",
            file.rows, plan.rows
        ));
    }
    let done = Done {
        plan: open.id.seq,
        partition: plan.partition.clone(),
        rows: file.rows,
        key_xor: file.key_xor,
        bytes: file.bytes.len() as u64,
        sha256: Digest::of(&file.bytes),
        time_min_ms: file.time_min_ms,
        time_max_ms: file.time_max_ms,
    };
    Ok((done, file.bytes))
}

fn rows_file(open: &OpenPlan, meta: &FileMeta, codec: Codec) -> Result<LakeFile, String> {
    let slices: Vec<SliceRef> = open
        .pieces
        .iter()
        .filter_map(|piece| match &piece.content {
            Content::Rows { batch, slice } => Some(SliceRef {
                batch: Arc::clone(batch),
                slice: *slice,
            }),
            Content::Quarantine(_) => None,
        })
        .collect();
    lake::encode(&slices, meta, codec).map_err(|error| error.to_string())
}

fn quarantine_file(open: &OpenPlan) -> LakeFile {
    let entries = open.pieces.iter().filter_map(|piece| match &piece.content {
        Content::Quarantine(entries) => Some(entries.iter()),
        Content::Rows { .. } => None,
    });
    let entries: Vec<&Entry> = entries.flatten().collect();
    let bytes = quarantine::encode(entries.iter().copied()).into();
    let times = || entries.iter().map(|entry| entry.sent_at_ms);
    LakeFile {
        bytes,
        rows: entries.len() as u64,
        key_xor: audit::key::KeyXor::of(entries.iter().map(|entry| entry.key)),
        time_min_ms: times().min().unwrap_or_default(),
        time_max_ms: times().max().unwrap_or_default(),
    }
}
