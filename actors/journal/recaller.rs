//! Reads the keys that filters of the dedup window were made of.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use audit::{
    journal::{KeyRange, Keys},
    key::Key,
};
use hashbrown::HashSet;

use super::{
    effect::{Answer, Effect, Name},
    known::Recall,
    log::{Log, Unreachable},
};
use crate::report;

/// Filters whose keys are held, 20 to 40 bytes a key: who sends a day again asks
/// for the same ones for long.
const HELD_MAX: usize = 2;

/// Each failure costs the messages that wait a receive, so it is not taken for
/// one at once.
const TRIES: u32 = 5;
const PAUSE: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub struct Recaller {
    log: Log,
    held: VecDeque<(Vec<KeyRange>, Arc<HashSet<Key>>)>,
}

impl Recaller {
    pub fn new(log: Log) -> Recaller {
        Recaller {
            log,
            held: VecDeque::new(),
        }
    }

    /// As [`read`](Self::read), tried again if nobody answers; `None` if nobody does.
    pub async fn insist(&mut self, recall: &Recall) -> Option<Arc<HashSet<Key>>> {
        for again in (0..TRIES).rev() {
            match self.read(recall).await {
                Ok(keys) => return Some(keys),
                Err(unreachable) => report::keys_unread(&unreachable),
            }
            if again > 0 {
                tokio::time::sleep(PAUSE).await;
            }
        }
        None
    }

    /// All keys of the filter's objects that are there and sound: who removed or
    /// spoilt the others shortened the window.
    async fn read(&mut self, recall: &Recall) -> Result<Arc<HashSet<Key>>, Unreachable> {
        if let Some((_, keys)) = self.held.iter().find(|(of, _)| *of == recall.ranges) {
            return Ok(Arc::clone(keys));
        }
        if self.held.len() == HELD_MAX {
            self.held.pop_front();
        }
        let mut keys = HashSet::new();
        for range in &recall.ranges {
            let name = Name::Keys(*range);
            let Answer::Object(object) = self.log.ask(&Effect::Read(name)).await? else {
                continue;
            };
            match object.as_ref().map(Keys::decode) {
                Some(Ok(there)) if there.range == *range => {
                    keys.extend(there.spans.into_iter().flat_map(|span| span.keys));
                }
                Some(Ok(_)) => report::keys_missing(name, "it holds other keys"),
                Some(Err(error)) => report::keys_missing(name, &error.to_string()),
                None => report::keys_missing(name, "it is gone"),
            }
        }
        report::keys_recalled(keys.len());
        let keys = Arc::new(keys);
        self.held
            .push_back((recall.ranges.clone(), Arc::clone(&keys)));
        Ok(keys)
    }
}
