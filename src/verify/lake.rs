//! The lake's side: what the files hold, event by event.

use std::collections::BTreeMap;

use actors::{
    journal::replica::PlanId,
    ports::{Store, StoreError},
};
use audit::{
    journal::Digest,
    journal_id::{JournalName, Seq},
    key::{KeyXor, Secret},
    lake::{Footer, scan},
    partition::{Area, Day, Partition},
    quarantine,
    source::Source,
    tenant::Tenant,
};
use bytes::Bytes;

use super::{
    Report,
    journal::{Ledger, Planned},
};
use crate::{history::slot_of, progress::Progress};

/// What a file turned out to hold.
#[derive(Default)]
struct Found {
    rows: u64,
    key_xor: KeyXor,
    sources: BTreeMap<Source, u64>,
}

/// Every object under `data/`, and every file that should be there.
pub(super) async fn read(
    lake: &dyn Store,
    journal: &JournalName,
    ledger: &mut Ledger,
    bar: &Progress,
    report: &mut Report,
) -> Result<(), StoreError> {
    let Some(birth) = ledger.replica.birth() else {
        return Ok(());
    };
    let generation = birth.generation;
    let named = |id: &PlanId| {
        (
            id.partition.file_key(journal, generation, id.seq),
            id.clone(),
        )
    };
    let mut expected: BTreeMap<String, PlanId> = ledger.plans.keys().map(named).collect();
    let listed = lake.list("data/", None).await?;
    for (index, object) in (1..).zip(&listed) {
        bar.set(index, listed.len() as u64);
        match expected.remove(&object.key) {
            Some(id) => {
                let bytes = lake.get(&object.key).await?;
                check(&object.key, bytes, &id, birth.secret, ledger, report);
            }
            None => match slot_of(&object.key, journal, generation) {
                // Planned after the journal was read.
                Some(seq) if seq > ledger.head() => {}
                Some(seq) if seq.0 <= report.collected => {
                    let bytes = lake.get(&object.key).await?;
                    check_alone(&object.key, bytes, seq, birth.secret, ledger, report);
                }
                Some(_) => report.problem(format!("I5: {} is in no plan", object.key)),
                None => report.foreign.push(object.key.clone()),
            },
        }
    }
    for (key, id) in expected {
        if ledger
            .plans
            .get(&id)
            .is_some_and(|planned| planned.done.is_some())
        {
            report.problem(format!(
                "I4: {key} is missing, though the journal says it was written"
            ));
        }
    }
    Ok(())
}

/// A file whose plan was collected must be what its own footer says.
fn check_alone(
    key: &str,
    bytes: Option<Bytes>,
    seq: Seq,
    secret: Secret,
    ledger: &mut Ledger,
    report: &mut Report,
) {
    let found = bytes
        .ok_or_else(|| "it was listed and is gone".to_owned())
        .and_then(|bytes| alone(key, &bytes, seq, secret));
    match found {
        Ok((area, found)) => count(&area, found, ledger, report),
        Err(what) => report.problem(format!("I5: {key}: {what}")),
    }
}

fn alone(key: &str, bytes: &Bytes, seq: Seq, secret: Secret) -> Result<(Area, Found), String> {
    let partition = Partition::of_key(key).ok_or("its path is no partition")?;
    let found = match &partition.area {
        Area::Quarantine => entries(bytes, secret)?,
        Area::Tenant(tenant) => {
            let footer = Footer::read(bytes).map_err(|error| error.to_string())?;
            let found = rows(bytes, tenant, partition.day, secret)?;
            let said = (footer.meta.plan, footer.rows, footer.key_xor);
            if said != (seq, found.rows, found.key_xor) {
                return Err("its rows are not what its footer says".into());
            }
            found
        }
    };
    Ok((partition.area, found))
}

/// Compares one file with its plan, and counts its rows if the plan is done.
fn check(
    key: &str,
    bytes: Option<Bytes>,
    id: &PlanId,
    secret: Secret,
    ledger: &mut Ledger,
    report: &mut Report,
) {
    let Some(planned) = ledger.plans.get(id) else {
        return;
    };
    let found = bytes
        .ok_or_else(|| "it was listed and is gone".to_owned())
        .and_then(|bytes| content(&bytes, planned, id, secret));
    let found = match found {
        Ok(found) => found,
        Err(what) => return report.problem(format!("I5: {key}: {what}")),
    };
    if found.rows != planned.rows || found.key_xor != planned.key_xor {
        let (rows, plan) = (found.rows, planned.rows);
        return report.problem(format!(
            "I5: {key}: its {rows} rows are not the {plan} of its plan"
        ));
    }
    if planned.done.is_none() {
        // Its rows still count as waiting.
        return;
    }
    count(&id.partition.area.clone(), found, ledger, report);
}

fn count(area: &Area, found: Found, ledger: &mut Ledger, report: &mut Report) {
    report.files += 1;
    match area {
        Area::Quarantine => report.quarantined_in_files += found.rows,
        Area::Tenant(tenant) => {
            report.rows_in_files += found.rows;
            for (source, rows) in found.sources {
                *ledger.filed.entry((tenant.clone(), source)).or_default() += rows;
            }
        }
    }
}

fn content(bytes: &Bytes, planned: &Planned, id: &PlanId, secret: Secret) -> Result<Found, String> {
    if let Some(done) = &planned.done
        && done.bytes != bytes.len() as u64
    {
        return Err(format!("it has {} bytes, not {}", bytes.len(), done.bytes));
    }
    if let Some(done) = &planned.done
        && done.sha256 != Digest::of(bytes)
    {
        return Err("its bytes are not those that were written".into());
    }
    match &id.partition.area {
        Area::Tenant(tenant) => {
            let footer = Footer::read(bytes).map_err(|error| error.to_string())?;
            if footer.meta.plan != id.seq
                || (footer.rows, footer.key_xor) != (planned.rows, planned.key_xor)
            {
                return Err("its footer names another plan".into());
            }
            rows(bytes, tenant, id.partition.day, secret)
        }
        Area::Quarantine => entries(bytes, secret),
    }
}

fn rows(bytes: &Bytes, tenant: &Tenant, day: Day, secret: Secret) -> Result<Found, String> {
    let mut found = Found::default();
    for event in scan(bytes).map_err(|error| error.to_string())? {
        let event = event.map_err(|error| error.to_string())?;
        let source = event.source.ok_or("I6: a row without a source")?;
        if event.time_ms.map(Day::of_ms) != Some(day) {
            return Err("I6: a row of another day".into());
        }
        found.rows += 1;
        found.key_xor.add(secret.key(tenant, source, &event.data));
        *found.sources.entry(source).or_default() += 1;
    }
    Ok(found)
}

fn entries(bytes: &Bytes, secret: Secret) -> Result<Found, String> {
    let mut found = Found::default();
    for entry in quarantine::decode(&bytes[..], &secret).map_err(|error| error.to_string())? {
        found.rows += 1;
        found
            .key_xor
            .add(entry.map_err(|error| error.to_string())?.key);
    }
    Ok(found)
}
