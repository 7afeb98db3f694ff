//! A queue that a process ends at.

use std::sync::Arc;

use actors::ports::{Backlog, Message, MessageId, Outgoing, Queue, QueueError, Receipt};
use async_trait::async_trait;

use super::{Fuse, Point, UNDER_WAY, kill};

pub(super) struct FailingQueue {
    pub(super) inner: Arc<dyn Queue>,
    pub(super) fuse: Arc<Fuse>,
}

#[async_trait]
impl Queue for FailingQueue {
    async fn receive(&self, count_max: usize) -> Result<Vec<Message>, QueueError> {
        let messages = self.inner.receive(count_max).await?;
        if !messages.is_empty() {
            self.fuse.reach(Point::K1);
            if self.fuse.burns(Point::K2) {
                tokio::spawn(async move {
                    tokio::time::sleep(UNDER_WAY).await;
                    kill(Point::K2);
                });
            }
        }
        Ok(messages)
    }

    async fn delete(&self, entries: &[(MessageId, Receipt)]) -> Result<Vec<bool>, QueueError> {
        let half = entries.len() / 2;
        if half > 0 && self.fuse.burns(Point::K7) {
            self.inner.delete(&entries[..half]).await?;
            kill(Point::K7);
        }
        self.inner.delete(entries).await
    }

    async fn bury(&self, message: &Message, reason: &str) -> Result<bool, QueueError> {
        self.inner.bury(message, reason).await
    }

    async fn send(&self, messages: Vec<Outgoing>) -> Result<(), QueueError> {
        self.inner.send(messages).await
    }

    async fn backlog(&self) -> Result<Option<Backlog>, QueueError> {
        self.inner.backlog().await
    }
}
