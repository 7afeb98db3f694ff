//! Turns a parcel's raw events into rows, for one source.
//!
//! The work runs on the compute pool, so that parsing never blocks I/O. Events
//! that cannot become a row are set aside for the quarantine; their neighbours
//! go on. A parcel on which the work panics fails its own message alone.

use std::sync::Arc;

use arrow::{array::AsArray, datatypes::TimestampMillisecondType};
use audit::{
    columns::{self, Rows},
    message::Event,
    quarantine::Entry,
    schema::Column,
    source::Source,
};

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
        let work = {
            let (origin, tenant) = (Arc::clone(&origin), tenant.clone());
            move || {
                let (rows, rejected, notes) =
                    columns::normalize_all(source, &tenant, &secret, &events, origin.sent_at_ms);
                let whose = (tenant.as_str(), Some(source));
                let entries: Vec<Entry> = rejected
                    .into_iter()
                    .map(|r| {
                        let Event { raw, offset, .. } = &events[r.index];
                        origin.entry(&secret, whose, (raw, *offset), r.reason.to_string())
                    })
                    .collect();
                let newest = newest_ms(&rows);
                (rows, entries, newest, notes)
            }
        };
        let (rows, entries, newest, notes) = match self.compute.run(work).await {
            Ok(done) => done,
            // The job held all of it. A restart would fail the parcels that wait, too.
            Err(panicked) => {
                report::load_dropped(&panicked.to_string());
                return Ok(());
            }
        };
        let counts = (rows.len(), entries.len());
        report::normalised(&self.labels, (source, &tenant), counts, newest, &notes);
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

/// The time of the newest event.
fn newest_ms(rows: &Rows) -> Option<i64> {
    let times = rows.column(Column::EventTime)?;
    arrow::compute::max(times.as_primitive_opt::<TimestampMillisecondType>()?)
}
