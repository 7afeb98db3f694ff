//! Drives the upkeep of the journal: checkpoints, and what they make needless.
//!
//! It holds nothing that counts: a new incarnation begins with the next
//! checkpoint. A store that cannot be reached is asked again after a pause, as
//! nothing waits for it.

use std::time::Duration;

use tokio::time::Instant;

use super::{
    appender,
    claims::Rider,
    desk::Desk,
    effect::Effect,
    log::Log,
    upkeep::{Upkeep, UpkeepLimits},
};
use crate::{
    base::{Actor, Address, Context, Failure},
    report,
};

/// How often it looks whether something is due.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// After a call without an answer.
const PAUSE: Duration = Duration::from_secs(5);

#[derive(Debug)]
pub enum Message {
    /// Something was written.
    Look,
    Tick,
}

#[derive(Debug)]
pub struct Checkpointer<R: Rider> {
    desk: Desk<R>,
    log: Log,
    upkeep: Upkeep,
    appender: Address<appender::Message<R>>,
    /// Set when the store did not answer.
    paused_until: Option<Instant>,
}

impl<R: Rider> Checkpointer<R> {
    pub fn new(
        desk: Desk<R>,
        log: Log,
        limits: UpkeepLimits,
        appender: Address<appender::Message<R>>,
    ) -> Checkpointer<R> {
        Checkpointer {
            desk,
            log,
            upkeep: Upkeep::new(limits),
            appender,
            paused_until: None,
        }
    }

    fn is_paused(&self) -> bool {
        self.paused_until.is_some_and(|end| Instant::now() < end)
    }

    /// What is to be asked now, if anything.
    fn next(&mut self) -> Result<Option<Effect>, Failure> {
        let now = self.desk.now();
        let has_news = {
            let mut leader = self.desk.leader()?;
            self.upkeep.look(&mut leader, now);
            leader.has_news()
        };
        if has_news {
            // An appender that is busy will look by itself.
            drop(self.appender.try_send(appender::Message::Wake));
        }
        Ok(self.upkeep.effect())
    }
}

impl<R: Rider> Actor for Checkpointer<R> {
    type Message = Message;

    async fn started(&mut self, cx: &mut Context<Message>) -> Result<(), Failure> {
        cx.tell_self(Message::Tick);
        Ok(())
    }

    async fn handle(&mut self, message: Message, cx: &mut Context<Message>) -> Result<(), Failure> {
        while !self.is_paused()
            && let Some(effect) = self.next()?
        {
            match self.log.ask(&effect).await {
                Ok(answer) => {
                    report::journal_kept(&effect, &answer);
                    if let Err(what) = self.upkeep.answer(answer, self.desk.now()) {
                        report::journal_checkpoint_failed(&what);
                    }
                }
                Err(unreachable) => {
                    report::journal_unkept(appender::call(&effect), &unreachable, PAUSE);
                    self.paused_until = Some(Instant::now() + PAUSE);
                }
            }
        }
        if matches!(message, Message::Tick) {
            cx.wake_after(LOOK_EVERY, Message::Tick);
        }
        Ok(())
    }
}
