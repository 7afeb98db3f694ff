//! What the queue's one consumer knows about the messages on the disk.
//!
//! Kept so that a receive need not read a directory of a hundred thousand
//! files: the directory is read again only when nothing is ready. Visibility
//! lives here alone, in memory: after a restart everything is visible at once,
//! which the directory's lock makes safe. Counts live in the file names.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    ffi::OsString,
    sync::Arc,
};

use actors::ports::Backlog;

use super::{letter::Name, turns::Turns};

#[derive(Default, Debug)]
pub(super) struct Index {
    known: HashMap<Arc<str>, Entry>,
    ready: Turns,
    /// By the time, of the clock that counts suspension, when each is visible again.
    hidden: BTreeSet<(u64, Arc<str>)>,
    /// Foreign files that could not be moved away: told once.
    ignored: HashSet<OsString>,
}

#[derive(Debug)]
struct Entry {
    receives: u32,
    hidden_until_ms: Option<u64>,
}

impl Index {
    /// Takes over what a listing of the whole directory found.
    pub(super) fn replace(&mut self, found: Vec<Name>) {
        let mut known = HashMap::with_capacity(found.len());
        for name in found {
            let entry = self.known.remove(&name.id).unwrap_or_else(|| {
                self.ready.insert(Arc::clone(&name.id));
                Entry {
                    receives: name.receives,
                    hidden_until_ms: None,
                }
            });
            known.insert(name.id, entry);
        }
        // What is left was removed by somebody else.
        for id in std::mem::replace(&mut self.known, known).into_keys() {
            self.ready.remove(&id);
        }
        self.hidden.retain(|(_, id)| self.known.contains_key(id));
    }

    /// Makes visible again what was hidden long enough.
    pub(super) fn wake(&mut self, now_ms: u64) {
        while self
            .hidden
            .first()
            .is_some_and(|(until, _)| *until <= now_ms)
        {
            if let Some((_, id)) = self.hidden.pop_first()
                && let Some(entry) = self.known.get_mut(&id)
            {
                entry.hidden_until_ms = None;
                self.ready.insert(id);
            }
        }
    }

    pub(super) fn is_ready(&self) -> bool {
        !self.ready.is_empty()
    }

    /// The visible message whose turn it is, hidden or forgotten by the caller next.
    pub(super) fn take(&mut self) -> Option<Name> {
        let id = self.ready.pop()?;
        let receives = self.known.get(&id)?.receives;
        Some(Name { id, receives })
    }

    /// Notes the message's count and hides it.
    pub(super) fn hide(&mut self, name: &Name, until_ms: u64) {
        self.forget(&name.id);
        self.known.insert(
            Arc::clone(&name.id),
            Entry {
                receives: name.receives,
                hidden_until_ms: Some(until_ms),
            },
        );
        self.hidden.insert((until_ms, Arc::clone(&name.id)));
    }

    pub(super) fn forget(&mut self, id: &Arc<str>) {
        if let Some(Entry {
            hidden_until_ms: Some(until),
            ..
        }) = self.known.remove(id)
        {
            self.hidden.remove(&(until, Arc::clone(id)));
        }
        self.ready.remove(id);
    }

    /// How often this message has been received; `None` if it is gone.
    pub(super) fn receives(&self, id: &Arc<str>) -> Option<u32> {
        self.known.get(id).map(|entry| entry.receives)
    }

    pub(super) fn backlog(&self) -> Backlog {
        Backlog {
            visible: self.ready.len() as u64,
            hidden: self.hidden.len() as u64,
        }
    }

    /// A foreign file that stays where it is.
    pub(super) fn ignore(&mut self, file: OsString) {
        self.ignored.insert(file);
    }

    pub(super) fn ignores(&self, file: &OsString) -> bool {
        self.ignored.contains(file)
    }
}
