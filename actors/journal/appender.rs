//! Writes the journal, or follows it: takes closed batches, drives the protocol,
//! and lets go of what is durable.
//!
//! It owns nothing: the batch being written belongs to the leader, so the next
//! incarnation goes on with the same bytes in the same slot. It never gives up
//! on a store that cannot be reached, it waits longer, and the batcher behind
//! it stands still. Riders of committed batches go to the deleter.

use std::time::Duration;

use tokio::time::Instant;

use super::{
    checkpointer,
    claims::Rider,
    desk::{Desk, OpenBatch},
    effect::Effect,
    leader::{Contents, Turn},
    log::Log,
    planner,
};
use crate::{
    base::{Actor, Address, Context, Failure},
    report::{self, Labels},
};

/// Pauses between calls that got no answer: doubled each time up to the cap.
const PAUSE_MIN: Duration = Duration::from_millis(50);
const PAUSE_MAX: Duration = Duration::from_secs(5);

/// How long a fenced leader that does not follow keeps still before it fences in
/// turn: the silence after which a follower would.
const FENCED_PAUSE: Duration = Duration::from_secs(15);

#[allow(
    clippy::large_enum_variant,
    reason = "nearly every message is the large one"
)]
#[derive(Debug)]
pub enum Message<R: Rider> {
    /// A batch to be written.
    Closed(Closed<R>),
    /// There may be something to write: a plan, a file done, a heartbeat.
    Wake,
    Beat,
}

/// A batch that was closed and encoded.
#[derive(Debug)]
pub struct Closed<R: Rider> {
    pub open: OpenBatch<R>,
    pub contents: Contents,
}

#[derive(Debug)]
pub struct Appender<R: Rider> {
    pub desk: Desk<R>,
    pub log: Log,
    pub settled: Address<Vec<R>>,
    pub planner: Address<planner::Message>,
    pub checkpointer: Address<checkpointer::Message>,
    pub labels: Labels,
}

impl<R: Rider> Actor for Appender<R> {
    type Message = Message<R>;

    async fn started(&mut self, cx: &mut Context<Message<R>>) -> Result<(), Failure> {
        cx.tell_self(Message::Beat);
        Ok(())
    }

    async fn handle(
        &mut self,
        message: Message<R>,
        cx: &mut Context<Message<R>>,
    ) -> Result<(), Failure> {
        let beat = matches!(message, Message::Beat);
        match message {
            Message::Closed(Closed { open, contents }) => {
                if open.submit(contents)?.is_err() {
                    tracing::debug!("a batch of an earlier leadership was dropped");
                }
            }
            Message::Wake | Message::Beat => {}
        }
        self.write_all().await?;
        if beat {
            let wait = self.desk.leader()?.wait(self.desk.now());
            cx.wake_after(wait, Message::Beat);
        }
        Ok(())
    }
}

impl<R: Rider> Appender<R> {
    /// Asks the store until the leader has nothing more to ask.
    async fn write_all(&mut self) -> Result<(), Failure> {
        let mut pause = PAUSE_MIN;
        let mut began = Instant::now();
        loop {
            let now = self.desk.now();
            let Some(effect) = self.desk.leader()?.next(now) else {
                return Ok(());
            };
            let turn = match self.log.ask(&effect).await {
                Ok(answer) => {
                    let now = self.desk.now();
                    let turn = self.desk.leader()?.answer(answer, now);
                    pause = PAUSE_MIN;
                    turn.map_err(|corrupt| Failure::Fatal(corrupt.to_string()))?
                }
                Err(unreachable) => {
                    report::journal_unreachable(call(&effect), &unreachable, pause);
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(PAUSE_MAX);
                    continue;
                }
            };
            self.desk.publish()?;
            if let Some(turn) = turn {
                self.settle(turn, began.elapsed()).await?;
                began = Instant::now();
            }
        }
    }

    /// `took`: since the turn before, or since there was something to write.
    async fn settle(&mut self, turn: Turn<R>, took: Duration) -> Result<(), Failure> {
        match turn {
            Turn::Serving => {
                let (seq, rows) = {
                    let leader = self.desk.leader()?;
                    (
                        leader.replica().head().seq.0,
                        leader.replica().rows_waiting(),
                    )
                };
                report::journal_read(seq, rows);
                self.hint();
            }
            Turn::Committed {
                riders,
                accounting,
                bytes,
            } => {
                let seq = self.desk.leader()?.replica().head().seq.0;
                report::journal_committed(&self.labels, seq, &accounting, bytes, took);
                self.hint();
                // The tree has ended: the messages stay in the queue.
                let _ended = self.settled.send(riders).await;
            }
            Turn::Following => {
                let head = self.desk.leader()?.replica().head();
                report::journal_followed(head.seq.0);
            }
            Turn::Fenced => {
                let follows = self.desk.leader()?.is_following();
                let pause = (!follows).then_some(FENCED_PAUSE);
                report::journal_fenced(pause);
                tokio::time::sleep(pause.unwrap_or_default()).await;
            }
        }
        Ok(())
    }

    /// Who is busy will look by itself.
    fn hint(&self) {
        drop(self.planner.try_send(planner::Message::Look));
        drop(self.checkpointer.try_send(checkpointer::Message::Look));
    }
}

pub(super) fn call(effect: &Effect) -> &'static str {
    match effect {
        Effect::Boundary | Effect::Last { .. } | Effect::Checkpoints => "list",
        Effect::Read(_) => "read",
        Effect::Create { .. } => "create",
        Effect::Remove(_) => "remove",
    }
}
