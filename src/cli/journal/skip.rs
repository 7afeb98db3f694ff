//! `idtrail journal skip`: gives up a file that cannot be made.
//!
//! Its events are first written to a file of the person's, byte for byte; only
//! then does the journal say that nobody makes that file any more. On AWS this
//! fences whoever leads, for as long as it takes to write one object.

use std::{
    fs::{self, File},
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
};

use actors::{
    base::Topology,
    journal::{
        errand::{self, Undone, Wanted},
        leader::Unskippable,
        replica::{Content, OpenPlan, Piece, Replica},
    },
    pipeline,
};
use audit::{journal::Format, quarantine};
use clap::Args as ClapArgs;
use serde::Serialize;

use crate::{
    boot,
    cli::{Exit, Failure, Globals},
    history::{self, History, in_the_making},
    settings::Settings,
};

/// Give up a file that cannot be made, keeping its events in a file here
///
/// For when no release can make it, or it ends every process that tries. Its rows are in no file
/// then, and `verify` counts them as given up; all else goes on. Their events are written to
/// --events first, byte for byte, one a line: `publish` sends them again, but inside the dedup
/// window they are known, and taken for copies.
///
/// Embedded, stop `run` first. On AWS whoever leads is fenced for a moment, and goes on. Needs
/// `journal.write_format = 2` in the topology.
#[derive(Debug, ClapArgs)]
pub(in crate::cli) struct Args {
    /// The file, as the log and `journal plans` name it: data/TENANT/DAY/….parquet
    #[arg(value_name = "KEY")]
    key: String,

    /// Why, for whoever reads the journal later
    #[arg(long, value_name = "TEXT")]
    reason: String,

    /// Where its events are written; it must not exist
    #[arg(long, value_name = "FILE")]
    events: PathBuf,

    /// Go on though some of its events cannot be read: these are lost
    #[arg(long)]
    incomplete: bool,
}

/// What was given up.
#[derive(Serialize)]
struct Skipped<'a> {
    file: &'a str,
    rows: u64,
    /// As many are in the file of events.
    events: u64,
}

pub(super) async fn skip(
    args: &Args,
    settings: &Settings,
    globals: &Globals,
) -> Result<Exit, Failure> {
    let topology = &boot::topology(settings).map_err(Failure::issues)?;
    let ports = history::ports(settings).await?;
    let _lock = boot::take(settings)?;
    let history = History::open(&ports, settings).await;
    let mut history = history.map_err(Failure::outside)?;
    let newest = history.newest(globals.quiet()).await;
    let replica = newest.map_err(Failure::outside)?;
    let open = chosen(args, settings, topology, &replica)?;
    let (plan, events) = (open.id.clone(), save(args, open)?);
    let wanted = Wanted {
        plan: &plan,
        key: &args.key,
        reason: &args.reason,
    };
    let limits = pipeline::leader_limits(topology, None);
    let skipped = errand::skip(
        (history.log(), &*ports.lake, &*ports.clock),
        (boot::candidate(topology), limits),
        replica,
        wanted,
    );
    let rows = skipped.await.map_err(|undone| refused(args, &undone))?;
    let skipped = Skipped {
        file: &args.key,
        rows,
        events,
    };
    let text = format!(
        "{rows} rows given up; {events} events are in {}",
        args.events.display()
    );
    globals.output().print(&skipped, &text)?;
    Ok(Exit::Success)
}

/// The plan of the file, if it can be given up.
fn chosen<'a>(
    args: &Args,
    settings: &'a Settings,
    topology: &Topology,
    replica: &'a Replica,
) -> Result<&'a OpenPlan, Failure> {
    let refused = |why: Unskippable| Failure::usage(format!("{}: {why}", args.key));
    let mut files = in_the_making(replica, &settings.journal);
    let found = files.find(|(file, _)| *file == args.key);
    let (_, open) = found.ok_or_else(|| refused(Unskippable::NotOpen))?;
    let format = topology.limits().journal.write_format;
    match format.max(replica.head().format) {
        old if old < Format::Two => Err(refused(Unskippable::Format(old))),
        _ => Ok(open),
    }
}

/// Where nothing was given up, nothing is kept.
fn refused(args: &Args, undone: &Undone) -> Failure {
    let (key, events) = (&args.key, args.events.display());
    match undone {
        Undone::Unskippable(why) => {
            forget(&args.events);
            Failure::usage(format!("{key}: {why}"))
        }
        Undone::Unknown => Failure::outside(format!("{key}: {undone}; its events are in {events}")),
        undone => {
            forget(&args.events);
            Failure::outside(format!("{key}: {undone}"))
        }
    }
}

/// Writes what the file would have held, and makes it durable.
fn save(args: &Args, open: &OpenPlan) -> Result<u64, Failure> {
    let path = &args.events;
    let failed = |error: io::Error| Failure::usage(format!("{}: {error}", path.display()));
    let file = File::create_new(path).map_err(failed)?;
    let written = write(args, open, file);
    if written.is_err() {
        forget(path);
    }
    written
}

fn write(args: &Args, open: &OpenPlan, file: File) -> Result<u64, Failure> {
    let failed = |error: io::Error| Failure::usage(format!("{}: {error}", args.events.display()));
    let mut to = BufWriter::new(file);
    let mut count = 0;
    for piece in open.pieces.iter() {
        match events(piece) {
            Ok(events) => {
                for event in events {
                    to.write_all(&event).map_err(failed)?;
                    to.write_all(b"\n").map_err(failed)?;
                    count += 1;
                }
            }
            Err(why) if args.incomplete => {
                let (slot, rows) = (piece.seq.0, piece.rows);
                tracing::warn!(slot, rows, why, "these events cannot be read, and are lost");
            }
            Err(why) => {
                return Err(Failure::outside(format!(
                    "the {} events of slot {} cannot be read: {why}. With --incomplete they are \
                     given up for good",
                    piece.rows, piece.seq
                )));
            }
        }
    }
    let file = to
        .into_inner()
        .map_err(|error| failed(error.into_error()))?;
    file.sync_all().map_err(failed)?;
    Ok(count)
}

/// As they came; of the quarantine as `quarantine ls` prints them.
fn events(piece: &Piece) -> Result<Vec<Vec<u8>>, String> {
    match &piece.content {
        Content::Rows { batch, slice } => {
            let rows = &batch.slices[*slice];
            let raw = batch.raw(rows.row_start..rows.row_end);
            let raw = raw.map_err(|error| error.to_string())?;
            Ok(raw.iter().map(|event| event.to_vec()).collect())
        }
        Content::Quarantine(entries) => {
            let line = |entry: &quarantine::Entry| entry.to_listing().into_bytes();
            Ok(entries.iter().map(line).collect())
        }
    }
}

fn forget(path: &Path) {
    if let Err(error) = fs::remove_file(path) {
        tracing::warn!(file = %path.display(), %error, "a file that was begun is left");
    }
}
