//! Where an address is: GeoIP2 or GeoLite2 City, in MaxMind's format.
//!
//! Optional everywhere: without a database, or with a missing, wrong or broken
//! one, places are unknown and the caller has a [`Warning`] to show. A file is
//! read into memory and checked before it is used, a newer one replaces it
//! between two look-ups, and a broken newer one changes nothing. A damaged file
//! that passes the check costs the places of its damaged records, never more.
//!
//! One [`Database`] serves the process; each worker has its own [`Places`], which
//! remember what was looked up.

mod file;
#[cfg(test)]
mod tests;

use core::net::IpAddr;
use std::{
    collections::HashMap,
    path::PathBuf,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use self::file::{City, Stamp};

/// Addresses remembered by one worker, about 10 MB at most. Audit logs come from
/// few addresses; when there are more, it begins anew.
const REMEMBERED_MAX: usize = 1 << 16;

/// Why places are unknown, or stay those of the older file.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Warning {
    #[error("no GeoIP database at {path:?}: events are stored without a place")]
    Missing { path: PathBuf },
    #[error("{path:?} is a {found} database: a City database is needed")]
    WrongType { path: PathBuf, found: String },
    #[error("the GeoIP database {path:?} cannot be used: {reason}")]
    Broken { path: PathBuf, reason: String },
}

/// What is known of an address.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct PlaceRef<'a> {
    pub city: Option<&'a str>,
    pub country: Option<&'a str>,
    /// The most specific subdivision.
    pub region: Option<&'a str>,
    pub latitude: Option<f64>,
    pub longitude: Option<f64>,
}

/// Where addresses are.
pub trait Lookup {
    /// `None`: unknown, or no address.
    fn lookup(&mut self, ip: &str) -> Option<PlaceRef<'_>>;
}

/// The database of the process.
#[derive(Debug)]
pub struct Database {
    path: Option<PathBuf>,
    /// Counts the files that were taken into use.
    version: AtomicU64,
    current: Mutex<Current>,
}

#[derive(Debug)]
struct Current {
    city: Option<Arc<City>>,
    /// Of the file last tried, good or not.
    stamp: Option<Stamp>,
}

/// One worker's look-ups.
#[derive(Debug)]
pub struct Places {
    database: Arc<Database>,
    version: u64,
    city: Option<Arc<City>>,
    remembered: HashMap<IpAddr, Option<Place>>,
}

#[derive(Clone, Debug)]
struct Place {
    city: Option<Box<str>>,
    country: Option<Box<str>>,
    region: Option<Box<str>>,
    latitude: Option<f64>,
    longitude: Option<f64>,
}

impl Database {
    /// The database at `path`, if one is named. It can be used in any case.
    pub fn open(path: Option<PathBuf>) -> (Arc<Database>, Option<Warning>) {
        let database = Database {
            path,
            version: AtomicU64::new(0),
            current: Mutex::new(Current {
                city: None,
                stamp: None,
            }),
        };
        let warning = database.load(true).err();
        (Arc::new(database), warning)
    }

    /// Takes a changed file into use; whether there was one. On a warning the
    /// older file stays in use, and the same file is not tried again.
    pub fn reload_if_changed(&self) -> Result<bool, Warning> {
        self.load(false)
    }

    /// Whether places are known; `None` where no database is named.
    pub fn in_use(&self) -> Option<bool> {
        self.path.is_some().then(|| self.lock().city.is_some())
    }

    fn load(&self, first: bool) -> Result<bool, Warning> {
        let Some(path) = &self.path else {
            return Ok(false);
        };
        let stamp = Stamp::of(path);
        {
            let mut current = self.lock();
            if current.stamp == stamp && !first {
                return Ok(false);
            }
            current.stamp.clone_from(&stamp);
        }
        if stamp.is_none() {
            return Err(Warning::Missing { path: path.clone() });
        }
        let city = City::load(path)?;
        self.lock().city = Some(Arc::new(city));
        self.version.fetch_add(1, Ordering::Release);
        Ok(true)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Current> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Places {
    pub fn new(database: Arc<Database>) -> Places {
        let version = database.version.load(Ordering::Acquire);
        let city = database.lock().city.clone();
        Places {
            database,
            version,
            city,
            remembered: HashMap::new(),
        }
    }
}

impl Lookup for Places {
    fn lookup(&mut self, ip: &str) -> Option<PlaceRef<'_>> {
        let ip = ip.parse::<IpAddr>().ok()?.to_canonical();
        let version = self.database.version.load(Ordering::Acquire);
        if version != self.version {
            self.version = version;
            self.city = self.database.lock().city.clone();
            self.remembered.clear();
        }
        let city = self.city.as_ref()?;
        if self.remembered.len() >= REMEMBERED_MAX && !self.remembered.contains_key(&ip) {
            self.remembered.clear();
        }
        let place = self.remembered.entry(ip);
        let place = place.or_insert_with(|| city.place(ip).ok().flatten());
        place.as_ref().map(Place::borrow)
    }
}

impl Place {
    fn borrow(&self) -> PlaceRef<'_> {
        PlaceRef {
            city: self.city.as_deref(),
            country: self.country.as_deref(),
            region: self.region.as_deref(),
            latitude: self.latitude,
            longitude: self.longitude,
        }
    }
}
