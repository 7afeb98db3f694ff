//! `idtrail publish`: events from files to the queue.
//!
//! Files are read as a stream, taken apart into events, and the events packed
//! many to a message, each byte for byte as it was. An event that no message
//! can hold is stored as a payload first, and a pointer is sent. The work is
//! done by [`crate::publish`].

use std::{
    fs::{self, File},
    io::{self, Read},
    path::{Path, PathBuf},
};

use audit::{source::Source, tenant::Tenant};
use clap::{
    Args as ClapArgs,
    builder::{PossibleValuesParser, TypedValueParser},
};

use super::{Exit, Failure, Globals};
use crate::{
    boot,
    progress::Progress,
    publish::{FileError, Files, Outlet, PublishError, Publisher},
};

/// Send events from files to the queue
///
/// A file may be NDJSON, a JSON array, one event, a CloudTrail file ({"Records": [...]}), and any
/// of these in gzip or zstd: its content tells. Works beside a running `run`. Publishing the same
/// events again does no harm: they are recognised as duplicates. What is no event among them goes to
/// quarantine; a file that begins with something else altogether is refused with exit code 2.
///
/// Prints how many events were sent, in how many messages, and how many of the events no message
/// can hold, so that they went by way of the store: {"events","messages","offloaded"}.
#[derive(Debug, ClapArgs)]
pub(super) struct Args {
    /// Where the events were recorded
    #[arg(long, value_parser = source())]
    source: Source,

    /// Whose events they are [default: `default_tenant` of the settings]
    #[arg(long, value_parser = Tenant::parse)]
    tenant: Option<Tenant>,

    /// Files to send; - is standard input
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
}

/// By name; all of them are known beforehand, for help and for completions.
fn source() -> impl TypedValueParser<Value = Source> {
    let names = PossibleValuesParser::new(Source::ALL.map(Source::name));
    names.try_map(|name| name.parse::<Source>())
}

pub(super) fn run(args: &Args, globals: &Globals) -> Result<Exit, Failure> {
    let settings = globals.start()?;
    let inputs = args
        .files
        .iter()
        .map(|path| Input::of(path))
        .collect::<Result<Vec<_>, _>>()?;
    let progress = progress(&inputs, globals.quiet());
    let tenant = args.tenant.as_ref().map(Tenant::as_str);
    let sent = boot::runtime()?.block_on(async {
        let outlet = Outlet::of(&boot::ports(&settings).await?);
        let mut files = Files::new(Publisher::new(outlet, Some(args.source), tenant));
        for input in inputs {
            progress.name(input.name.clone());
            let reader = progress.read(input.open()?);
            files.publish(&input.name, reader).await?;
        }
        Ok::<_, Failure>(files.finish().await?)
    })?;
    drop(progress);
    let text = format!(
        "events {}, messages {}, offloaded {}",
        sent.events, sent.messages, sent.offloaded
    );
    globals.output().print(&sent, &text)?;
    Ok(Exit::Success)
}

impl From<FileError> for Failure {
    fn from(error: FileError) -> Failure {
        match error {
            FileError::Unreadable(..) | FileError::NoEvents(..) => Failure::usage(error),
            FileError::Publish(error) => error.into(),
        }
    }
}

impl From<PublishError> for Failure {
    fn from(error: PublishError) -> Failure {
        Failure::outside(error)
    }
}

fn progress(inputs: &[Input], quiet: bool) -> Progress {
    match inputs.iter().map(|input| input.bytes).sum::<Option<u64>>() {
        Some(whole) => Progress::bytes(whole, quiet),
        None => Progress::stream(quiet),
    }
}

/// A file to read, looked at before anything is sent.
struct Input {
    path: PathBuf,
    name: String,
    /// `None` for standard input and whatever else has no size.
    bytes: Option<u64>,
}

impl Input {
    fn of(path: &Path) -> Result<Input, Failure> {
        if path.as_os_str() == "-" {
            return Ok(Input {
                path: path.to_owned(),
                name: "standard input".to_owned(),
                bytes: None,
            });
        }
        let name = path.display().to_string();
        let metadata = fs::metadata(path).map_err(|error| failed(&name, &error))?;
        if metadata.is_dir() {
            return Err(Failure::usage(format!(
                "{name}: a directory, name the files in it"
            )));
        }
        Ok(Input {
            path: path.to_owned(),
            name,
            bytes: metadata.is_file().then_some(metadata.len()),
        })
    }

    fn open(&self) -> Result<Box<dyn Read + Send>, Failure> {
        if self.path.as_os_str() == "-" {
            return Ok(Box::new(io::stdin()));
        }
        match File::open(&self.path) {
            Ok(file) => Ok(Box::new(file)),
            Err(error) => Err(failed(&self.name, &error)),
        }
    }
}

fn failed(name: &str, error: &io::Error) -> Failure {
    let exit = match error.kind() {
        io::ErrorKind::NotFound => Exit::Usage,
        _ => Exit::Outside,
    };
    Failure::new(exit, format!("{name}: {error}"))
}
