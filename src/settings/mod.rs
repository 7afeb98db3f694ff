//! Settings: from a file and the environment to one plain, checked value.
//!
//! The raw form keeps where each value came from; every value is checked
//! against the table of [`keys`]; only when nothing is wrong does the plain
//! form exist. All that is wrong is told at once. The environment wins over the
//! file, so that a container needs no file. No file at all is the embedded
//! mode: queue, journal and lake as directories under `data`.

mod aws;
mod issue;
pub mod keys;
mod raw;
mod relations;
mod value;
mod yaml;

use std::{collections::BTreeMap, fs, io, net::SocketAddr, path::Path, path::PathBuf};

use audit::{credential::Grants, journal_id::JournalName, message, source::Source, tenant::Tenant};

pub use aws::{Aws, Prefix};
pub use issue::{Issue, Place};
use raw::Values;
pub use value::{Kind, Value};

/// The file that is read where none is named, if it is there.
pub const FILE_DEFAULT: &str = "idtrail.yaml";

const GEOIP: &str = "identity_activity_center.maxmind_geoip_city_db_path";

/// Environment variables by name.
pub type Environment = BTreeMap<String, String>;

/// What the program acts on. Every field has been checked.
#[derive(Clone, PartialEq, Debug)]
pub struct Settings {
    /// `None` is the embedded mode.
    pub aws: Option<Aws>,
    pub geoip: Option<PathBuf>,
    pub log: Log,
    pub http_listen: SocketAddr,
    pub push: Push,
    /// Without it the listener speaks plain HTTP.
    pub tls: Option<Tls>,
    /// Of events that name no tenant.
    pub default_tenant: Tenant,
    /// Whether the message attribute `tenant_id` is believed.
    pub trust_attributes: bool,
    /// By the sender that the queue verified.
    pub tenants_by_sender: BTreeMap<String, Tenant>,
    /// By the owner of an event, in the order of [`Source::ALL`].
    pub tenants_by_owner: [BTreeMap<String, Tenant>; 4],
    pub limits: message::Limits,
    pub journal: JournalName,
    pub lake_compression: Compression,
    /// Files that are in the making when the process first leads are left alone.
    pub safe_mode: bool,
    /// A file that replaces the built-in topology.
    pub topology: Option<PathBuf>,
    pub data: PathBuf,
    pub visibility_timeout_secs: u64,
    /// What is odd but lets the program run.
    pub warnings: Vec<Issue>,
}

#[derive(Clone, PartialEq, Debug)]
pub struct Log {
    pub level: tracing::level_filters::LevelFilter,
    pub json: bool,
}

/// Push ingest.
#[derive(Clone, PartialEq, Debug)]
pub struct Push {
    pub tokens: Grants,
    /// Of a body as received.
    pub body_bytes: u64,
    /// Pushes in hand at once.
    pub concurrency: u64,
}

/// Files of the listener, and whom their client certificates stand for.
#[derive(Clone, PartialEq, Debug)]
pub struct Tls {
    pub cert: PathBuf,
    pub key: PathBuf,
    pub client_ca: Option<PathBuf>,
    /// Names of tokens by DNS name.
    pub clients: BTreeMap<String, String>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Compression {
    /// ZSTD for the raw event, Snappy for everything else.
    Mixed,
    Snappy,
}

impl Settings {
    /// Reads `file`, or [`FILE_DEFAULT`] if it is there. A file that was named
    /// must exist.
    pub fn load(file: Option<&Path>, environment: &Environment) -> Result<Settings, Vec<Issue>> {
        let path = file.unwrap_or(Path::new(FILE_DEFAULT));
        let name = path.display().to_string();
        let text = match fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound && file.is_none() => {
                String::new()
            }
            Err(error) => {
                let what = format!("cannot be read: {error}, name an existing file with --config");
                return Err(vec![raw::at(&name, 1, "", what)]);
            }
        };
        let values = raw::values(&name, &text, environment)?;
        let place = values.place(GEOIP);
        let mut settings = Settings::from(values);
        let missing = place.and_then(|place| settings.missing_geoip(place));
        settings.warnings.extend(missing);
        Ok(settings)
    }

    /// The settings in `text`, with `file` as its name in errors. Touches
    /// nothing outside.
    pub fn parse(
        file: &str,
        text: &str,
        environment: &Environment,
    ) -> Result<Settings, Vec<Issue>> {
        raw::values(file, text, environment).map(Settings::from)
    }

    fn missing_geoip(&self, place: Place) -> Option<Issue> {
        let path = self.geoip.as_ref().filter(|path| !path.exists())?;
        let what = format!(
            "{} does not exist, the place columns stay NULL until it does",
            path.display()
        );
        Some(Issue {
            place,
            key: GEOIP.to_owned(),
            what,
        })
    }
}

impl From<Values> for Settings {
    fn from(mut values: Values) -> Settings {
        let level: String = values.required("log.level");
        let compression: String = values.required("lake.compression");
        Settings {
            aws: Aws::of(&mut values),
            geoip: values.optional::<String>(GEOIP).map(PathBuf::from),
            log: Log {
                level: level
                    .parse()
                    .expect("the table allows the names of levels only"),
                json: values.required::<String>("log.format") == "json",
            },
            http_listen: values.required("http.listen"),
            push: Push {
                tokens: values.optional("http.ingest_tokens").unwrap_or_default(),
                body_bytes: values.required("http.ingest_body_bytes"),
                concurrency: values.required("http.ingest_concurrency"),
            },
            tls: Tls::of(&mut values),
            default_tenant: values.required("default_tenant"),
            trust_attributes: values.required("trust_attributes"),
            tenants_by_sender: values.optional("tenants.senders").unwrap_or_default(),
            tenants_by_owner: Source::ALL.map(|source| {
                let tenants = values.optional(&format!("tenants.{source}"));
                tenants.unwrap_or_default()
            }),
            limits: limits(&mut values),
            journal: values.required("journal.name"),
            lake_compression: match compression.as_str() {
                "snappy" => Compression::Snappy,
                _ => Compression::Mixed,
            },
            safe_mode: values.required("safe_mode"),
            topology: values.optional::<String>("topology").map(PathBuf::from),
            data: values.required::<String>("data").into(),
            visibility_timeout_secs: values.required("visibility_timeout_secs"),
            warnings: values.warnings,
        }
    }
}

impl Tls {
    fn of(values: &mut Values) -> Option<Tls> {
        let mut path = |key| values.optional::<String>(key).map(PathBuf::from);
        let (cert, key) = path("tls.cert").zip(path("tls.key"))?;
        Some(Tls {
            cert,
            key,
            client_ca: path("tls.client_ca"),
            clients: values.optional("tls.clients").unwrap_or_default(),
        })
    }
}

fn limits(values: &mut Values) -> message::Limits {
    let mut mib = |key| values.required::<u64>(key) << 20;
    message::Limits {
        event_bytes: mib("limits.event_mib_max") as usize,
        compressed_bytes: mib("limits.compressed_mib_max"),
        unpacked_bytes: mib("limits.unpacked_mib_max"),
        ratio: values.required("limits.ratio_max"),
        zstd_window_log: values.required::<u64>("limits.zstd_window_log_max") as u32,
        ..message::Limits::default()
    }
}

#[cfg(test)]
mod tests;
