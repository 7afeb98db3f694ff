//! `idtrail quarantine`: the events that could not become a row.

use std::collections::BTreeMap;

use actors::{
    journal::replica::{Content, Replica},
    pipeline::Ports,
};
use audit::{
    partition::Area,
    quarantine::{self, Entry},
    source::Source,
};
use clap::Subcommand;
use serde::Serialize;

use super::{Exit, Failure, Globals, output};
use crate::{
    boot,
    history::{self, History, in_the_making, slot_of},
    publish::{Outlet, Packing, Publisher},
    settings::Settings,
};

/// List events that could not become a row, or send them again
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Print what is in quarantine, one object a line
    ///
    /// Each line is {"tenant","source","reason","message_id","object","offset","raw"}; "object" is
    /// there if the event was in one; bytes that are no text are in base64, and "raw_encoding" says
    /// so. Reads only, so it may run beside `run`.
    Ls,
    /// Send what is in quarantine to the queue again
    ///
    /// For after the reason is gone, such as a newer version. Entries stay as the record of what
    /// happened; what still cannot become a row is recognised and not kept twice.
    Replay,
}

/// What was sent again.
#[derive(Serialize)]
struct Replayed {
    events: u64,
    messages: u64,
}

pub(super) fn run(command: &Command, globals: &Globals) -> Result<Exit, Failure> {
    let settings = globals.start()?;
    let runtime = boot::runtime()?;
    let ports = runtime.block_on(history::ports(&settings))?;
    let entries = runtime.block_on(entries(&ports, &settings, globals.quiet()))?;
    match command {
        Command::Ls => output::lines(entries.iter().map(Entry::to_listing))?,
        Command::Replay => {
            let replayed = runtime.block_on(replay(&ports, entries))?;
            let text = format!("{} events sent again", replayed.events);
            globals.output().print(&replayed, &text)?;
        }
    }
    Ok(Exit::Success)
}

/// All entries: those in files, then those that are only in the journal yet.
async fn entries(ports: &Ports, settings: &Settings, quiet: bool) -> Result<Vec<Entry>, Failure> {
    let mut history = History::open(ports, settings)
        .await
        .map_err(Failure::outside)?;
    let replica = history.newest(quiet).await.map_err(Failure::outside)?;
    let mut entries = filed(ports, settings, &replica).await?;
    entries.extend(waiting(&replica));
    Ok(entries)
}

/// Files of open plans are left out: their entries are still in the journal.
async fn filed(
    ports: &Ports,
    settings: &Settings,
    replica: &Replica,
) -> Result<Vec<Entry>, Failure> {
    let Some(birth) = replica.birth() else {
        return Ok(Vec::new());
    };
    let open = in_the_making(replica, &settings.journal);
    let open: Vec<String> = open.map(|(file, _)| file).collect();
    let mut entries = Vec::new();
    for object in ports.lake.list("data/_quarantine/", None).await? {
        match slot_of(&object.key, &settings.journal, birth.generation) {
            // Planned after the journal was read: its entries are waiting there.
            Some(seq) if seq > replica.head().seq => continue,
            Some(_) if open.contains(&object.key) => continue,
            Some(_) => {}
            None => {
                tracing::warn!(key = object.key, "not a file of this journal, left out");
                continue;
            }
        }
        let Some(bytes) = ports.lake.get(&object.key).await? else {
            continue;
        };
        let named = |error| Failure::outside(format!("{}: {error}", object.key));
        for entry in quarantine::decode(&bytes[..], &birth.secret).map_err(named)? {
            entries.push(entry.map_err(named)?);
        }
    }
    Ok(entries)
}

fn waiting(replica: &Replica) -> impl Iterator<Item = Entry> {
    let planned = replica.open_plans().flat_map(|open| {
        let quarantined = open.id.partition.area == Area::Quarantine;
        open.pieces.iter().filter(move |_| quarantined)
    });
    let waiting = replica.waiting().values().flatten();
    planned
        .chain(waiting)
        .flat_map(|piece| match &piece.content {
            Content::Quarantine(entries) => entries.to_vec(),
            Content::Rows { .. } => Vec::new(),
        })
}

/// Each by itself, under the tenant and source it came with.
async fn replay(ports: &Ports, entries: Vec<Entry>) -> Result<Replayed, Failure> {
    let mut groups: BTreeMap<(Option<Source>, String), Vec<Entry>> = BTreeMap::new();
    for entry in entries {
        groups
            .entry((entry.source, entry.tenant.clone()))
            .or_default()
            .push(entry);
    }
    let mut replayed = Replayed {
        events: 0,
        messages: 0,
    };
    for ((source, tenant), entries) in groups {
        let mut publisher = Publisher::new(Outlet::of(ports), source, Some(&tenant));
        let mut packing = Packing::default();
        for entry in entries {
            packing.alone(entry.raw);
            publisher.send_all(&mut packing).await?;
        }
        let sent = publisher.sent();
        replayed.events += sent.events;
        replayed.messages += sent.messages;
    }
    Ok(replayed)
}
