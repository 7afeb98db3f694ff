//! Whether to colour what is written.
//!
//! By the conventions that other programs keep: `NO_COLOR` declines colour
//! everywhere (no-color.org), `CLICOLOR_FORCE` asks for it even in a pipe, and
//! otherwise a terminal gets it unless it calls itself dumb.

use std::{
    env,
    ffi::OsString,
    io::{self, IsTerminal},
};

pub fn on_stdout() -> bool {
    wanted(io::stdout().is_terminal(), |name| env::var_os(name))
}

pub fn on_stderr() -> bool {
    wanted(io::stderr().is_terminal(), |name| env::var_os(name))
}

fn wanted(is_terminal: bool, variable: impl Fn(&str) -> Option<OsString>) -> bool {
    let is_set = |name| variable(name).is_some_and(|value| !value.is_empty());
    if is_set("NO_COLOR") {
        return false;
    }
    if is_set("CLICOLOR_FORCE") && variable("CLICOLOR_FORCE").is_none_or(|value| value != "0") {
        return true;
    }
    is_terminal && variable("TERM").is_none_or(|value| value != "dumb")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colour_is_for_terminals_and_for_who_asks() {
        for (is_terminal, variables, expected) in [
            (true, &[][..], true),
            (false, &[], false),
            (true, &[("NO_COLOR", "1")], false),
            (true, &[("NO_COLOR", "")], true),
            (true, &[("TERM", "dumb")], false),
            (false, &[("CLICOLOR_FORCE", "1")], true),
            (false, &[("CLICOLOR_FORCE", "0")], false),
            (false, &[("CLICOLOR_FORCE", "")], false),
            (true, &[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")], false),
        ] {
            let variable = |name: &str| {
                let found = variables.iter().find(|(given, _)| *given == name);
                found.map(|(_, value)| OsString::from(value))
            };
            let found = wanted(is_terminal, variable);
            assert_eq!(found, expected, "{is_terminal} {variables:?}");
        }
    }
}
