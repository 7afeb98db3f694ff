//! Writes a file into the lake, create-only, and reports it to the leader.
//!
//! Only a leader that was acknowledged lately writes. A key that is taken holds
//! this very file from an earlier try, or else something is badly wrong: it is
//! compared, and never overwritten.

use std::{sync::Arc, time::Duration};

use audit::{
    journal::{Digest, Done},
    key::KeyXor,
    lake::Footer,
    partition::Area,
    quarantine,
};
use bytes::Bytes;

use super::partition_writer::SealedFile;
use crate::{
    base::{Actor, Address, Context, Failure},
    journal::{appender, claims::Rider, desk::Desk},
    ports::{Created, Store, StoreError},
    report,
};

/// Pauses between tries, doubled each time up to the cap.
const PAUSE_MIN: Duration = Duration::from_millis(100);
const PAUSE_MAX: Duration = Duration::from_secs(10);

pub struct Uploader<R: Rider> {
    pub store: Arc<dyn Store>,
    pub desk: Desk<R>,
    pub appender: Address<appender::Message<R>>,
}

impl<R: Rider> std::fmt::Debug for Uploader<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Uploader")
    }
}

impl<R: Rider> Actor for Uploader<R> {
    type Message = SealedFile;

    async fn handle(
        &mut self,
        file: SealedFile,
        _: &mut Context<SealedFile>,
    ) -> Result<(), Failure> {
        let mut pause = PAUSE_MIN;
        let done = loop {
            match self.write(&file).await? {
                Ok(done) => break done,
                Err(reason) => report::upload_failed(&file.key, &reason, pause),
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(PAUSE_MAX);
        };
        report::file_written(&file.key, done.rows, done.bytes);
        self.desk.leader()?.done(done);
        // The planner looks as well, should the appender be busy.
        drop(self.appender.try_send(appender::Message::Wake));
        drop(file.hold);
        Ok(())
    }
}

impl<R: Rider> Uploader<R> {
    /// The file as it is in the store; the inner error is a reason to try again.
    async fn write(&self, file: &SealedFile) -> Result<Result<Done, String>, Failure> {
        let now = self.desk.now();
        if !self.desk.leader()?.is_fresh(now) {
            return Ok(Err("the journal has not answered lately".into()));
        }
        match self.store.create(&file.key, file.bytes.clone()).await {
            Ok(Created::New) => Ok(Ok(file.done.clone())),
            Ok(Created::Exists) => self.compare(file).await,
            Err(StoreError::Retry(reason) | StoreError::Fatal(reason)) => Ok(Err(reason)),
        }
    }

    async fn compare(&self, file: &SealedFile) -> Result<Result<Done, String>, Failure> {
        match self.store.get(&file.key).await {
            Ok(Some(found)) if self.is_the_same(&found, file)? => Ok(Ok(Done {
                bytes: found.len() as u64,
                sha256: Digest::of(&found),
                ..file.done.clone()
            })),
            Ok(Some(_)) => Err(Failure::Fatal(format!(
                "{} exists with other rows than its plan: it was not written by this journal. \
                 Move it away and start again; nothing is lost",
                file.key
            ))),
            Ok(None) => Ok(Err("it was there and is gone".into())),
            Err(error) => Ok(Err(error.to_string())),
        }
    }

    /// Same plan, same rows; the bytes may differ, by another version's encoder.
    fn is_the_same(&self, found: &Bytes, file: &SealedFile) -> Result<bool, Failure> {
        let Done {
            plan,
            rows,
            key_xor,
            ..
        } = file.done;
        match file.done.partition.area {
            Area::Tenant(_) => Ok(Footer::read(found).is_ok_and(|footer| {
                footer.meta.plan == plan && footer.rows == rows && footer.key_xor == key_xor
            })),
            Area::Quarantine => {
                let Some(birth) = self.desk.leader()?.birth() else {
                    return Ok(false);
                };
                let Ok(entries) = quarantine::decode(&found[..], &birth.secret) else {
                    return Ok(false);
                };
                let keys = entries.map_while(Result::ok).map(|entry| entry.key);
                Ok(KeyXor::of(keys) == key_xor)
            }
        }
    }
}
