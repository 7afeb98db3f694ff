//! What is asked of the simulator: silence for the protocol, noise for mutants.

#![cfg(test)]

use std::collections::BTreeMap;

use super::{Mutant, run, run::Report};

/// Worlds in an ordinary run; `IDTRAIL_WORLDS` are others.
const SEEDS: u64 = 20_000;

/// Within how many worlds each mutant must be found.
const MUTANT_SEEDS: u64 = 20_000;

fn worlds() -> u64 {
    let asked = std::env::var("IDTRAIL_WORLDS").ok();
    asked.map_or(SEEDS, |asked| {
        asked.parse().expect("IDTRAIL_WORLDS is a number")
    })
}

#[test]
fn twenty_thousand_worlds_lose_nothing_and_double_nothing() {
    let seeds = match std::env::var("IDTRAIL_SEED") {
        Ok(seed) => {
            let seed = seed.parse().expect("IDTRAIL_SEED is a number");
            seed..seed + 1
        }
        Err(_) => 0..worlds(),
    };
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    for seed in seeds.clone() {
        let report = run(seed, None)
            .unwrap_or_else(|violation| panic!("IDTRAIL_SEED={seed}: {violation:?}"));
        for (what, times) in report.counts {
            *counts.entry(what).or_default() += times;
        }
    }
    let count = seeds.end - seeds.start;
    println!("{count} worlds, 0 violations; {counts:?}");
    if std::env::var("IDTRAIL_SEED").is_ok() {
        return;
    }
    let often = [
        "crash",
        "sleep",
        "write failed",
        "answer lost",
        "write late",
        "batch lost",
        "follower took over",
        "upkeep written",
        "upkeep late",
        "collected",
        "removal cut short",
        "recalled",
        "upgraded",
        "format 2",
        "second row",
    ];
    let rarely = ["file given up"];
    let least = often.map(|what| (what, count / 10)).into_iter();
    for (what, least) in least.chain(rarely.map(|what| (what, count / 100))) {
        let times = counts.get(what).copied().unwrap_or_default();
        assert!(times > least, "{what}: {times} times");
    }
}

#[test]
fn the_same_seed_is_the_same_world() {
    let first: Vec<Report> = (0..50).filter_map(|seed| run(seed, None).ok()).collect();
    let second: Vec<Report> = (0..50).filter_map(|seed| run(seed, None).ok()).collect();
    assert_eq!(first.len(), 50);
    assert_eq!(first, second);
    assert_ne!(first[0].trace, first[1].trace);
}

#[test]
fn every_planted_bug_is_caught() {
    for mutant in [
        Mutant::DeleteBeforeCommit,
        Mutant::NoDedup,
        Mutant::NoDedupInside,
        Mutant::DeleteRiderEarly,
        Mutant::SettledEarly,
        Mutant::NextSlotOnUnknown,
        Mutant::TakenIsSuccess,
        Mutant::TakenIsPassed,
        Mutant::FilesByTiming,
        Mutant::FilesByChance,
        Mutant::CollectUnfiled,
        Mutant::NoGuard,
        Mutant::NoRecheck,
        Mutant::NoKeys,
        Mutant::CoveredForgotten,
        Mutant::CheckpointUnwritten,
        Mutant::NoRecall,
        Mutant::FilterHitIsCopy,
        Mutant::FormatTooSoon,
        Mutant::ShortWindow,
    ] {
        let caught =
            (0..MUTANT_SEEDS).find_map(|seed| Some((seed, run(seed, Some(mutant)).err()?)));
        let (seed, violation) = caught.unwrap_or_else(|| panic!("{mutant:?} was not caught"));
        println!("{mutant:?}: caught in world {seed}: {violation:?}");
    }
}
