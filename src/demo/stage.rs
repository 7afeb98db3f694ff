//! What is played: the past at once, the present as it happens.

use std::{sync::Arc, time::Duration};

use actors::ports::Clock;
use audit::tenant::Tenant;
use bytes::Bytes;
use company::{Company, Event};
use jiff::{Timestamp, civil::Date};

use crate::publish::{Feed, Outlet, PublishError, Sharing};

/// Events of the past that are sent a second time.
const TWICE: usize = 1_000;

/// How many events lose their end on the way, as a log shipper that is killed
/// would cut them.
const BROKEN: usize = 3;

/// How long new events may gather before they are sent.
const FLUSH_EVERY: Duration = Duration::from_secs(1);

/// Who plays, when, and how much.
#[derive(Debug)]
pub struct Stage {
    company: Company,
    tenant: Tenant,
    until: Date,
    events: u64,
}

/// What was sent of the past.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Cast {
    pub events: u64,
    pub twice: u64,
    pub broken: u64,
    /// Of the events themselves, without those sent twice.
    pub bytes: u64,
    pub messages: u64,
}

impl Stage {
    /// The events are this tenant's, and say so themselves: whoever takes them
    /// from the queue need not be the demo.
    pub fn new(seed: u64, until: Date, events: u64, tenant: Tenant) -> Stage {
        Stage {
            company: Company::found(seed),
            tenant,
            until,
            events,
        }
    }

    pub fn company(&self) -> &Company {
        &self.company
    }

    /// Sends the three months; tells how many events are sent.
    pub async fn past(&self, outlet: &Outlet, tell: impl Fn(u64)) -> Result<Cast, PublishError> {
        let mut feed = Feed::new(outlet, Sharing::Packed, Some(&self.tenant));
        let mut cast = Cast::default();
        let every = (self.events / BROKEN as u64).max(1);
        for event in self.company.history(self.until, self.events) {
            let raw = Bytes::from(event.raw);
            cast.events += 1;
            cast.bytes += raw.len() as u64;
            if cast.events % every == 0 {
                feed.alone(event.source, raw.slice(..raw.len() * 2 / 3))
                    .await?;
                cast.broken += 1;
            }
            feed.push(event.source, raw).await?;
            tell(cast.events);
        }
        feed.flush().await?;
        for event in self.company.history(self.until, self.events).take(TWICE) {
            feed.push(event.source, event.raw.into()).await?;
            cast.twice += 1;
        }
        feed.flush().await?;
        cast.messages = feed.sent().messages;
        Ok(cast)
    }

    /// Sends what happens from now on, when it happens. Ends with an error only.
    pub async fn present(&self, outlet: &Outlet, clock: Arc<dyn Clock>) -> PublishError {
        let mut feed = Feed::new(outlet, Sharing::Packed, Some(&self.tenant));
        let now = Timestamp::from_millisecond(clock.wall_ms()).unwrap_or(Timestamp::UNIX_EPOCH);
        let mut events = self.company.live(now).peekable();
        loop {
            let is_due = |event: &Event| event.time.as_millisecond() <= clock.wall_ms();
            while let Some(event) = events.next_if(is_due) {
                if let Err(error) = feed.push(event.source, event.raw.into()).await {
                    return error;
                }
            }
            if let Err(error) = feed.flush().await {
                return error;
            }
            tokio::time::sleep(FLUSH_EVERY).await;
        }
    }
}
