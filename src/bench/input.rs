//! Where a benchmark's events come from.

use std::{
    fs::File,
    path::{Path, PathBuf},
};

use audit::{
    message::{Decoder, Event, Limits, Pull},
    source::Source,
};
use bytes::Bytes;
use company::Company;
use jiff::civil::{Date, date};

/// Of the invented events: any day does, but the same one every time.
const UNTIL: Date = date(2026, 3, 31);

#[derive(Debug)]
pub enum Input {
    /// So many, of a company such as the demo invents.
    Invented { company: Box<Company>, events: u64 },
    /// Of files, the first so many; each event tells its source.
    Files {
        files: Vec<PathBuf>,
        events: Option<u64>,
    },
}

#[derive(Debug, thiserror::Error)]
pub enum InputError {
    #[error("{0}: {1}")]
    File(String, String),
    #[error("no events in the files: name files of audit events with --input")]
    Empty,
}

type Found = Result<(Source, Bytes), InputError>;

impl Input {
    /// How many there will be, where that is known.
    pub fn expected(&self) -> Option<u64> {
        match self {
            Input::Invented { events, .. } => Some(*events),
            Input::Files { events, .. } => *events,
        }
    }

    pub fn events(&self) -> Box<dyn Iterator<Item = Found> + Send + '_> {
        match self {
            Input::Invented { company, events } => {
                let history = company.history(UNTIL, *events);
                Box::new(history.map(|event| Ok((event.source, event.raw.into()))))
            }
            Input::Files { files, events } => {
                let all = files.iter().flat_map(|path| of_file(path));
                Box::new(all.take(events.map_or(usize::MAX, |events| events as usize)))
            }
        }
    }
}

/// Ends after the first error.
fn of_file(path: &Path) -> impl Iterator<Item = Found> + Send + use<> {
    let failed = {
        let name = path.display().to_string();
        move |why: String| InputError::File(name.clone(), why)
    };
    let mut decoder = match File::open(path) {
        Ok(file) => Ok(Some(Decoder::of_reader(file, &Limits::default()))),
        Err(error) => Err(Some(failed(error.to_string()))),
    };
    let mut ready: std::vec::IntoIter<Event> = Vec::new().into_iter();
    std::iter::from_fn(move || {
        loop {
            if let Some(event) = ready.next() {
                let source = Source::of_event(&event.raw);
                let why = || failed(format!("byte {}: of none of the sources", event.offset));
                return Some(
                    source
                        .map(|source| (source, event.raw.clone()))
                        .ok_or_else(why),
                );
            }
            let reading = match &mut decoder {
                Ok(reading) => reading,
                Err(error) => return error.take().map(Err),
            };
            match reading.as_mut()?.next_parcel() {
                Ok(Pull::Parcel(parcel)) => ready = parcel.events.into_iter(),
                Ok(Pull::End | Pull::Hungry) => return None,
                Err(why) => {
                    *reading = None;
                    return Some(Err(failed(why.to_string())));
                }
            }
        }
    })
}
