//! Adds the place: city, country, region and coordinates of the client's
//! address.
//!
//! It does so before the journal, so that applying a record needs nothing from
//! outside. The database is optional; one that is missing, wrong or broken is a
//! warning and leaves what the source itself says. A changed file is loaded
//! while the old one serves on.

use std::{sync::Arc, time::Duration};

use audit::geo::{Database, Places};

use super::{batcher, parcel::Load};
use crate::{
    base::{Actor, Address, Compute, Context, Failure},
    report,
};

/// How often the file is looked at.
const RELOAD_EVERY: Duration = Duration::from_secs(10);

#[allow(
    clippy::large_enum_variant,
    reason = "nearly every message is the large one"
)]
#[derive(Debug)]
pub enum Message {
    Load(Load),
    Reload,
}

#[derive(Debug)]
pub struct Enricher {
    pub compute: Compute,
    pub database: Arc<Database>,
    pub batcher: Address<batcher::Message>,
    /// `None` only while the compute pool has it.
    places: Option<Places>,
}

impl Enricher {
    pub fn new(
        compute: Compute,
        database: Arc<Database>,
        batcher: Address<batcher::Message>,
    ) -> Enricher {
        let places = Some(Places::new(Arc::clone(&database)));
        Enricher {
            compute,
            database,
            batcher,
            places,
        }
    }
}

impl Actor for Enricher {
    type Message = Message;

    async fn started(&mut self, cx: &mut Context<Message>) -> Result<(), Failure> {
        cx.tell_self(Message::Reload);
        Ok(())
    }

    async fn handle(&mut self, message: Message, cx: &mut Context<Message>) -> Result<(), Failure> {
        match message {
            Message::Reload => {
                let database = Arc::clone(&self.database);
                let reloaded = self.compute.run(move || database.reload_if_changed()).await;
                let reloaded = reloaded.map_err(|p| Failure::Restart(p.to_string()))?;
                report::places_loaded(&reloaded, self.database.in_use());
                cx.wake_after(RELOAD_EVERY, Message::Reload);
            }
            Message::Load(mut load) => {
                if let Some((rows, mut places)) = load.rows.take().zip(self.places.take()) {
                    let placed = self
                        .compute
                        .run(move || (rows.with_places(&mut places), places));
                    let (rows, places) = match placed.await {
                        Ok(placed) => placed,
                        // The load goes alone: those that wait are others' messages.
                        Err(panicked) => {
                            self.places = Some(Places::new(Arc::clone(&self.database)));
                            report::load_dropped(&panicked.to_string());
                            return Ok(());
                        }
                    };
                    (load.rows, self.places) = (Some(rows), Some(places));
                }
                self.batcher.send(batcher::Message::Load(load)).await?;
            }
        }
        Ok(())
    }
}
