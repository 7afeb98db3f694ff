//! The journal's objects in the store: their names, and one question at a time.
//!
//! Below `_idtrail/<journal>/` in the transient store: `log/<seq:020>`,
//! `boundary/<seq:020>`, `ckpt/<seq:020>` and `keys/<from:020>-<upto:020>`. Only "no such key" is absence, only an answered write
//! is an outcome; everything else is [`Unreachable`] or unknown. What somebody
//! else put beside them is no object of the journal, whatever it is called.

use std::{mem, sync::Arc, time::Duration};

use audit::journal_id::{JournalName, Seq};
use tokio::time::timeout;

use super::{
    effect::{Answer, Effect, Name, Outcome, Removal},
    read_ahead::ReadAhead,
};
use crate::{
    ports::{Created, Expiry, Store, StoreError},
    report,
};

/// A listing is many calls, a thousand objects each.
const LISTING_CALLS: u32 = 15;

/// Keys and checkpoints may be many megabytes.
const LARGE_CALLS: u32 = 5;

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
        if !matches!(effect, Effect::Read(Name::Log(_))) {
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
            Effect::Checkpoints => {
                let all = self.all(&self.folder("ckpt"), Seq::ZERO).await?;
                Ok(Answer::Checkpoints(all))
            }
            Effect::Read(Name::Log(seq)) => timed(self.attempt, self.objects.get(*seq))
                .await
                .map(Answer::Object),
            Effect::Read(name) => {
                let key = self.key(*name);
                let object = timed(self.attempt * LARGE_CALLS, self.store.get(&key)).await?;
                Ok(Answer::Object(object))
            }
            Effect::Remove(removal) => {
                let Some(expiry) = self.expiry(*removal).await? else {
                    return Ok(Answer::Removed { more: false });
                };
                let expire = self.store.expire(&expiry);
                let more = timed(self.attempt * LISTING_CALLS, expire).await?;
                Ok(Answer::Removed { more })
            }
            Effect::Create { name, object } => {
                let key = self.key(*name);
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

    /// Every slot in use, in order, also those that nobody needs any more.
    pub async fn slots(&mut self) -> Result<Vec<Seq>, Unreachable> {
        self.all(&self.folder("log"), Seq::ZERO).await
    }

    fn key(&self, name: Name) -> String {
        let prefix = &self.prefix;
        match name {
            Name::Log(seq) => format!("{prefix}/log/{seq}"),
            Name::Boundary(seq) => format!("{prefix}/boundary/{seq}"),
            Name::Checkpoint(seq) => format!("{prefix}/ckpt/{seq}"),
            Name::Keys(range) => format!("{prefix}/keys/{}-{}", range.from, range.upto),
        }
    }

    /// `None` if all of it must stay.
    async fn expiry(&mut self, removal: Removal) -> Result<Option<Expiry>, Unreachable> {
        let (kind, below, older) = match removal {
            Removal::Log { boundary, age } => {
                let than = self.key(Name::Boundary(boundary));
                ("log", boundary.next(), Some((than, age)))
            }
            Removal::Boundaries => {
                let all = self.all(&self.folder("boundary"), Seq::ZERO).await?;
                let [.., second, _] = all[..] else {
                    return Ok(None);
                };
                ("boundary", second, None)
            }
            Removal::Checkpoints { below } => ("ckpt", below, None),
            Removal::Keys { below } => ("keys", below, None),
        };
        let folder = self.folder(kind);
        Ok(Some(Expiry {
            below: format!("{folder}{below}"),
            folder,
            older,
        }))
    }

    async fn last(&mut self, folder: &str, after: Seq) -> Result<Option<Seq>, Unreachable> {
        Ok(self.all(folder, after).await?.pop())
    }

    /// In order.
    async fn all(&mut self, folder: &str, after: Seq) -> Result<Vec<Seq>, Unreachable> {
        let start = (after > Seq::ZERO).then(|| format!("{folder}{after}"));
        let listing = self.store.list(folder, start.as_deref());
        let listed = timed(self.attempt * LISTING_CALLS, listing).await?;
        let found = listed.iter().filter_map(|object| {
            let seq = object.key.strip_prefix(folder).and_then(seq_of);
            if seq.is_none() && !mem::replace(&mut self.foreign_told, true) {
                report::journal_foreign(&object.key);
            }
            seq
        });
        Ok(found.collect())
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
