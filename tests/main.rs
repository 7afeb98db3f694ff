//! idtrail from outside: the program as a user runs it, on directories of its
//! own, and the rules that the repository keeps for itself.
#![expect(
    clippy::print_stdout,
    reason = "a test says its seed, and what it skips"
)]

mod alerts;
mod aws;
mod bad_input;
mod command_line;
mod crash;
mod demo;
mod documents;
mod events;
mod http;
mod ingest;
mod manual;
mod need;
mod points;
mod program;
mod readers;
mod salvage;
mod scripts;
mod spine;
mod tables;
mod terminal;
mod tidy;
mod unmade;
