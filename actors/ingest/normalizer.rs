//! Turns a parcel's raw events into rows, for one source.
//!
//! The work runs on the compute pool, so that parsing never blocks I/O. Events
//! that cannot become a row are set aside for the quarantine; their neighbours
//! go on.

use std::sync::Arc;

use audit::{columns, message::Event, quarantine::Entry, source::Source};
use bytes::Bytes;

use super::{
    enricher,
    parcel::{Aside, Load, Parcel},
};
use crate::{
    base::{Actor, Address, Compute, Context, Failure},
    report,
};

#[derive(Debug)]
pub struct Normalizer {
    pub source: Source,
    pub compute: Compute,
    pub enricher: Address<enricher::Message>,
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
        let account = origin.account(Some(source));
        let work = {
            let origin = Arc::clone(&origin);
            move || {
                let raw: Vec<Bytes> = events.iter().map(|event| event.raw.clone()).collect();
                let (rows, rejected, notes) =
                    columns::normalize_all(source, &tenant, &secret, &raw, origin.sent_at_ms);
                let entries: Vec<Entry> = rejected
                    .into_iter()
                    .map(|r| {
                        let Event { raw, offset } = &events[r.index];
                        origin.entry(&secret, Some(source), raw, *offset, r.reason.to_string())
                    })
                    .collect();
                (rows, entries, notes)
            }
        };
        let done = self.compute.run(work).await;
        let (rows, entries, notes) = done.map_err(|p| Failure::Restart(p.to_string()))?;
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
