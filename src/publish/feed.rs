//! Events that idtrail invents itself, on their way to the queue: for the demo
//! and for the benchmark.
//!
//! As real senders do, each source has messages of its own, which say what the
//! source is; a source's events keep their order.

use audit::{source::Source, tenant::Tenant};
use bytes::Bytes;

use super::{Outlet, Packing, PublishError, Publisher, Sent};

/// How events share messages.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Sharing {
    /// Packed, as many as a message can hold.
    Packed,
    /// Each in a message of its own.
    Single,
}

#[derive(Debug)]
pub struct Feed {
    lanes: [Lane; 4],
    sharing: Sharing,
}

#[derive(Debug)]
struct Lane {
    publisher: Publisher,
    packing: Packing,
}

impl Feed {
    /// Events of this tenant; of the settings' own, where none is said.
    pub fn new(outlet: &Outlet, sharing: Sharing, tenant: Option<&Tenant>) -> Feed {
        let tenant = tenant.map(Tenant::as_str);
        let lane = |source| Lane {
            publisher: Publisher::new(outlet.clone(), Some(source), tenant),
            packing: Packing::default(),
        };
        Feed {
            lanes: Source::ALL.map(lane),
            sharing,
        }
    }

    /// Sends it, or packs it to be sent with others.
    pub async fn push(&mut self, source: Source, raw: Bytes) -> Result<(), PublishError> {
        let lane = &mut self.lanes[source as usize - 1];
        match self.sharing {
            Sharing::Packed => lane.packing.event(raw),
            Sharing::Single => lane.packing.alone(raw),
        }
        lane.publisher.send_all(&mut lane.packing).await
    }

    /// Sends it by itself, for it is no event.
    pub async fn alone(&mut self, source: Source, raw: Bytes) -> Result<(), PublishError> {
        let lane = &mut self.lanes[source as usize - 1];
        lane.packing.alone(raw);
        lane.publisher.send_all(&mut lane.packing).await
    }

    /// Sends what is still being packed.
    pub async fn flush(&mut self) -> Result<(), PublishError> {
        for lane in &mut self.lanes {
            lane.packing.finish();
            lane.publisher.send_all(&mut lane.packing).await?;
        }
        Ok(())
    }

    /// What was sent so far, of all sources.
    pub fn sent(&self) -> Sent {
        let sent = self.lanes.iter().map(|lane| lane.publisher.sent());
        sent.fold(Sent::default(), |all, one| Sent {
            events: all.events + one.events,
            messages: all.messages + one.messages,
            offloaded: all.offloaded + one.offloaded,
        })
    }
}
