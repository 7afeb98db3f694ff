//! Where idtrail runs: process, settings, command line, local adapters.
//!
//! [`cli`] is the way in. [`settings`] says what to do, [`local`] implements the
//! actors' ports over directories, [`boot`] joins them to the actors, [`clock`] over the machine's clocks,
//! [`logging`], [`http`] and [`progress`] tell people and machines how it goes. [`publish`] sends
//! events to the queue, from files or pushed to [`http`].

pub mod boot;
pub mod cli;
pub mod clock;
pub mod history;
pub mod http;
pub mod local;
pub mod logging;
pub mod progress;
pub mod publish;
pub mod settings;
pub mod verify;
