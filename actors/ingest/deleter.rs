//! Removes from the queue the messages whose events are all durable.
//!
//! In batches of ten, each entry's own result read. A delete that fails is only
//! counted: the message comes again, its events are recognised, and it is
//! deleted then.

use std::sync::Arc;

use super::parcel::Stake;
use crate::{
    base::{Actor, Context, Failure},
    ports::{MessageId, Queue, Receipt},
    report,
};

/// SQS takes no more entries in one call.
const ENTRIES_MAX: usize = 10;

pub struct Deleter {
    pub queue: Arc<dyn Queue>,
}

impl std::fmt::Debug for Deleter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Deleter")
    }
}

impl Actor for Deleter {
    type Message = Vec<Stake>;

    async fn handle(
        &mut self,
        stakes: Vec<Stake>,
        _: &mut Context<Vec<Stake>>,
    ) -> Result<(), Failure> {
        let settled: Vec<(MessageId, Receipt)> =
            stakes.into_iter().filter_map(Stake::settle).collect();
        delete(&*self.queue, &settled).await;
        Ok(())
    }
}

/// Deletes messages of which everything is durable.
pub(super) async fn delete(queue: &dyn Queue, settled: &[(MessageId, Receipt)]) {
    for entries in settled.chunks(ENTRIES_MAX) {
        match queue.delete(entries).await {
            Ok(results) => {
                let failed = results.iter().filter(|deleted| !**deleted).count();
                report::messages_deleted(entries.len() - failed, failed);
            }
            Err(error) => report::delete_failed(entries.len(), &error),
        }
    }
}
