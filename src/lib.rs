//! Where idtrail runs: process, settings, command line, local adapters.
//!
//! [`cli`] is the way in. [`settings`] says what to do, [`local`] implements the
//! actors' ports over directories, [`clock`] over the machine's clocks,
//! [`logging`], [`http`] and [`progress`] tell people and machines how it goes.

pub mod clock;
pub mod local;
pub mod settings;
