//! What no single value shows: names that resolve, edges that lead somewhere, limits that fit.
//!
//! Runs on the values as read, and reports by key; the lines are the report's
//! business. Order matters in one place only: flow and reach are judged when
//! all names resolve, since one misspelt name would look like many mistakes.

use audit::journal::{OBJECT_BYTES_MAX, ROWS_MAX};
use std::collections::BTreeSet;

use super::limits::{Limits, RECEIVE_MESSAGES_MAX, SLOTS_MAX, WORKERS_MAX};
use super::read::{Report, Section};
use super::{ActorSpec, SupervisorSpec, Topology};
use crate::base::policy::{Policy, Strategy};

/// The file's values, not yet judged together.
pub(super) struct Raw {
    limits: Limits,
    supervisors: Vec<SupervisorSpec>,
    actors: Vec<ActorSpec>,
}

pub(super) fn read(root: &mut Section<'_>) -> Raw {
    Raw {
        limits: Limits::read(root),
        supervisors: root.sections("supervisors", |name, section| SupervisorSpec {
            name,
            supervisor: section.optional_text("supervisor"),
            policy: Policy {
                strategy: section
                    .one_of("strategy", &Strategy::ALL.map(|s| (s.as_str(), s)))
                    .unwrap_or(Strategy::OneForOne),
                restarts_max: section.restarts("restarts_max"),
                within: section.secs("within_secs"),
                backoff_min: section.millis("backoff_min_ms"),
                backoff_max: section.millis("backoff_max_ms"),
            },
            keeps: section.names("keeps"),
        }),
        actors: root.sections("actors", |name, section| ActorSpec {
            name,
            supervisor: section.text("supervisor"),
            entry: section.flag("entry"),
            count: section.places("count", WORKERS_MAX),
            slots: section.places("slots", SLOTS_MAX),
            to: section.names("to"),
            hints: section.names("hints"),
        }),
    }
}

/// `None` if there are issues, now or from the reading.
pub(super) fn topology(raw: Raw, report: &mut Report) -> Option<Topology> {
    if !report.is_clean() {
        // A stand-in for a wrong value would lead to complaints about what nobody wrote; but
        // names are not stood in for, so those are judged all the same.
        names(&raw, report);
        return None;
    }
    limits(&raw.limits, report);
    raw.supervisors.iter().for_each(|spec| policy(spec, report));
    names(&raw, report);
    if !report.is_clean() {
        return None;
    }
    let root = root(&raw.supervisors, report);
    let flow = flow(&raw.actors, report);
    reach(&raw.actors, report);
    let (root, flow) = (root?, flow?);
    let mut supervisors = raw.supervisors;
    let root = supervisors.remove(root);
    report.is_clean().then_some(Topology {
        limits: raw.limits,
        root,
        supervisors,
        actors: raw.actors,
        flow,
    })
}

fn limits(limits: &Limits, report: &mut Report) {
    let Limits {
        budget,
        parcel,
        batch,
        journal,
        ..
    } = limits;
    let receive = RECEIVE_MESSAGES_MAX.saturating_mul(parcel.bytes);
    let at_least = [
        (
            budget.bytes,
            receive,
            "budget.bytes",
            "ten parcels, for one receive takes up to ten messages",
        ),
        (
            budget.messages,
            RECEIVE_MESSAGES_MAX,
            "budget.messages",
            "one receive, up to ten messages",
        ),
        (
            budget.bytes,
            batch.raw_bytes,
            "budget.bytes",
            "one batch (batch.raw_bytes)",
        ),
    ];
    if batch.raw_bytes > OBJECT_BYTES_MAX as u64 {
        let raw_bytes = batch.raw_bytes;
        report.issue(
            "batch.raw_bytes",
            format!(
                "is {raw_bytes}, more than a journal object may hold: make it at most \
                 {OBJECT_BYTES_MAX}"
            ),
        );
    }
    if journal.silence < 3 * journal.attempt_timeout {
        let least = 3 * journal.attempt_timeout.as_millis();
        report.issue(
            "journal.silence_ms",
            format!(
                "is less than three attempts (journal.attempt_timeout_ms), so that a slow write \
                 would look like a dead leader: make it at least {least}"
            ),
        );
    }
    if batch.rows > ROWS_MAX as u64 / 2 {
        let (rows, most) = (batch.rows, ROWS_MAX / 2);
        report.issue(
            "batch.rows",
            format!("is {rows}, more than a batch may hold: make it at most {most}"),
        );
    }
    for (have, need, key, what) in at_least {
        if have < need {
            report.issue(
                key,
                format!("is {have}, too small for {what}: make it at least {need}"),
            );
        }
    }
}

fn policy(spec: &SupervisorSpec, report: &mut Report) {
    let SupervisorSpec { name, policy, .. } = spec;
    if policy.backoff_min > policy.backoff_max {
        let key = format!("supervisors.{name}.backoff_min_ms");
        report.issue(&key, "is above backoff_max_ms: exchange them");
    } else if policy.time_to_give_up() >= policy.within {
        let key = format!("supervisors.{name}.within_secs");
        let waits = policy.time_to_give_up();
        let what = "so it would never give up: make it longer, or the back-off shorter";
        report.issue(
            &key,
            format!("ends before the waits of all restarts, {waits:?}, {what}"),
        );
    }
}

/// Names are unique, and every name that is referred to exists.
fn names(raw: &Raw, report: &mut Report) {
    let supervisors: BTreeSet<&str> = raw.supervisors.iter().map(|spec| &*spec.name).collect();
    let actors: BTreeSet<&str> = raw.actors.iter().map(|spec| &*spec.name).collect();
    let mut resolve = |key: String, name: &str, among: &BTreeSet<&str>| {
        // An empty one is a stand-in, already reported.
        if !name.is_empty() && !among.contains(name) {
            let all: Vec<&str> = among.iter().copied().collect();
            let all = all.join(", ");
            report.issue(&key, format!("{name:?} does not exist: use one of {all}"));
        }
    };
    for spec in &raw.supervisors {
        if let Some(above) = &spec.supervisor {
            resolve(
                format!("supervisors.{}.supervisor", spec.name),
                above,
                &supervisors,
            );
        }
    }
    for spec in &raw.actors {
        resolve(
            format!("actors.{}.supervisor", spec.name),
            &spec.supervisor,
            &supervisors,
        );
        for (key, targets) in [("to", &spec.to), ("hints", &spec.hints)] {
            for target in targets {
                resolve(format!("actors.{}.{key}", spec.name), target, &actors);
            }
        }
    }
    for name in supervisors.intersection(&actors) {
        let what = "is a supervisor's name, too: rename one of them";
        report.issue(&format!("actors.{name}"), what);
    }
    for spec in &raw.actors {
        for (key, targets) in [("to", &spec.to), ("hints", &spec.hints)] {
            let mut seen = BTreeSet::new();
            for target in targets.iter().filter(|target| !seen.insert(*target)) {
                let key = format!("actors.{}.{key}", spec.name);
                report.issue(&key, format!("names {target} twice: remove one"));
            }
        }
    }
    for spec in &raw.supervisors {
        let below = raw
            .supervisors
            .iter()
            .filter_map(|s| s.supervisor.as_deref());
        let mut below = below.chain(raw.actors.iter().map(|a| &*a.supervisor));
        if !below.any(|supervisor| supervisor == spec.name) {
            let key = format!("supervisors.{}", spec.name);
            report.issue(&key, "supervises nothing: remove it");
        }
    }
}

/// The one supervisor above all; every other leads up to it.
fn root(supervisors: &[SupervisorSpec], report: &mut Report) -> Option<usize> {
    let above = |index: usize| {
        let name = supervisors[index].supervisor.as_deref()?;
        supervisors.iter().position(|spec| spec.name == name)
    };
    let mut root = None;
    for (index, spec) in supervisors.iter().enumerate() {
        let key = format!("supervisors.{}.supervisor", spec.name);
        // As many steps as there are supervisors lead to the root, or run in a circle.
        let top = supervisors
            .iter()
            .fold(index, |at, _| above(at).unwrap_or(at));
        if above(top).is_some() {
            report.issue(
                &key,
                "leads in a circle: let one of them have no supervisor",
            );
        } else if top == index && root.replace(index).is_some() {
            report.issue(&key, "is missing: only one, the root, has no supervisor");
        }
    }
    root
}

/// An order in which everybody comes after all that send it data.
fn flow(actors: &[ActorSpec], report: &mut Report) -> Option<Vec<usize>> {
    let mut order: Vec<usize> = Vec::with_capacity(actors.len());
    let mut left: Vec<usize> = (0..actors.len()).collect();
    while !left.is_empty() {
        let waits = |index: &usize| {
            let name = &actors[*index].name;
            left.iter().any(|from| actors[*from].to.contains(name))
        };
        let (blocked, free): (Vec<usize>, Vec<usize>) = left.iter().partition(|i| waits(i));
        if free.is_empty() {
            for actor in actors {
                let targets = actor.to.iter().map(String::as_str).collect();
                if reached(actors, targets, |actor| actor.to.iter()).contains(&*actor.name) {
                    let key = format!("actors.{}.to", actor.name);
                    let what =
                        "leads in a circle, which can block for ever: make an edge of it a hint";
                    report.issue(&key, what);
                }
            }
            return None;
        }
        order.extend(free);
        left = blocked;
    }
    Some(order)
}

/// Every actor is reached from an entry, by data or hint.
fn reach(actors: &[ActorSpec], report: &mut Report) {
    let entries: Vec<&str> = actors
        .iter()
        .filter(|a| a.entry)
        .map(|a| &*a.name)
        .collect();
    if entries.is_empty() {
        let what = "has no entry: set entry = true where work comes from outside";
        report.issue("actors", what);
        return;
    }
    let reached = reached(actors, entries, |actor| actor.to.iter().chain(&actor.hints));
    for actor in actors
        .iter()
        .filter(|actor| !reached.contains(&*actor.name))
    {
        let key = format!("actors.{}", actor.name);
        let what = "is never reached: add it to `to` or `hints` of its sender";
        report.issue(&key, what);
    }
}

/// The actors `from` and all to which `edges` lead from them.
fn reached<'a, E: Iterator<Item = &'a String>>(
    actors: &'a [ActorSpec],
    from: Vec<&'a str>,
    edges: impl Fn(&'a ActorSpec) -> E,
) -> BTreeSet<&'a str> {
    let mut reached = BTreeSet::new();
    let mut next = from;
    while let Some(name) = next.pop() {
        if reached.insert(name) {
            let actor = actors.iter().find(|actor| actor.name == name);
            next.extend(actor.into_iter().flat_map(&edges).map(String::as_str));
        }
    }
    reached
}
