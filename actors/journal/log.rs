//! The journal's objects in the store: their names, and one question at a time.
//!
//! `_idtrail/<journal>/log/<seq:020>` and `_idtrail/<journal>/boundary/<seq:020>`
//! in the transient store. Only "no such key" is absence, only an answered write
//! is an outcome; everything else is [`Unreachable`] or unknown.

use std::{sync::Arc, time::Duration};

use audit::journal_id::{JournalName, Seq};
use tokio::time::timeout;

use super::{
    effect::{Answer, Effect, Outcome},
    read_ahead::ReadAhead,
};
use crate::ports::{Created, Store, StoreError};

/// A listing is many calls, a thousand objects each.
const LISTING_CALLS: u32 = 15;

/// No answer: ask again after a pause.
#[derive(Debug, thiserror::Error)]
#[error("journal unreachable: {0}")]
pub struct Unreachable(pub String);

pub struct Log {
    store: Arc<dyn Store>,
    prefix: Arc<str>,
    attempt: Duration,
    objects: ReadAhead,
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
                    Ok(Err(error)) => Err(Unreachable(error.to_string())),
                    Err(_) => Ok(Answer::Created(Outcome::Unknown)),
                }
            }
        }
    }

    fn folder(&self, kind: &str) -> String {
        format!("{}/{kind}/", self.prefix)
    }

    async fn last(&self, folder: &str, after: Seq) -> Result<Option<Seq>, Unreachable> {
        let start = (after > Seq::ZERO).then(|| format!("{folder}{after}"));
        let listing = self.store.list(folder, start.as_deref());
        let listed = timed(self.attempt * LISTING_CALLS, listing).await?;
        let Some(last) = listed.last() else {
            return Ok(None);
        };
        let digits = last.key.strip_prefix(folder).unwrap_or(&last.key);
        let seq = digits.parse().map_err(|_| {
            Unreachable(format!(
                "{} is not an object of a journal: remove it",
                last.key
            ))
        })?;
        Ok(Some(seq))
    }
}

async fn timed<T>(
    limit: Duration,
    call: impl Future<Output = Result<T, StoreError>>,
) -> Result<T, Unreachable> {
    match timeout(limit, call).await {
        Ok(answer) => answer.map_err(|error| Unreachable(error.to_string())),
        Err(_) => Err(Unreachable(format!("no answer in {limit:?}"))),
    }
}
