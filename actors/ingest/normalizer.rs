//! Turns a parcel's raw events into rows, for one source.
//!
//! The work runs on the compute pool, so that parsing never blocks I/O. Events
//! that cannot become a row are set aside for the quarantine; their neighbours
//! go on. A parcel on which the work panics fails its own message alone.

use std::sync::Arc;

use audit::{columns, message::Event, quarantine::Entry, source::Source};
use bytes::Bytes;

use super::{
    enricher,
    parcel::{Aside, Load, Parcel},
};
use crate::{
    base::{Actor, Address, Compute, Context, Failure},
    report::{self, Labels},
};

#[derive(Debug)]
pub struct Normalizer {
    pub source: Source,
    pub compute: Compute,
    pub enricher: Address<enricher::Message>,
    pub labels: Labels,
}

impl Actor for Normalizer {
    type Message = Parcel;

    async fn handle(&mut self, parcel: Parcel, _: &mut Context<Parcel>) -> Result<(), Failure> {
        let Parcel {
            stake,
            origin,
            tenant,
            source,
            secret,
            events,
        } = parcel;
        let account = origin.account(Some(&tenant), Some(source));
        let labels = (self.labels.clone(), tenant.clone());
        let work = {
            let origin = Arc::clone(&origin);
            move || {
                let raw: Vec<Bytes> = events.iter().map(|event| event.raw.clone()).collect();
                let (rows, rejected, notes) =
                    columns::normalize_all(source, &tenant, &secret, &raw, origin.sent_at_ms);
                let entries: Vec<Entry> = rejected
                    .into_iter()
                    .map(|r| {
                        let Event { raw, offset, .. } = &events[r.index];
                        origin.entry(&secret, Some(source), raw, *offset, r.reason.to_string())
                    })
                    .collect();
                (rows, entries, notes)
            }
        };
        let (rows, entries, notes) = match self.compute.run(work).await {
            Ok(done) => done,
            // The job held all of it. A restart would fail the parcels that wait, too.
            Err(panicked) => {
                report::load_dropped(&panicked.to_string());
                return Ok(());
            }
        };
        report::normalised(source, rows.keys.len(), entries.len(), &notes);
        let mut aside = Aside::default();
        aside.add(&account, entries);
        let load = Load {
            stake,
            secret,
            account,
            rows: Some(rows),
            aside,
        };
        self.enricher.send(enricher::Message::Load(load)).await?;
        Ok(())
    }
}
