//! Where idtrail runs: process, settings, command line, adapters.
//!
//! [`cli`] is the way in. [`settings`] says what to do, [`local`] implements the
//! actors' ports over directories, [`aws`] over SQS and S3, [`clock`] over the
//! machine's clocks; [`boot`] joins them to the actors. [`logging`], [`metrics`],
//! [`http`] and [`progress`] tell people and machines how it goes. [`publish`]
//! sends events to the queue, from files or pushed to [`http`].

pub mod aws;
pub mod boot;
pub mod cli;
pub mod clock;
pub mod ddl;
pub mod finding;
pub mod history;
pub mod http;
pub mod local;
pub mod logging;
pub mod metrics;
pub mod progress;
pub mod publish;
pub mod scrape;
pub mod settings;
pub mod verify;
pub mod version;
