//! Reads the objects that messages name, as a poller reads messages.
//!
//! An object comes in stretches, and each is decoded while the next is fetched:
//! waiting for the network holds neither credit nor a compute thread. What can
//! never be read (a bucket that the settings do not name, damage, a bomb) puts
//! the object's notification into the quarantine, and what was read before it is
//! kept; what cannot be read now leaves the message to the queue. An object that
//! takes longer than the queue's patience is redelivered meanwhile, which only
//! brings a newer receipt.

use std::{sync::Arc, time::Duration};

use audit::message::{Decoder, Object};
use tokio::{
    task::{JoinError, JoinSet},
    time::timeout,
};

use super::{
    deleter,
    intake::{Delivery, Intake, Step, Unreadable, name},
    parcel::Origin,
    signals::Gate,
};
use crate::{
    base::{Actor, Context, Failure, cpu},
    ports::{ObjectError, Objects, Queue, Stretch},
    report,
};

/// A stretch that takes longer counts as not to be had now: 70 KB/s.
const STRETCH_TIMEOUT: Duration = Duration::from_secs(60);

/// Objects that one actor reads at the same time: their stretches are in memory
/// without credit, two of each. A slow one holds up nobody before all are slow.
pub(crate) const AT_ONCE: usize = 8;

/// An object to be read, and the message that names it.
#[derive(Debug)]
pub struct Named {
    pub object: Object,
    pub delivery: Delivery,
}

#[derive(Debug)]
pub struct ObjectReader {
    pub reader: Arc<Reader>,
    /// What is being read; it ends with this actor.
    pub reading: JoinSet<Result<(), Failure>>,
}

pub struct Reader {
    pub objects: Arc<dyn Objects>,
    pub queue: Arc<dyn Queue>,
    pub intake: Arc<Intake>,
    pub gate: Gate,
}

/// An object while it is fetched.
struct Fetch<'a> {
    objects: &'a dyn Objects,
    object: &'a Object,
    offset: u64,
    /// Of the whole object, and its tag.
    known: Option<(u64, Arc<str>)>,
}

/// Why an object was not read to its end.
enum Trouble {
    Fetch(ObjectError),
    Decode(Unreadable),
    /// Nobody takes what was read.
    Ours(Failure),
}

impl std::fmt::Debug for Reader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Reader")
    }
}

impl Actor for ObjectReader {
    type Message = Named;

    async fn handle(&mut self, named: Named, _: &mut Context<Named>) -> Result<(), Failure> {
        while let Some(ended) = self.reading.try_join_next() {
            whole(ended)?;
        }
        while self.reading.len() >= AT_ONCE
            && let Some(ended) = self.reading.join_next().await
        {
            whole(ended)?;
        }
        let reader = Arc::clone(&self.reader);
        self.reading.spawn(cpu::charged(cpu::payer(), async move {
            reader.take(named).await
        }));
        Ok(())
    }
}

/// A task that panicked is a panic of this actor.
fn whole(ended: Result<Result<(), Failure>, JoinError>) -> Result<(), Failure> {
    ended.map_err(|error| Failure::Restart(error.to_string()))?
}

impl Reader {
    async fn take(&self, named: Named) -> Result<(), Failure> {
        let Named {
            object,
            mut delivery,
        } = named;
        let of_message = Arc::clone(&delivery.origin);
        let read = tokio::select! {
            read = self.read(&object, &mut delivery) => read,
            // What was sent on is committed; the message comes again.
            () = self.gate.closing() => return Ok(()),
        };
        let (kind, reason) = match read {
            Ok(()) => {
                report::object_read();
                return self.done(delivery).await;
            }
            Err(Trouble::Ours(failure)) => return Err(failure),
            Err(Trouble::Fetch(ObjectError::Forbidden(reason))) => ("forbidden", reason),
            Err(Trouble::Decode(unreadable)) => ("unreadable", unreadable.to_string()),
            Err(Trouble::Fetch(error)) => {
                report::object_unavailable(&name(&object), &error, delivery.receives);
                delivery.ticket.give_up();
                return Ok(());
            }
        };
        report::object_refused(&name(&object), kind, &reason);
        delivery.origin = of_message;
        self.intake.quarantine(&object, &delivery, reason).await?;
        self.done(delivery).await
    }

    /// From here on, the delivery is of the object.
    async fn read(&self, object: &Object, delivery: &mut Delivery) -> Result<(), Trouble> {
        let mut fetch = Fetch {
            objects: &*self.objects,
            object,
            offset: 0,
            known: None,
        };
        let mut stretch = fetch.next().await?;
        let written_ms = stretch.as_ref().map(|first| first.modified_ms);
        delivery.origin = Arc::new(Origin {
            object: Some(name(object)),
            sent_at_ms: written_ms.unwrap_or(delivery.origin.sent_at_ms),
            ..(*delivery.origin).clone()
        });
        let mut decoder = Box::new(Decoder::of_chunks(&self.intake.limits));
        while let Some(fetched) = stretch {
            decoder.feed(fetched.bytes);
            let decoding = self.decode(decoder, delivery);
            let (hungry, next) = tokio::try_join!(decoding, async { Ok(fetch.next().await?) })?;
            match hungry {
                Some(back) => (decoder, stretch) = (back, next),
                None => return Ok(()),
            }
        }
        decoder.close();
        self.decode(decoder, delivery).await.map(drop)
    }

    /// Sends on all that can be made of what was fed. `None`: it was all.
    async fn decode(
        &self,
        mut decoder: Box<Decoder>,
        delivery: &Delivery,
    ) -> Result<Option<Box<Decoder>>, Trouble> {
        loop {
            let advanced = self.intake.advance(decoder, delivery, None).await;
            let (back, step) = advanced.map_err(Trouble::Ours)?.map_err(Trouble::Decode)?;
            decoder = back;
            match step {
                Step::Sent(_) => {}
                Step::Hungry => return Ok(Some(decoder)),
                Step::End => return Ok(None),
            }
        }
    }

    /// This share of the message is on its way, or it was the last.
    async fn done(&self, delivery: Delivery) -> Result<(), Failure> {
        let last: Vec<_> = delivery.ticket.settle().into_iter().collect();
        deleter::delete(&*self.queue, &last).await;
        Ok(())
    }
}

impl Fetch<'_> {
    /// The next stretch; `None` at the end. The first is never `None`.
    async fn next(&mut self) -> Result<Option<Stretch>, ObjectError> {
        if let Some((total, _)) = self.known
            && self.offset >= total
        {
            return Ok(None);
        }
        let tag = self.known.as_ref().map(|(_, tag)| &**tag);
        let read = self.objects.read(self.object, self.offset, tag);
        let stretch = timeout(STRETCH_TIMEOUT, read).await.unwrap_or_else(|_| {
            Err(ObjectError::Retry(format!(
                "no answer in {STRETCH_TIMEOUT:?}"
            )))
        })?;
        let length = stretch.bytes.len() as u64;
        if length == 0 && self.offset < stretch.total_bytes {
            return Err(ObjectError::Retry("it ends before its end".into()));
        }
        report::object_bytes(length);
        self.offset += length;
        self.known = Some((stretch.total_bytes, Arc::clone(&stretch.tag)));
        Ok(Some(stretch))
    }
}

impl From<ObjectError> for Trouble {
    fn from(error: ObjectError) -> Trouble {
        Trouble::Fetch(error)
    }
}
