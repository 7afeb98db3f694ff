//! Adds the place: city, country, region and coordinates of the client's
//! address.
//!
//! It does so before the journal, so that applying a record needs nothing from
//! outside. The database is optional; one that is missing, wrong or broken is a
//! warning and leaves what the source itself says. A changed file is loaded
//! while the old one serves on.

use std::time::Duration;

use audit::geo::Places;

use super::{batcher, parcel::Load};
use crate::{
    base::{Actor, Address, Compute, Context, Failure},
    report,
};

/// How often the file is looked at.
const RELOAD_EVERY: Duration = Duration::from_secs(10);

#[derive(Debug)]
pub enum Message {
    Load(Load),
    Reload,
}

#[derive(Debug)]
pub struct Enricher {
    pub compute: Compute,
    /// `None` only while the compute pool has it.
    pub places: Option<Places>,
    pub batcher: Address<batcher::Message>,
}

impl Actor for Enricher {
    type Message = Message;

    async fn started(&mut self, cx: &mut Context<Message>) -> Result<(), Failure> {
        cx.tell_self(Message::Reload);
        Ok(())
    }

    async fn handle(&mut self, message: Message, cx: &mut Context<Message>) -> Result<(), Failure> {
        let Some(mut places) = self.places.take() else {
            return Err(Failure::Restart("the GeoIP database was lost in a panic".into()));
        };
        match message {
            Message::Reload => {
                let job = move || {
                    let warning = places.reload_if_changed();
                    (places, warning)
                };
                let reloaded = self.compute.run(job).await;
                let (places, warning) = reloaded.map_err(|p| Failure::Restart(p.to_string()))?;
                report::places_loaded(warning);
                self.places = Some(places);
                cx.wake_after(RELOAD_EVERY, Message::Reload);
            }
            Message::Load(mut load) => {
                if let Some(rows) = load.rows.take() {
                    let job = move || {
                        let rows = rows.with_places(|ip| places.lookup(ip));
                        (places, rows)
                    };
                    let placed = self.compute.run(job).await;
                    let (back, rows) = placed.map_err(|p| Failure::Restart(p.to_string()))?;
                    load.rows = Some(rows);
                    places = back;
                }
                self.places = Some(places);
                self.batcher.send(batcher::Message::Load(load)).await?;
            }
        }
        Ok(())
    }
}
