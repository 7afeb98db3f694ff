//! The journal's objects in the store: their names, and one question at a time.
//!
//! `_idtrail/<journal>/log/<seq:020>` and `_idtrail/<journal>/boundary/<seq:020>`
//! in the transient store. Only "no such key" is absence, only an answered write
//! is an outcome; everything else is [`Unreachable`] or unknown. What somebody
//! else put beside them is no object of the journal, whatever it is called.

use std::{mem, sync::Arc, time::Duration};

use audit::journal_id::{JournalName, Seq};
use tokio::time::timeout;

use super::{
    effect::{Answer, Effect, Outcome},
    read_ahead::ReadAhead,
};
use crate::{
    ports::{Created, Store, StoreError},
    report,
};

/// A listing is many calls, a thousand objects each.
const LISTING_CALLS: u32 = 15;

/// No answer: ask again after a pause.
#[derive(Debug, thiserror::Error)]
#[error("journal: {reason}")]
pub struct Unreachable {
    pub reason: String,
    /// It stays so until a person does something.
    pub fatal: bool,
}

pub struct Log {
    store: Arc<dyn Store>,
    prefix: Arc<str>,
    attempt: Duration,
    objects: ReadAhead,
    /// Something else lies beside the journal's objects, and this was said.
    foreign_told: bool,
}

impl std::fmt::Debug for Log {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Log")
            .field("prefix", &self.prefix)
            .finish_non_exhaustive()
    }
}

impl Log {
    /// `attempt`: how long one call may take before it counts as unanswered.
    pub fn new(store: Arc<dyn Store>, journal: &JournalName, attempt: Duration) -> Log {
        let prefix = format!("_idtrail/{journal}");
        Log {
            objects: ReadAhead::new(Arc::clone(&store), format!("{prefix}/log/")),
            store,
            prefix: prefix.into(),
            attempt,
            foreign_told: false,
        }
    }

    pub async fn ask(&mut self, effect: &Effect) -> Result<Answer, Unreachable> {
        if !matches!(effect, Effect::Read(_)) {
            self.objects.forget();
        }
        match effect {
            Effect::Boundary => {
                let last = self.last(&self.folder("boundary"), Seq::ZERO).await?;
                Ok(Answer::Boundary(last.unwrap_or_default()))
            }
            Effect::Last { after } => self
                .last(&self.folder("log"), *after)
                .await
                .map(Answer::Last),
            Effect::Read(seq) => timed(self.attempt, self.objects.get(*seq))
                .await
                .map(Answer::Object),
            Effect::Create { seq, object } => {
                let key = format!("{}{seq}", self.folder("log"));
                let created = timeout(self.attempt, self.store.create(&key, object.clone())).await;
                match created {
                    Ok(Ok(Created::New)) => Ok(Answer::Created(Outcome::Won)),
                    Ok(Ok(Created::Exists)) => Ok(Answer::Created(Outcome::Taken)),
                    Ok(Err(error)) => Err(error.into()),
                    Err(_) => Ok(Answer::Created(Outcome::Unknown)),
                }
            }
        }
    }

    fn folder(&self, kind: &str) -> String {
        format!("{}/{kind}/", self.prefix)
    }

    async fn last(&mut self, folder: &str, after: Seq) -> Result<Option<Seq>, Unreachable> {
        let start = (after > Seq::ZERO).then(|| format!("{folder}{after}"));
        let listing = self.store.list(folder, start.as_deref());
        let listed = timed(self.attempt * LISTING_CALLS, listing).await?;
        let found = listed.iter().rev().find_map(|object| {
            let seq = object.key.strip_prefix(folder).and_then(seq_of);
            if seq.is_none() && !mem::replace(&mut self.foreign_told, true) {
                report::journal_foreign(&object.key);
            }
            seq
        });
        Ok(found)
    }
}

async fn timed<T>(
    limit: Duration,
    call: impl Future<Output = Result<T, StoreError>>,
) -> Result<T, Unreachable> {
    match timeout(limit, call).await {
        Ok(answer) => Ok(answer?),
        Err(_) => Err(Unreachable {
            reason: format!("no answer in {limit:?}"),
            fatal: false,
        }),
    }
}

/// The slot that an object's name says, if it is written as we write it.
fn seq_of(name: &str) -> Option<Seq> {
    let seq: Seq = name.parse().ok()?;
    (seq.to_string() == name).then_some(seq)
}

impl From<StoreError> for Unreachable {
    fn from(error: StoreError) -> Unreachable {
        Unreachable {
            reason: error.to_string(),
            fatal: matches!(error, StoreError::Fatal(_)),
        }
    }
}
