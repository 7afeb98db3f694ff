//! docs/settings.md is made from the table of keys and from the examples, and is
//! as new as they are; each example is what `idtrail check` accepts, and shows
//! every key of its group.
//!
//! `make docs` writes it: it sets IDTRAIL_WRITE_DOCS.

use std::{fmt::Write as _, fs};

use idtrail::settings::{
    Kind,
    keys::{self, Group, Key, Reach},
};

use super::{check, source, written};
use crate::program::Deployment;

const HEAD: &str = "\
# Settings

Every key there is. Made from the code by `make docs`. None is needed: without any, idtrail keeps
queue, journal and lake as directories under `idtrail-data`.

- The file is `idtrail.yaml` in the working directory, or what `--config FILE` names.
- The environment wins over the file, the flag `--data` over both. A key's variable stands below it;
  lists and pairs are separated by commas there (`IDTRAIL_TENANTS_AWS=111122223333=acme,444455556666=beta`).
- An unknown key, a wrong type or a value out of bounds is an error, and all of them are told at once,
  each with its line: `idtrail check`. A variable that looks like a misspelt key is a warning.
- Shape and limits of the process are not here but in a [topology](topology.md).

*Applies*: *always*; on *AWS*, where `identity_activity_center.enabled` is true; or *not yet*: it is
checked, has no effect, and earns a warning.
";

/// What may stand at a key.
fn allowed(kind: Kind) -> String {
    match kind {
        Kind::Boolean => "`true`, `false`".to_owned(),
        Kind::Text => "text".to_owned(),
        Kind::Number { min, max } => format!("{min} to {max}"),
        Kind::OneOf(words) => format!("`{}`", words.join("`, `")),
        Kind::Address => "`address:port`".to_owned(),
        Kind::Url => "URL".to_owned(),
        Kind::S3 => "`s3://bucket/prefix`".to_owned(),
        Kind::Tenant => "tenant".to_owned(),
        Kind::Journal => "name".to_owned(),
        Kind::Account => "twelve digits".to_owned(),
        Kind::Buckets => "list of `bucket` and `bucket=account`".to_owned(),
        Kind::Tenants => "pairs of name and tenant".to_owned(),
        Kind::Pairs => "pairs of name and text".to_owned(),
        Kind::Grants => "list of `name:tenant:sha256`".to_owned(),
    }
}

fn line(key: &Key) -> String {
    let default = key.default.map(|text| format!("`{text}`"));
    let applies = match key.reach {
        Reach::Always => "always",
        Reach::Aws => "AWS",
        Reach::Later => "not yet",
    };
    format!(
        "| `{}`<br>`{}` | {} | {} | {applies} | {} |\n",
        key.path,
        key.variable(),
        allowed(key.kind),
        default.unwrap_or_default(),
        key.doc
    )
}

fn example(group: &Group) -> String {
    let path = source::repository().join(format!("examples/settings/{}.yaml", group.name));
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn reference() -> String {
    let mut text = HEAD.to_owned();
    for group in &keys::GROUPS {
        let lines: String = group.keys.iter().map(line).collect();
        write!(
            text,
            "\n## {}\n\n| key, variable | allowed | default | applies | what it does |\n|---|---|---|---|---|\n\
             {lines}\n`examples/settings/{}.yaml`:\n\n```yaml\n{}```\n",
            group.title,
            group.name,
            example(group)
        )
        .expect("a string grows");
    }
    text
}

#[test]
fn the_reference_of_settings_is_as_new_as_the_code() {
    check(written("docs/settings.md", &reference()));
}

#[test]
fn an_example_shows_every_key_of_its_group_and_is_accepted() {
    let mut complaints = Vec::new();
    for group in &keys::GROUPS {
        let text = example(group);
        for key in group.keys {
            let last = key.path.rsplit('.').next().expect("a path has a segment");
            if !text.contains(&format!("{last}:")) {
                complaints.push(format!(
                    "examples/settings/{}.yaml: show `{}` there",
                    group.name, key.path
                ));
            }
        }
        let deployment = Deployment::new();
        let file = deployment.write("idtrail.yaml", text);
        let file = file.to_str().expect("test paths are UTF-8");
        let checked = deployment.idtrail(&["--config", file, "check"]);
        if checked.code != Some(0) {
            complaints.push(format!(
                "examples/settings/{}.yaml: {}",
                group.name, checked.stderr
            ));
        }
    }
    check(complaints);
}
