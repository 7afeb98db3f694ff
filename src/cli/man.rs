//! `idtrail man`: the manual, made from what the command line says of itself.
//!
//! The page of the whole program has the examples and exit codes that `--help`
//! shows, every setting's variable, and the files; the page of a verb is its
//! own help.

use std::{
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
};

use clap::{Args as ClapArgs, Command, CommandFactory};
use clap_mangen::{
    Man,
    roff::{Inline, Roff, bold, roman},
};

use super::{Cli, EXAMPLES, Exit, Failure, output};
use crate::settings::{FILE_DEFAULT, keys};

/// Print the manual, for man(1)
///
/// One page for the whole program, to be read with `idtrail man | man -l -`. With --dir, that page
/// and one for each verb are written into the directory, as idtrail.1, idtrail-run.1 and so on.
#[derive(Debug, ClapArgs)]
pub(super) struct Args {
    /// Write all pages into this directory, such as ~/.local/share/man/man1
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

const FILES: [(&str, &str); 5] = [
    (
        FILE_DEFAULT,
        "Settings, in the working directory; --config names another file.",
    ),
    (
        "idtrail-data/queue",
        "The embedded queue; messages that nobody can process are in dead below it. --data names \
         another directory than idtrail-data.",
    ),
    (
        "idtrail-data/large_files",
        "The journal, and payloads too large for a message.",
    ),
    (
        "idtrail-data/lake",
        "The lake: Parquet files below data, by tenant and day.",
    ),
    (
        "idtrail-data/lock",
        "Held by the one process that runs on the directory.",
    ),
];

pub(super) fn run(args: &Args) -> Result<Exit, Failure> {
    let pages = pages(args.dir.is_some())?;
    match &args.dir {
        Some(directory) => write(directory, &pages)?,
        None => pages
            .iter()
            .try_for_each(|page| output::bytes(&page.text))?,
    }
    Ok(Exit::Success)
}

struct Page {
    file: String,
    text: Vec<u8>,
}

fn write(directory: &Path, pages: &[Page]) -> Result<(), Failure> {
    let failed = |path: &Path, error: io::Error| {
        Failure::outside(format!(
            "{} cannot be written: {error}: name a directory that can",
            path.display()
        ))
    };
    fs::create_dir_all(directory).map_err(|error| failed(directory, error))?;
    for page in pages {
        let path = directory.join(&page.file);
        fs::write(&path, &page.text).map_err(|error| failed(&path, error))?;
    }
    Ok(())
}

/// The page of the whole program, and, where `all` are wanted, of every verb.
fn pages(all: bool) -> io::Result<Vec<Page>> {
    let mut program = Cli::command().disable_help_subcommand(true);
    program.build();
    let mut pages = vec![page(&program, true)?];
    if all {
        verbs(&program, &mut pages)?;
    }
    Ok(pages)
}

fn verbs(of: &Command, pages: &mut Vec<Page>) -> io::Result<()> {
    for verb in of.get_subcommands() {
        pages.push(page(verb, false)?);
        verbs(verb, pages)?;
    }
    Ok(())
}

fn page(command: &Command, whole: bool) -> io::Result<Page> {
    let man = Man::new(command.clone())
        .source(format!("idtrail {}", env!("CARGO_PKG_VERSION")))
        .manual("idtrail");
    let file = man.get_filename();
    let mut text = Vec::new();
    man.render_title(&mut text)?;
    man.render_name_section(&mut text)?;
    man.render_synopsis_section(&mut text)?;
    man.render_description_section(&mut text)?;
    man.render_options_section(&mut text)?;
    if command.has_subcommands() {
        man.render_subcommands_section(&mut text)?;
    }
    if whole {
        rest(&mut text)?;
    } else {
        let mut roff = Roff::new();
        roff.control("SH", ["SEE ALSO"]);
        roff.text([bold("idtrail"), roman("(1)")]);
        roff.to_writer(&mut text)?;
    }
    Ok(Page { file, text })
}

/// What only the page of the whole program has.
fn rest(text: &mut impl Write) -> io::Result<()> {
    let mut roff = Roff::new();
    roff.control("SH", ["EXIT STATUS"]);
    for (code, meaning) in exit_codes() {
        entry(&mut roff, code, meaning);
    }
    roff.control("SH", ["ENVIRONMENT"]);
    roff.text([roman(
        "Each setting has a variable, which goes before the settings file. They are:",
    )]);
    for key in keys::all() {
        entry(&mut roff, &key.variable(), key.doc);
    }
    entry(
        &mut roff,
        "NO_COLOR",
        "Set to anything, nothing is coloured (no-color.org).",
    );
    entry(
        &mut roff,
        "CLICOLOR_FORCE",
        "Set to anything but 0, help and log lines are coloured even in a pipe.",
    );
    roff.control("SH", ["FILES"]);
    for (file, meaning) in FILES {
        entry(&mut roff, file, meaning);
    }
    roff.control("SH", ["EXAMPLES"]);
    // As they stand: not filled.
    roff.control("nf", []);
    for example in examples() {
        roff.text([roman(example)]);
    }
    roff.control("fi", []);
    roff.to_writer(text)
}

fn entry(roff: &mut Roff, name: &str, meaning: &str) {
    roff.control("TP", []);
    let name: Vec<Inline> = vec![bold(name)];
    roff.text(name);
    roff.text([roman(meaning)]);
}

/// The lines of a part of [`EXAMPLES`], without its heading.
fn part(heading: &str) -> impl Iterator<Item = &'static str> {
    let part = EXAMPLES
        .split("\n\n")
        .find_map(|part| part.strip_prefix(heading));
    part.unwrap_or_default()
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
}

fn examples() -> impl Iterator<Item = &'static str> {
    part("Examples:")
}

fn exit_codes() -> impl Iterator<Item = (&'static str, &'static str)> {
    let lines = part("Exit codes:").filter_map(|line| line.split_once(' '));
    lines.map(|(code, meaning)| (code, meaning.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_whole_program_has_all_that_a_manual_has() {
        let page = &pages(false).expect("written to memory")[0];
        let text = String::from_utf8(page.text.clone()).expect("UTF-8");
        for heading in ["NAME", "EXIT STATUS", "ENVIRONMENT", "FILES", "EXAMPLES"] {
            let quoted = format!(".SH \"{heading}\"");
            let plain = format!(".SH {heading}");
            assert!(text.contains(&quoted) || text.contains(&plain), "{heading}");
        }
        for key in keys::all() {
            assert!(text.contains(&key.variable()), "{}", key.path);
        }
        let codes: Vec<&str> = exit_codes().map(|(code, _)| code).collect();
        assert_eq!(codes, ["0", "1", "2", "3", "4", "70"]);
        assert!(examples().count() > 5);
    }

    #[test]
    fn every_verb_has_a_page() {
        let files: Vec<String> = pages(true)
            .expect("written to memory")
            .into_iter()
            .map(|page| page.file)
            .collect();
        for verb in [
            "idtrail",
            "idtrail-run",
            "idtrail-top",
            "idtrail-quarantine-ls",
        ] {
            assert!(
                files.contains(&format!("{verb}.1")),
                "{verb} is not in {files:?}"
            );
        }
    }
}
