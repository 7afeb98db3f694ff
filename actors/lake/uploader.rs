//! Writes a file into the lake, create-only, and reports it to the leader.
//!
//! Only a leader that was acknowledged lately writes, and only the file of a plan
//! that is open. A write that hangs is given
//! up after a time that grows with the file, and tried again. A key that is taken holds
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
use tokio::time::timeout;

use super::partition_writer::SealedFile;
use crate::{
    base::{Actor, Address, Context, Failure},
    journal::{appender, claims::Rider, desk::Desk, replica::PlanId},
    ports::{Created, Store, StoreError},
    report,
};

/// Pauses between tries, doubled each time up to the cap.
const PAUSE_MIN: Duration = Duration::from_millis(100);
const PAUSE_MAX: Duration = Duration::from_secs(10);

/// How long a write may take: a while, and longer for each byte (256 KiB/s). A
/// store's adapter tries again within it.
const WRITE_TIMEOUT_MIN: Duration = Duration::from_secs(30);
const WRITE_BYTES_A_SEC_MIN: u64 = 256 << 10;

/// Not written; to be tried again.
struct Refused {
    reason: String,
    /// It stays so until a person does something.
    fatal: bool,
}

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
        let plan = PlanId::of(&file.done);
        let done = loop {
            if self.desk.leader()?.replica().open_plan(&plan).is_none() {
                // Another made it, or a person gave it up. If it is open after all, for
                // who began anew, it is handed out again.
                return Ok(());
            }
            match self.write(&file).await? {
                Ok(done) => break done,
                Err(Refused { reason, fatal }) => {
                    report::upload_failed(&file.key, &reason, fatal, pause);
                }
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
    async fn write(&self, file: &SealedFile) -> Result<Result<Done, Refused>, Failure> {
        let now = self.desk.now();
        if !self.desk.leader()?.is_fresh(now) {
            return Ok(Err(Refused::passing("the journal has not answered lately")));
        }
        let within = write_timeout(file.bytes.len() as u64);
        match timeout(within, self.store.create(&file.key, file.bytes.clone())).await {
            Ok(Ok(Created::New)) => Ok(Ok(file.done.clone())),
            Ok(Ok(Created::Exists)) => self.compare(file).await,
            Ok(Err(error)) => Ok(Err(error.into())),
            Err(_) => Ok(Err(Refused::passing(&format!("no answer in {within:?}")))),
        }
    }

    async fn compare(&self, file: &SealedFile) -> Result<Result<Done, Refused>, Failure> {
        let within = write_timeout(file.bytes.len() as u64);
        let Ok(found) = timeout(within, self.store.get(&file.key)).await else {
            return Ok(Err(Refused::passing(&format!("no answer in {within:?}"))));
        };
        match found {
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
            Ok(None) => Ok(Err(Refused::passing("it was there and is gone"))),
            Err(error) => Ok(Err(error.into())),
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

fn write_timeout(bytes: u64) -> Duration {
    WRITE_TIMEOUT_MIN + Duration::from_secs(bytes / WRITE_BYTES_A_SEC_MIN)
}

impl Refused {
    fn passing(reason: &str) -> Refused {
        let (reason, fatal) = (reason.to_owned(), false);
        Refused { reason, fatal }
    }
}

impl From<StoreError> for Refused {
    fn from(error: StoreError) -> Refused {
        Refused {
            reason: error.to_string(),
            fatal: matches!(error, StoreError::Fatal(_)),
        }
    }
}
