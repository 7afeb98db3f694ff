//! Where idtrail runs: process, settings, command line, adapters.
//!
//! [`cli`] is the way in. [`settings`] says what to do, [`local`] implements the
//! actors' ports over directories, [`aws`] over SQS and S3, [`clock`] over the
//! machine's clocks; [`boot`] joins them to the actors. [`logging`], [`metrics`],
//! [`http`] and [`progress`] tell people and machines how it goes. [`publish`]
//! sends events to the queue, from files or pushed to [`http`], [`salvage`] what a
//! damaged journal still holds. [`top`] shows what
//! a running process tells [`client`]; [`color`] says whether in colour, and
//! [`version`] which program all this is. `fail` ends test builds at named points.

pub mod aws;
pub mod bench;
pub mod boot;
pub mod cli;
pub mod client;
pub mod clock;
pub mod color;
pub mod ddl;
pub mod demo;
#[cfg(debug_assertions)]
pub mod fail;
pub mod finding;
pub mod history;
pub mod http;
pub mod local;
pub mod logging;
pub mod metrics;
pub mod progress;
pub mod publish;
pub mod salvage;
pub mod scrape;
pub mod serving;
pub mod settings;
pub mod signals;
pub mod top;
pub mod verify;
pub mod version;
