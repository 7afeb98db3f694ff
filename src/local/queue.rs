//! A queue in a directory, with the manners of SQS.
//!
//! Any process may send: a message is a file, made whole or not at all. One
//! process receives, the holder of the data directory's lock. A received message
//! stays hidden for the visibility timeout; a delete needs its newest receipt.
//!
//! **Turns.** Tenants take turns: the oldest message of each, then the next
//! oldest. So one that sends a hundred times as much waits for itself alone.
//!
//! **Dead letters.** A message that was received [`RECEIVES_MAX`] times and is
//! still there moves to `dead/`, with a `.reason` file beside it: many times,
//! since a process that is killed again and again has no poison in hand. One
//! that is buried goes there at its receive number [`BURIALS_MAX`]. Until then
//! burying a message writes nothing: it only makes the message visible again
//! after [`BURY_PAUSE_MS`], so that its chances are over in seconds, and the
//! last burial brings the reason along. So no reason has to be kept anywhere,
//! and a message whose object appears meanwhile is still read.

use std::{
    ffi::OsString,
    fs,
    io::{self, ErrorKind, Read},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use actors::ports::{self, Backlog, Clock, Message, MessageId, Outgoing, QueueError, Receipt};
use async_trait::async_trait;
use bytes::Bytes;

use super::{
    durable::{self, Fault, Names},
    index::Index,
    letter::{self, FILE_BYTES_MAX, Letter, Name},
};

/// How often a message may be received before it is a dead letter.
const RECEIVES_MAX: u32 = 20;

/// The same, of a message that is buried each time.
pub const BURIALS_MAX: u32 = 5;

/// How long a message that was buried too early stays hidden.
const BURY_PAUSE_MS: u64 = 1_000;

/// A message that the disk would not give us is tried again after this time.
const FAULT_PAUSE_MS: u64 = 1_000;

/// How long a receive waits for a message, and how often it looks.
const LONG_POLL: Duration = Duration::from_secs(1);
const LOOK_EVERY: Duration = Duration::from_millis(50);

#[derive(Clone, Debug)]
pub struct Queue(Arc<Directory>);

struct Directory {
    root: PathBuf,
    dead: PathBuf,
    names: Names,
    clock: Arc<dyn Clock>,
    visibility_ms: u64,
    index: Mutex<Index>,
}

impl std::fmt::Debug for Directory {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Directory")
            .field("root", &self.root)
            .finish_non_exhaustive()
    }
}

impl Queue {
    /// The queue in `root`, which is made if it is missing.
    pub fn open(
        root: &Path,
        clock: Arc<dyn Clock>,
        visibility: Duration,
    ) -> Result<Queue, QueueError> {
        let dead = root.join("dead");
        durable::make_directory(&dead)?;
        durable::sweep(root, clock.wall_ms())?;
        Ok(Queue(Arc::new(Directory {
            root: root.to_owned(),
            dead,
            names: Names::new(),
            clock,
            visibility_ms: u64::try_from(visibility.as_millis()).unwrap_or(u64::MAX),
            index: Mutex::default(),
        })))
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Directory) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, QueueError> {
        let directory = Arc::clone(&self.0);
        tokio::task::spawn_blocking(move || work(&directory))
            .await
            .unwrap_or_else(|error| Err(Fault::lost(&error)))
            .map_err(QueueError::from)
    }
}

#[async_trait]
impl ports::Queue for Queue {
    async fn receive(&self, count_max: usize) -> Result<Vec<Message>, QueueError> {
        let polls = LONG_POLL.as_millis() / LOOK_EVERY.as_millis();
        for _ in 0..polls {
            let messages = self
                .run(move |directory| directory.receive(count_max))
                .await?;
            if !messages.is_empty() || count_max == 0 {
                return Ok(messages);
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
        Ok(Vec::new())
    }

    async fn delete(&self, entries: &[(MessageId, Receipt)]) -> Result<Vec<bool>, QueueError> {
        let entries = entries.to_vec();
        self.run(move |directory| Ok(directory.delete(&entries)))
            .await
    }

    async fn bury(&self, message: &Message, reason: &str) -> Result<bool, QueueError> {
        let (id, receipt) = (message.id.clone(), message.receipt.clone());
        let reason = reason.to_owned();
        self.run(move |directory| directory.bury(&id, &receipt, &reason))
            .await
    }

    async fn send(&self, messages: Vec<Outgoing>) -> Result<(), QueueError> {
        self.run(move |directory| directory.send(&messages)).await
    }

    async fn backlog(&self) -> Result<Option<Backlog>, QueueError> {
        self.run(|directory| directory.backlog().map(Some)).await
    }
}

impl Directory {
    fn index(&self) -> MutexGuard<'_, Index> {
        // A panic elsewhere leaves an index that the next listing mends.
        self.index.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn path(&self, name: &Name) -> PathBuf {
        self.root.join(name.to_string())
    }

    fn send(&self, messages: &[Outgoing]) -> Result<(), Fault> {
        for message in messages {
            let header = letter::header(message).map_err(Fault::fatal)?;
            let unique = self.names.next_of(letter::group(message));
            let name = Name::new(self.clock.wall_ms(), &unique);
            let temporary = durable::temporary(&self.root, &self.names);
            let parts = [header.as_bytes(), message.body.as_bytes()];
            durable::create(&temporary, &self.path(&name), &parts)?;
        }
        durable::sync_directory(&self.root)
    }

    fn receive(&self, count_max: usize) -> Result<Vec<Message>, Fault> {
        let now_ms = self.clock.boot_ms();
        let mut index = self.index();
        index.wake(now_ms);
        if !index.is_ready() {
            self.list(&mut index)?;
        }
        let mut messages = Vec::new();
        while messages.len() < count_max {
            let Some(name) = index.take() else {
                break;
            };
            match self.receive_one(&mut index, &name, now_ms) {
                Ok(message) => messages.extend(message),
                Err(fault) => {
                    index.hide(&name, now_ms.saturating_add(FAULT_PAUSE_MS));
                    return if messages.is_empty() {
                        Err(fault)
                    } else {
                        Ok(messages)
                    };
                }
            }
        }
        Ok(messages)
    }

    /// `None` for a message that turned out to be gone or dead.
    fn receive_one(
        &self,
        index: &mut Index,
        name: &Name,
        now_ms: u64,
    ) -> Result<Option<Message>, Fault> {
        if name.receives >= RECEIVES_MAX {
            let reason = format!("received {} times and never settled", name.receives);
            return self.kill(index, name, &reason).map(|()| None);
        }
        let received = name.received(name.receives + 1);
        let (from, path) = (self.path(name), self.path(&received));
        match fs::rename(&from, &path) {
            Ok(()) => index.hide(&received, now_ms.saturating_add(self.visibility_ms)),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                index.forget(&name.id);
                return Ok(None);
            }
            Err(error) => return Err(Fault::new("rename", &from, &error)),
        }
        // From here on the count is used up, whatever happens: a message that
        // cannot be read runs out of receives like any other.
        let file = match read(&path) {
            Ok(file) => file,
            Err(error) => {
                tracing::warn!(error = %Fault::new("read", &path, &error), "message not readable now");
                return Ok(None);
            }
        };
        match letter::decode(&file) {
            Ok(letter) => Ok(Some(self.message(&received, letter))),
            Err(reason) => self.kill(index, &received, &reason).map(|()| None),
        }
    }

    fn message(&self, name: &Name, letter: Letter) -> Message {
        Message {
            id: MessageId(Arc::clone(&name.id)),
            receipt: self.receipt(name.receives),
            body: letter.body,
            attributes: letter.attributes,
            sender: None,
            sent_at_ms: name.sent_at_ms(),
            receives: name.receives,
        }
    }

    /// Of this process's receive alone: another life's receipt opens nothing.
    fn receipt(&self, receives: u32) -> Receipt {
        Receipt(format!("{:016x}-{receives}", self.names.writer()).into())
    }

    /// The message as it stands on the disk, if `receipt` is its newest.
    fn newest(&self, index: &Index, id: &MessageId, receipt: &Receipt) -> Option<Name> {
        let receives = index.receives(&id.0)?;
        let id = Arc::clone(&id.0);
        (self.receipt(receives) == *receipt).then_some(Name { id, receives })
    }

    fn delete(&self, entries: &[(MessageId, Receipt)]) -> Vec<bool> {
        let mut index = self.index();
        entries
            .iter()
            .map(|(id, receipt)| {
                if index.receives(&id.0).is_none() {
                    return true;
                }
                let Some(name) = self.newest(&index, id, receipt) else {
                    return false;
                };
                let path = self.path(&name);
                match fs::remove_file(&path) {
                    Err(error) if error.kind() != ErrorKind::NotFound => {
                        tracing::warn!(error = %Fault::new("delete", &path, &error), "message not deleted");
                        false
                    }
                    Ok(()) | Err(_) => {
                        index.forget(&id.0);
                        true
                    }
                }
            })
            .collect()
    }

    fn bury(&self, id: &MessageId, receipt: &Receipt, reason: &str) -> Result<bool, Fault> {
        let mut index = self.index();
        let Some(name) = self.newest(&index, id, receipt) else {
            return Ok(false);
        };
        if name.receives < BURIALS_MAX {
            let pause_ms = BURY_PAUSE_MS.min(self.visibility_ms);
            index.hide(&name, self.clock.boot_ms().saturating_add(pause_ms));
            return Ok(false);
        }
        self.kill(&mut index, &name, reason).map(|()| true)
    }

    fn backlog(&self) -> Result<Backlog, Fault> {
        let mut index = self.index();
        self.list(&mut index)?;
        index.wake(self.clock.boot_ms());
        Ok(index.backlog())
    }

    /// Moves a message to the dead letters.
    fn kill(&self, index: &mut Index, name: &Name, reason: &str) -> Result<(), Fault> {
        self.move_to_dead(&name.to_string().into(), name, reason)?;
        index.forget(&name.id);
        Ok(())
    }

    /// The reason is written first: a dead letter always has one.
    fn move_to_dead(&self, file: &OsString, name: &Name, reason: &str) -> Result<(), Fault> {
        let note = self.dead.join(format!("{}.reason", name.id));
        let temporary = durable::temporary(&self.dead, &self.names);
        durable::create(&temporary, &note, &[reason.as_bytes(), b"\n"])?;
        let from = self.root.join(file);
        fs::rename(&from, self.dead.join(name.to_string()))
            .map_err(|error| Fault::new("move to dead/", &from, &error))?;
        durable::sync_directory(&self.dead)?;
        durable::sync_directory(&self.root)?;
        tracing::warn!(message_id = %name.id, reason, "message moved to the dead letters");
        Ok(())
    }

    /// Reads the directory. Foreign files go to the dead letters, so that they
    /// are seen, and seen once; directories and files being written stay.
    fn list(&self, index: &mut Index) -> Result<(), Fault> {
        let failed = |error: &io::Error| Fault::new("list", &self.root, error);
        let mut found = Vec::new();
        for entry in fs::read_dir(&self.root).map_err(|error| failed(&error))? {
            let entry = entry.map_err(|error| failed(&error))?;
            let file = entry.file_name();
            if file
                .as_encoded_bytes()
                .starts_with(durable::TEMPORARY.as_bytes())
            {
                continue;
            }
            match Name::parse(&file) {
                Some(name) => found.push(name),
                None if entry.file_type().is_ok_and(|kind| kind.is_dir()) => {}
                None => self.banish(index, file),
            }
        }
        index.replace(found);
        Ok(())
    }

    fn banish(&self, index: &mut Index, file: OsString) {
        if index.ignores(&file) {
            return;
        }
        let name = Name::new(self.clock.wall_ms(), &self.names.next());
        let reason = format!(
            "{} is no message file, send events with idtrail publish",
            file.display()
        );
        if let Err(fault) = self.move_to_dead(&file, &name, &reason) {
            tracing::warn!(error = %fault, "foreign file ignored in the queue");
            index.ignore(file);
        }
    }
}

fn read(path: &Path) -> io::Result<Bytes> {
    let mut file = Vec::new();
    // One byte more than allowed, so that a file that is too large decodes to an error.
    fs::File::open(path)?
        .take(FILE_BYTES_MAX + 1)
        .read_to_end(&mut file)?;
    Ok(file.into())
}

#[cfg(test)]
mod tests;
