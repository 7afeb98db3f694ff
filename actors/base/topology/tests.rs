//! Every mistake is found, all at once, at its line, with what to do.

use proptest::prelude::*;

use super::*;

fn builtin_text() -> &'static str {
    include_str!("../../../topology.toml")
}

/// The built-in file with `old` replaced by `new`: what is reported then, without file and line.
fn check(old: &str, new: &str, expected: &[&str]) {
    assert!(builtin_text().contains(old), "{old:?} is not in the file");
    let text = builtin_text().replacen(old, new, 1);
    let issues = Topology::parse("F", &text).err().unwrap_or_default();
    let found: Vec<String> = issues
        .iter()
        .map(|issue| format!("{}: {}", issue.key, issue.what))
        .collect();
    assert_eq!(found, expected, "for {new:?} in place of {old:?}");
}

#[test]
fn the_builtin_topology_is_valid_and_typed() {
    let topology = Topology::builtin();
    let limits = topology.limits();
    assert_eq!(limits.budget.bytes, 256 << 20);
    assert_eq!(limits.batch.age, std::time::Duration::from_millis(250));
    assert_eq!(limits.dedup.window, std::time::Duration::from_hours(24));
    assert_eq!(limits.compute.threads, 0);
    assert_eq!(topology.root().name, "root");
    let poller = topology.actor("poller").expect("it has a poller");
    assert_eq!((poller.count, poller.to.len(), poller.entry), (4, 6, true));
    let journal = topology.supervisor("journal").expect("it has a journal");
    assert_eq!(journal.policy.strategy, crate::base::Strategy::AllForOne);
    assert_eq!(topology.actor("nobody"), None);
    let flow: Vec<&str> = topology.in_order_of_flow().collect();
    let at = |name| flow.iter().position(|n| *n == name).expect("in the flow");
    for actor in topology.actors() {
        for target in &actor.to {
            assert!(
                at(&actor.name) < at(target),
                "{} before {target}",
                actor.name
            );
        }
    }
}

#[test]
fn wrong_values_are_reported_with_what_they_must_be() {
    let number = "it must be a whole number from 1 to";
    check(
        "rows = 50_000",
        "rows = 0",
        &[&format!("batch.rows: is 0: {number} 1099511627776")],
    );
    check(
        "rows = 50_000",
        "rows = -1",
        &[&format!("batch.rows: is -1: {number} 1099511627776")],
    );
    check(
        "rows = 50_000",
        "rows = \"x\"",
        &[&format!("batch.rows: is \"x\": {number} 1099511627776")],
    );
    check(
        "count = 4\nslots = 4\n",
        "count = 257\nslots = 4\n",
        &[&format!("actors.poller.count: is 257: {number} 256")],
    );
    check(
        "slots = 4\n",
        "\n",
        &["actors.poller.slots: is missing: add a whole number from 1 to 65536"],
    );
    let size = "it must be a size above zero with its unit, such as \"64 MiB\"";
    for wrong in [
        "\"48\"",
        "\"48 MB\"",
        "\"0 MiB\"",
        "48",
        "\"99999999999999999999 B\"",
        "\"9999999 TiB\"",
        "[]",
    ] {
        check(
            "raw_bytes = \"48 MiB\"",
            &format!("raw_bytes = {wrong}"),
            &[&format!("batch.raw_bytes: is {wrong}: {size}")],
        );
    }
    check(
        "strategy = \"one_for_one\"",
        "strategy = \"rest_for_one\"",
        &[
            "supervisors.root.strategy: is \"rest_for_one\": it must be one of one_for_one, all_for_one, in quotes",
        ],
    );
    check(
        "entry = true",
        "entry = 1",
        &["actors.poller.entry: is 1: it must be true or false"],
    );
    check(
        "to = [\"batcher\"]",
        "to = [\"batcher\", 7]",
        &["actors.enricher.to: is [\"batcher\", 7]: it must be a list of names, each in quotes"],
    );
}

#[test]
fn unknown_and_missing_keys_and_tables_are_reported() {
    check(
        "age_ms = 250",
        "age = 250",
        &[
            "batch.age_ms: is missing: add a whole number from 1 to 315360000000",
            "batch.age: is unknown: remove it, or use one of age_ms, raw_bytes, rows",
        ],
    );
    check(
        "[parcel]\nbytes = \"1 MiB\"",
        "",
        &["parcel: is missing: add [parcel]"],
    );
    check(
        "[parcel]\nbytes = \"1 MiB\"",
        "[[parcel]]",
        &["parcel: is no table: write [parcel] and its keys below"],
    );
    check(
        "[budget]",
        "colour = 1\n[budget]",
        &[
            "colour: is unknown: remove it, or use one of budget, parcel, batch, journal, seal, dedup, \
         compute, shutdown, supervisors, actors",
        ],
    );
    check(
        "[actors.deleter]",
        "[actors.Deleter]",
        &[
            "actors.appender.to: \"deleter\" does not exist: use one of Deleter, appender, aws_normalizer, \
         batcher, checkpointer, enricher, github_normalizer, object_reader, okta_normalizer, partition_writer, planner, poller, \
         teleport_normalizer, uploader",
            "actors.Deleter: is no name: use lower case letters, digits and _, a letter first",
        ],
    );
}

#[test]
fn names_must_resolve_and_be_unique() {
    let supervisors = "use one of ingest, journal, lake, root";
    check(
        "supervisor = \"lake\"",
        "supervisor = \"sea\"",
        &[&format!(
            "actors.partition_writer.supervisor: \"sea\" does not exist: {supervisors}"
        )],
    );
    check(
        "supervisor = \"root\"",
        "supervisor = \"rot\"",
        &[&format!(
            "supervisors.ingest.supervisor: \"rot\" does not exist: {supervisors}"
        )],
    );
    check(
        "[actors.poller]",
        "[actors.lake]",
        &["actors.lake: is a supervisor's name, too: rename one of them"],
    );
    check(
        "to = [\"batcher\"]",
        "to = [\"batcher\", \"batcher\"]",
        &["actors.enricher.to: names batcher twice: remove one"],
    );
    check(
        "# --- Actors",
        "[supervisors.idle]\nsupervisor = \"root\"\nstrategy = \"one_for_one\"\n\
        restarts_max = 1\nwithin_secs = 9\nbackoff_min_ms = 1\nbackoff_max_ms = 1\n#",
        &["supervisors.idle: supervises nothing: remove it"],
    );
}

#[test]
fn edges_must_lead_somewhere_and_in_no_circle() {
    let circle = "leads in a circle, which can block for ever: make an edge of it a hint";
    check(
        "to = [\"uploader\"]",
        "to = [\"uploader\", \"planner\"]",
        &[
            &format!("actors.planner.to: {circle}"),
            &format!("actors.partition_writer.to: {circle}"),
        ],
    );
    check(
        "to = [\"batcher\"]",
        "to = [\"batcher\", \"enricher\"]",
        &[&format!("actors.enricher.to: {circle}")],
    );
    check(
        "to = [\"deleter\"]\n",
        "\n",
        &["actors.deleter: is never reached: add it to `to` or `hints` of its sender"],
    );
    check(
        "entry = true\n",
        "\n",
        &["actors: has no entry: set entry = true where work comes from outside"],
    );
}

#[test]
fn supervisors_form_one_tree() {
    let circle = "leads in a circle: let one of them have no supervisor";
    check(
        "[supervisors.root]",
        "[supervisors.root]\nsupervisor = \"lake\"",
        &[
            &format!("supervisors.root.supervisor: {circle}"),
            &format!("supervisors.ingest.supervisor: {circle}"),
            &format!("supervisors.journal.supervisor: {circle}"),
            &format!("supervisors.lake.supervisor: {circle}"),
        ],
    );
    check(
        "[supervisors.ingest]\nsupervisor = \"root\"",
        "[supervisors.ingest]",
        &["supervisors.ingest.supervisor: is missing: only one, the root, has no supervisor"],
    );
}

#[test]
fn limits_must_fit_each_other() {
    check(
        "bytes = \"256 MiB\"",
        "bytes = \"9 MiB\"",
        &[
            "budget.bytes: is 9437184, too small for ten parcels, for one receive takes up to ten messages: \
         make it at least 10485760",
            "budget.bytes: is 9437184, too small for one batch (batch.raw_bytes): make it at least 50331648",
        ],
    );
    check(
        "messages = 20_000",
        "messages = 9",
        &[
            "budget.messages: is 9, too small for one receive, up to ten messages: make it at least 10",
        ],
    );
    check(
        "raw_bytes = \"48 MiB\"",
        "raw_bytes = \"65 MiB\"",
        &[
            "batch.raw_bytes: is 68157440, more than a journal object may hold: make it at most \
             67108864",
        ],
    );
    check(
        "within_secs = 600",
        "within_secs = 7",
        &[
            "supervisors.root.within_secs: ends before the waits of all restarts, 7s, so it would never give \
         up: make it longer, or the back-off shorter",
        ],
    );
    check(
        "backoff_max_ms = 30_000",
        "backoff_max_ms = 500",
        &["supervisors.root.backoff_min_ms: is above backoff_max_ms: exchange them"],
    );
}

#[test]
fn all_mistakes_come_at_once_in_the_order_of_their_lines() {
    let text = builtin_text()
        .replacen("messages = 20_000", "messages = 0", 1)
        .replacen("count = 4", "counts = 4", 1)
        .replacen("hints = [\"planner\", ", "hints = [\"plan\", ", 1);
    let issues = Topology::parse("dir/topology.toml", &text).expect_err("three mistakes");
    let line = |needle: &str| {
        1 + text
            .lines()
            .position(|line| line.contains(needle))
            .expect(needle)
    };
    let found: Vec<(usize, &str)> = issues.iter().map(|i| (i.line, &*i.key)).collect();
    assert_eq!(
        found,
        [
            (line("messages = 0"), "budget.messages"),
            (line("[actors.poller]"), "actors.poller.count"),
            (line("counts = 4"), "actors.poller.counts"),
            (line("[\"plan\", "), "actors.appender.hints"),
        ]
    );
    let first = issues.first().map(ToString::to_string).unwrap_or_default();
    let expected =
        "dir/topology.toml:14: budget.messages: is 0: it must be a whole number from 1 to";
    assert!(first.starts_with(expected), "{first}");
}

#[test]
fn what_is_no_toml_is_reported_with_its_line() {
    for (text, line) in [
        ("a = \n", 1),
        ("\n\n[budget\n", 3),
        ("a = 1\na = 2\n", 2),
        ("\u{0}", 1),
    ] {
        let issues = Topology::parse("F", text).expect_err("no TOML");
        assert_eq!(
            (issues.len(), issues[0].line),
            (1, line),
            "{text:?}: {issues:?}"
        );
        assert!(
            issues[0]
                .to_string()
                .starts_with(&format!("F:{line}: not valid TOML, "))
        );
    }
}

#[test]
fn the_tree_shows_every_supervisor_and_actor() {
    let tree = Topology::builtin().tree();
    let line = |starts: &str| tree.lines().any(|line| line.starts_with(starts));
    assert!(
        line("root  one_for_one, 3 restarts in 600s, back-off 1s to 30s; keeps addresses"),
        "{tree}"
    );
    assert!(line("├─ ingest  one_for_one, 5 restarts in 60s"), "{tree}");
    assert!(line("│  ├─ poller ×4, 4 slots"), "{tree}");
    assert!(line("└─ lake  "), "{tree}");
    assert!(line("   └─ uploader ×4, 8 slots"), "{tree}");
}

#[test]
fn the_picture_shows_every_edge() {
    let topology = Topology::builtin();
    let picture = topology.picture();
    let has = |wanted: &str| picture.lines().any(|line| line.trim() == wanted);
    for actor in topology.actors() {
        for (arrow, targets) in [("-->", &actor.to), ("-.->", &actor.hints)] {
            for target in targets {
                assert!(
                    has(&format!("{} {arrow} {target}", actor.name)),
                    "{picture}"
                );
            }
        }
    }
    assert!(
        has("subgraph journal") && has("uploader[\"uploader ×4\"]"),
        "{picture}"
    );
}

/// Lines of the real file, some bent: deeper into the checks than noise would get.
fn bent() -> impl Strategy<Value = String> {
    let lines: Vec<&str> = builtin_text().lines().collect();
    let edit = (0..lines.len(), "[ -~\n]{0,12}", 0..4_u8);
    prop::collection::vec(edit, 1..6).prop_map(move |edits| {
        let mut lines: Vec<String> = lines.iter().map(ToString::to_string).collect();
        for (at, text, kind) in edits {
            match kind {
                0 => lines[at].clear(),
                1 => lines[at].push_str(&text),
                2 => lines[at] = text,
                _ => {
                    let other = text.len() % lines.len();
                    lines.swap(at, other);
                }
            }
        }
        lines.join("\n")
    })
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in prop_oneof![any::<String>(), bent()]) {
        if let Err(issues) = Topology::parse("F", &text) {
            prop_assert!(!issues.is_empty());
            let lines = 1 + text.matches('\n').count();
            prop_assert!(issues.iter().all(|i| (1..=lines).contains(&i.line)), "{issues:?}");
        }
    }
}
