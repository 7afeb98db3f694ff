//! One database file in memory: checked when it is read, asked with care.

use core::net::{IpAddr, Ipv4Addr};
use std::{
    fmt, io,
    os::unix::fs::MetadataExt as _,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
};

use maxminddb::Reader;
use serde::Deserialize;

use super::{Place, Warning};

/// Largest file that is read: MaxMind's largest City database has 130 MB.
const FILE_BYTES_MAX: u64 = 1 << 30;

/// Addresses looked up to check a file, spread over all of IPv4.
const SAMPLES: u32 = 4096;

/// Tells one file from the next at the same path.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Stamp {
    modified: (i64, i64),
    bytes: u64,
    inode: u64,
}

pub(super) struct City {
    reader: Reader<Vec<u8>>,
}

/// The few facts of a record that are used.
#[derive(Deserialize)]
struct Record<'a> {
    #[serde(borrow)]
    city: Option<Named<'a>>,
    #[serde(borrow)]
    country: Option<Named<'a>>,
    #[serde(borrow)]
    subdivisions: Option<Vec<Named<'a>>>,
    location: Option<Location>,
}

#[derive(Deserialize)]
struct Named<'a> {
    #[serde(borrow)]
    names: Option<Names<'a>>,
}

#[derive(Deserialize)]
struct Names<'a> {
    en: Option<&'a str>,
}

#[derive(Deserialize)]
struct Location {
    latitude: Option<f64>,
    longitude: Option<f64>,
}

impl Stamp {
    /// Of the file at `path`, if there is one.
    pub(super) fn of(path: &Path) -> Option<Stamp> {
        let data = std::fs::metadata(path).ok()?;
        Some(Stamp {
            modified: (data.mtime(), data.mtime_nsec()),
            bytes: data.len(),
            inode: data.ino(),
        })
    }
}

impl City {
    pub(super) fn load(path: &Path) -> Result<City, Warning> {
        let broken = |reason: String| Warning::Broken {
            path: path.to_owned(),
            reason,
        };
        let bytes = read(path).map_err(|error| broken(error.to_string()))?;
        let reader = contained(|| Reader::from_source(bytes).map_err(|error| error.to_string()))
            .map_err(broken)?;
        let found = &reader.metadata().database_type;
        if !found.contains("City") {
            return Err(Warning::WrongType {
                path: path.to_owned(),
                found: found.chars().take(64).collect(),
            });
        }
        let city = City { reader };
        for sample in 0..SAMPLES {
            let ip = Ipv4Addr::from_bits(sample * (u32::MAX / SAMPLES));
            city.place(ip.into()).map_err(broken)?;
        }
        Ok(city)
    }

    /// The place of an address; the error says what is wrong with the file.
    pub(super) fn place(&self, ip: IpAddr) -> Result<Option<Place>, String> {
        if ip.is_ipv6() && self.reader.metadata().ip_version == 4 {
            return Ok(None);
        }
        contained(|| {
            let found = self.reader.lookup(ip).map_err(|error| error.to_string())?;
            let record = found
                .decode::<Record<'_>>()
                .map_err(|error| error.to_string())?;
            Ok(record.and_then(Record::into_place))
        })
    }
}

impl Record<'_> {
    /// `None` if it has nothing that is wanted.
    fn into_place(self) -> Option<Place> {
        let (latitude, longitude) = match self.location {
            Some(Location {
                latitude: Some(latitude @ -90.0..=90.0),
                longitude: Some(longitude @ -180.0..=180.0),
            }) => (Some(latitude), Some(longitude)),
            _ => (None, None),
        };
        let place = Place {
            city: self.city.and_then(Named::english),
            country: self.country.and_then(Named::english),
            region: self
                .subdivisions
                .and_then(|mut subdivisions| subdivisions.pop()?.english()),
            latitude,
            longitude,
        };
        let known = place.city.is_some()
            || place.country.is_some()
            || place.region.is_some()
            || place.latitude.is_some();
        known.then_some(place)
    }
}

impl Named<'_> {
    fn english(self) -> Option<Box<str>> {
        let name = self.names?.en?;
        (!name.is_empty()).then(|| name.into())
    }
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    let bytes = std::fs::metadata(path)?.len();
    if bytes > FILE_BYTES_MAX {
        return Err(io::Error::other(format!(
            "{bytes} bytes, at most {FILE_BYTES_MAX} are read"
        )));
    }
    std::fs::read(path)
}

/// The library is meant to return errors for damaged files. If it ever panics
/// instead, that is one.
fn contained<T>(work: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(work))
        .unwrap_or_else(|_| Err("the file is damaged in a way its reader does not expect".into()))
}

impl fmt::Debug for City {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("City")
            .field("metadata", self.reader.metadata())
            .finish_non_exhaustive()
    }
}
