//! Reads a journal, from its first object or a checkpoint on, without leading it.
//!
//! For the verbs that only look: `verify`, `quarantine`, `journal`. They may run
//! beside a leader and see the journal up to some object.

use std::time::Duration;

use actors::{
    journal::{
        self, Window,
        effect::{Answer, Effect, Name},
        log::{Log, Unreachable},
        replica::{Corrupt, OpenPlan, Replica},
    },
    pipeline::Ports,
};
use audit::{
    journal::{CodecError, Digest, Object},
    journal_id::{Gen, JournalName, Seq},
};

use crate::{boot, cli::Failure, local::Layout, progress::Progress, settings::Settings};

/// How long one call may take: people wait longer than the leader does.
const ATTEMPT: Duration = Duration::from_secs(30);

#[derive(Debug)]
pub struct History {
    log: Log,
    slots: Vec<Seq>,
}

#[derive(Debug, thiserror::Error)]
pub enum HistoryError {
    #[error(transparent)]
    Unreachable(#[from] Unreachable),
    #[error(transparent)]
    Corrupt(#[from] Corrupt),
    /// Sound, for all that this release can tell.
    #[error("journal object {seq}: {error}")]
    Newer { seq: Seq, error: CodecError },
}

/// One object as it lies in the journal.
#[derive(Debug)]
pub struct Entry {
    pub object: Object,
    pub digest: Digest,
    pub bytes: usize,
}

/// The ports of a journal that is there: a directory is not made by looking.
pub async fn ports(settings: &Settings) -> Result<Ports, Failure> {
    let layout = Layout::new(&settings.data);
    if settings.aws.is_none() && !layout.large_files().is_dir() {
        return Err(Failure::outside(format!(
            "{}: no journal here, name the directory of a run with --data",
            settings.data.display()
        )));
    }
    boot::ports(settings).await
}

/// The slot in the name of a file of this journal and generation; `None` for
/// what somebody else wrote.
pub fn slot_of(key: &str, journal: &JournalName, generation: Gen) -> Option<Seq> {
    let ours = format!("{journal}-{generation}-");
    let name = key.rsplit('/').next()?.strip_prefix(&ours)?;
    name.split('.').next()?.parse().ok()
}

/// The files in the making, by name.
pub fn in_the_making<'a>(
    replica: &'a Replica,
    journal: &'a JournalName,
) -> impl Iterator<Item = (String, &'a OpenPlan)> {
    let birth = replica.birth().into_iter();
    birth.flat_map(move |birth| {
        replica.open_plans().map(move |open| {
            let partition = &open.id.partition;
            let file = partition.file_key(journal, birth.generation, open.id.seq);
            (file, open)
        })
    })
}

impl History {
    pub async fn open(ports: &Ports, settings: &Settings) -> Result<History, HistoryError> {
        let mut log = Log::new(ports.transient.clone(), &settings.journal, ATTEMPT);
        let slots = log.slots().await?;
        Ok(History { log, slots })
    }

    /// For whoever writes to the journal after reading it.
    pub fn log(&mut self) -> &mut Log {
        &mut self.log
    }

    /// Up to here the log may have been collected, and what stands there is nobody's
    /// history.
    pub async fn boundary(&mut self) -> Result<Seq, HistoryError> {
        match self.log.ask(&Effect::Boundary).await? {
            Answer::Boundary(boundary) => Ok(boundary),
            _ => Ok(Seq::ZERO),
        }
    }

    /// The slots in use when the journal was opened.
    pub fn slots(&self) -> &[Seq] {
        &self.slots
    }

    /// The newest slot there was when the journal was opened.
    pub fn last(&self) -> Seq {
        self.slots.last().copied().unwrap_or_default()
    }

    pub async fn read(&mut self, seq: Seq) -> Result<Option<Entry>, HistoryError> {
        let Answer::Object(Some(bytes)) = self.log.ask(&Effect::Read(Name::Log(seq))).await? else {
            return Ok(None);
        };
        let (object, digest) = Object::decode(&bytes).map_err(|error| match error {
            CodecError::UnknownVersion(_) | CodecError::UnknownRecord(_) => {
                HistoryError::Newer { seq, error }
            }
            error => HistoryError::Corrupt(Corrupt {
                seq,
                what: error.to_string(),
            }),
        })?;
        Ok(Some(Entry {
            object,
            digest,
            bytes: bytes.len(),
        }))
    }

    /// What was before the first object that is read.
    pub async fn begin(&mut self, window: Window) -> Result<Replica, HistoryError> {
        Ok(journal::begin(&mut self.log, window).await??)
    }

    /// What the journal says now, to whoever judges no events.
    pub async fn newest(&mut self, quiet: bool) -> Result<Replica, HistoryError> {
        let bar = Progress::count(0, quiet);
        bar.name("reading the journal");
        let begin = self.begin(Window::NONE).await?;
        self.replay(begin, &bar, |_, _| {}).await
    }

    /// What is still there of before `begin`, though nobody needs it.
    pub async fn earlier(
        &mut self,
        begin: &Replica,
        progress: &Progress,
        mut each: impl FnMut(&Object),
    ) -> Result<(), HistoryError> {
        let mut before: Option<(Seq, Digest)> = None;
        let (begin, needless) = (begin.head().seq, begin.needless());
        let slots: Vec<Seq> = self
            .slots
            .iter()
            .copied()
            .filter(|slot| *slot <= begin)
            .collect();
        for (done, seq) in (1..).zip(&slots) {
            let Some(entry) = self.read(*seq).await? else {
                continue;
            };
            // A slot that was collected may have been used again.
            let chained = before.is_none_or(|(slot, digest)| {
                slot.next() != *seq || digest == entry.object.header.previous
            });
            if !chained && *seq > needless {
                let what = "it names another predecessor: the chain is broken".into();
                return Err(Corrupt { seq: *seq, what }.into());
            }
            before = Some((*seq, entry.digest));
            each(&entry.object);
            progress.set(done, slots.len() as u64);
        }
        Ok(())
    }

    /// Applies all objects in order; `each` sees them first.
    pub async fn replay(
        &mut self,
        mut replica: Replica,
        progress: &Progress,
        mut each: impl FnMut(&Replica, &Object),
    ) -> Result<Replica, HistoryError> {
        while replica.head().seq < self.last() {
            let seq = replica.head().seq.next();
            let Some(entry) = self.read(seq).await? else {
                let what = "it is missing: restore it from a copy".into();
                return Err(Corrupt { seq, what }.into());
            };
            each(&replica, &entry.object);
            replica.apply(entry.object, entry.digest)?;
            progress.set(seq.0, self.last().0);
        }
        Ok(replica)
    }
}
