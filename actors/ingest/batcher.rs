//! Gathers what is new of all tenants and sources into batches.
//!
//! The leader judges each event by its key, some of which are read again first;
//! copies of known events only add to
//! the numbers. A batch closes a quarter of a second after its first event, or
//! when the appender has room again if that is later, or when it is full; it is
//! handed on encoded. While one is being written, the next fills; when that one
//! is full and others wait, this actor stands still, and with it everything
//! before it.

use std::time::Duration;

use super::{
    filling::{Added, Filling, Full},
    parcel::{Load, Stake},
};
use crate::{
    base::{Actor, Address, Compute, Context, Failure},
    journal::{
        appender::{self, Closed},
        claims::BatchNo,
        desk::Desk,
        leader::Stale,
        recaller::Recaller,
    },
    report,
};

/// How soon a batch that is old enough looks again for room.
const LOOK_AGAIN: Duration = Duration::from_millis(5);

#[allow(
    clippy::large_enum_variant,
    reason = "nearly every message is the large one"
)]
#[derive(Debug)]
pub enum Message {
    Load(Load),
    /// The batch has been open long enough.
    Close(BatchNo),
}

#[derive(Debug)]
pub struct Batcher {
    pub desk: Desk<Stake>,
    pub compute: Compute,
    pub age: Duration,
    pub full: Full,
    pub recaller: Recaller,
    pub appender: Address<appender::Message<Stake>>,
    filling: Option<Filling>,
}

impl Batcher {
    pub fn new(
        desk: Desk<Stake>,
        compute: Compute,
        (age, full): (Duration, Full),
        recaller: Recaller,
        appender: Address<appender::Message<Stake>>,
    ) -> Batcher {
        Batcher {
            desk,
            compute,
            age,
            full,
            recaller,
            appender,
            filling: None,
        }
    }
}

impl Actor for Batcher {
    type Message = Message;

    async fn handle(&mut self, message: Message, cx: &mut Context<Message>) -> Result<(), Failure> {
        match message {
            Message::Load(load) => self.add(load, cx).await?,
            Message::Close(no) if self.filling.as_ref().is_some_and(|f| f.open.no() == no) => {
                if self.appender.slots_free() == 0 {
                    // The write before has not returned: go on filling.
                    cx.wake_after(LOOK_AGAIN, Message::Close(no));
                    return Ok(());
                }
                return self.close().await;
            }
            Message::Close(_) => {}
        }
        if self
            .filling
            .as_ref()
            .is_some_and(|filling| filling.is_full(&self.full))
        {
            self.close().await?;
        }
        Ok(())
    }
}

impl Batcher {
    async fn add(&mut self, load: Load, cx: &mut Context<Message>) -> Result<(), Failure> {
        // Keys of another journal's secret cannot be judged: the message comes again.
        let birth = self.desk.leader()?.birth();
        if birth.is_none_or(|birth| birth.secret != load.secret) {
            report::load_dropped("this process does not lead the journal any more");
            return Ok(());
        }
        let mut filling = match self.filling.take() {
            Some(filling) => filling,
            None => match self.desk.begin()? {
                Ok(open) => {
                    cx.wake_after(self.age, Message::Close(open.no()));
                    Filling::new(open)
                }
                Err(stale) => {
                    report::load_dropped(&stale.to_string());
                    return Ok(());
                }
            },
        };
        let mut load = load;
        loop {
            match filling.add(load)? {
                Added::Done => break,
                Added::Stale => {
                    // Fenced since it was opened: what it holds comes again.
                    report::load_dropped(&Stale.to_string());
                    return Ok(());
                }
                Added::Unsure(recall, again) => {
                    let Some(held) = self.recaller.insist(&recall).await else {
                        // Neither written nor deleted: its message comes again.
                        report::load_dropped("keys of the dedup window cannot be read");
                        break;
                    };
                    self.desk.leader()?.recall(recall, &held);
                    load = again;
                }
            }
        }
        self.filling = Some(filling);
        Ok(())
    }

    async fn close(&mut self) -> Result<(), Failure> {
        let Some(filling) = self.filling.take() else {
            return Ok(());
        };
        let (open, mut contents, gathered) = filling.close();
        let encoded = self.compute.run(move || gathered.encode()).await;
        let encoded = encoded.map_err(|panicked| Failure::Restart(panicked.to_string()))?;
        contents.batch = encoded.map_err(Failure::Restart)?;
        self.appender
            .send(appender::Message::Closed(Closed { open, contents }))
            .await?;
        Ok(())
    }
}
