//! `idtrail verify`: do the numbers add up, counted again from the objects.

use clap::Args as ClapArgs;

use super::{Exit, Failure, Globals};
use crate::{
    boot, history,
    verify::{self, Report},
};

/// Count again from journal and lake: received = stored + duplicate + quarantined
///
/// Reads only, so it may run beside `run`. Exit code 0: all adds up; 1: it does not, and each
/// difference is told; 3: something cannot be read.
#[derive(Debug, ClapArgs)]
pub(super) struct Args {}

pub(super) fn run(_: &Args, globals: &Globals) -> Result<Exit, Failure> {
    let settings = globals.start()?;
    let topology = boot::topology(&settings).map_err(Failure::issues)?;
    let runtime = boot::runtime()?;
    let ports = runtime.block_on(history::ports(&settings))?;
    let verified = verify::verify(&ports, &settings, &topology, globals.quiet());
    let report = runtime.block_on(verified).map_err(Failure::outside)?;
    globals.output().print(&report, &text(&report))?;
    Ok(if report.ok {
        Exit::Success
    } else {
        Exit::Mismatch
    })
}

fn text(report: &Report) -> String {
    let Report { counts, .. } = report;
    let mut lines = vec![
        format!(
            "{} received = {} stored + {} duplicate + {} quarantined; {} skipped",
            counts.received, counts.stored, counts.duplicate, counts.quarantined, counts.skipped
        ),
        format!(
            "{} rows stored = {} in files + {} waiting; {} files, {} journal objects",
            counts.stored,
            report.rows_in_files,
            report.rows_waiting,
            report.files,
            report.journal_objects
        ),
    ];
    let foreign = report
        .foreign
        .iter()
        .map(|key| format!("not of this journal: {key}"));
    lines.extend(foreign);
    lines.extend(
        report
            .problems
            .iter()
            .map(|problem| format!("problem: {problem}")),
    );
    if report.problems_more > 0 {
        lines.push(format!("… and {} more problems", report.problems_more));
    }
    lines.push(
        if report.ok {
            "it adds up"
        } else {
            "IT DOES NOT ADD UP"
        }
        .to_owned(),
    );
    lines.join("\n")
}
