//! `idtrail verify`: do the numbers add up, counted again from the objects.

use clap::Args as ClapArgs;

use super::{Exit, Failure, Globals};
use crate::{
    boot, history,
    verify::{self, Report, SourceCounts},
};

/// Tenants and sources that people are told one by one; `--json` has all.
const LINES_MAX: usize = 20;

/// Count again from journal and lake: received = stored + duplicate + quarantined
///
/// Told by tenant and source; with --json also by hour, as far back as the journal reaches. Reads
/// only, so it may run beside `run`. Exit code 0: all adds up; 1: it does not, and each
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
    let given_up = report.rows_given_up + report.quarantined_given_up;
    if given_up > 0 {
        lines.push(format!(
            "{given_up} of them were given up, and are in no file"
        ));
    }
    lines.extend(sources(report));
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

/// A line for each tenant and source, if they are few.
fn sources(report: &Report) -> Vec<String> {
    if report.sources.len() > LINES_MAX {
        return Vec::new();
    }
    let name = |name: &Option<String>| name.clone().unwrap_or_else(|| "unknown".into());
    let line = |of: &SourceCounts| {
        format!(
            "  {:<24} {:<9} {:>10} received, {:>10} stored, {:>8} duplicate, {:>6} quarantined",
            name(&of.tenant),
            name(&of.source),
            of.counts.received,
            of.counts.stored,
            of.counts.duplicate,
            of.counts.quarantined
        )
    };
    report.sources.iter().map(line).collect()
}
