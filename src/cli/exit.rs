//! How a verb ends: exit codes, and failures told to people.

use std::{fmt::Display, io, process::ExitCode};

use actors::{
    pipeline::Undrained,
    ports::{QueueError, StoreError},
};

use crate::{http::OpenError, local::LockError, settings::Issue};

/// Exit codes. Scripts rely on them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Exit {
    Success = 0,
    /// `verify`: the numbers do not add up.
    Mismatch = 1,
    /// Wrong usage, settings or topology, or a file that is not there.
    Usage = 2,
    /// Something outside: unreachable, forbidden, or in use.
    Outside = 3,
    /// `run --drain`, `demo`: the deadline or a signal came first.
    Deadline = 4,
    /// The supervisor gave up (`EX_SOFTWARE` of sysexits.h).
    GaveUp = 70,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit as u8)
    }
}

/// Why a verb could not do its work.
#[derive(Debug)]
pub struct Failure {
    exit: Exit,
    /// One line for each thing that is wrong.
    lines: Vec<String>,
}

impl Failure {
    pub fn new(exit: Exit, what: impl Display) -> Failure {
        Failure {
            exit,
            lines: vec![what.to_string()],
        }
    }

    /// Whoever failed has said why.
    pub fn told(exit: Exit) -> Failure {
        Failure {
            exit,
            lines: Vec::new(),
        }
    }

    pub fn usage(what: impl Display) -> Failure {
        Failure::new(Exit::Usage, what)
    }

    pub fn outside(what: impl Display) -> Failure {
        Failure::new(Exit::Outside, what)
    }

    /// Each of these, which are settings or topology.
    pub fn issues(issues: impl IntoIterator<Item = impl Display>) -> Failure {
        Failure {
            exit: Exit::Usage,
            lines: issues.into_iter().map(|issue| issue.to_string()).collect(),
        }
    }

    /// Prints the lines on standard error.
    #[expect(
        clippy::print_stderr,
        reason = "the last words of the process, logging or not"
    )]
    pub fn tell(&self) -> Exit {
        for line in &self.lines {
            eprintln!("{line}");
        }
        self.exit
    }
}

impl From<Vec<Issue>> for Failure {
    fn from(issues: Vec<Issue>) -> Failure {
        Failure::issues(issues)
    }
}

macro_rules! outside {
    ($($error:ty),*) => {$(
        impl From<$error> for Failure {
            fn from(error: $error) -> Failure {
                Failure::outside(error)
            }
        }
    )*};
}

outside!(QueueError, StoreError, LockError, Undrained);

impl From<OpenError> for Failure {
    fn from(error: OpenError) -> Failure {
        match error {
            OpenError::Bind(error) => Failure::outside(error),
            OpenError::Tls(error) => Failure::usage(error),
        }
    }
}

/// Of standard output or the runtime; files are told of with their names.
impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Failure {
        Failure::outside(error)
    }
}
