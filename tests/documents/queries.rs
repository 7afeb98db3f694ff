//! Every query that a document shows, asked of a small lake: the examples and
//! all fixtures, normalised and written by the program, read by DuckDB.
//!
//! A query must find something, or it would prove nothing; one that looks back
//! from today, where the lake has nothing, says `rows=any`.

use std::{fs, process::Command};

use audit::source::Source;
use serde_json::{Value, json};

use super::markdown::documents;
use crate::{
    program::Deployment,
    readers,
    tidy::{check, source::repository},
};

/// Runs a file of SQL, then each query; how many rows it finds, or the error.
const COUNT: &str = "
import json, sys, duckdb
lake = duckdb.connect()
lake.execute(open(sys.argv[1]).read())
lake.execute('create schema idtrail; create view idtrail.events as from main.events')
def found(query):
    try:
        return lake.execute(f'select count(*) from ({query})').fetchone()[0]
    except Exception as error:
        return str(error)
print(json.dumps([found(query) for query in json.loads(sys.argv[2])]))
";

/// A lake with an event of every shape that the fixtures have.
fn lake() -> Deployment {
    let deployment = Deployment::new();
    for source in Source::ALL {
        let folder = repository().join(format!("audit/fixtures/{source}"));
        let entries = fs::read_dir(folder).expect("a folder of fixtures");
        let files = entries.map(|entry| entry.expect("an entry").path());
        let events = files.filter(|file| !file.to_string_lossy().ends_with(".row.json"));
        let example = repository().join(format!("examples/{source}.ndjson"));
        let files = events.chain([example]);
        let files: Vec<String> = files.map(|file| file.display().to_string()).collect();
        let mut arguments = vec!["publish", "--source", source.name()];
        arguments.extend(files.iter().map(String::as_str));
        deployment.json(&arguments);
    }
    deployment.drain();
    deployment
}

#[test]
fn every_query_of_a_document_finds_something() {
    let Some(python) = readers::python() else {
        return;
    };
    let documents = documents();
    let queries: Vec<_> = documents
        .iter()
        .flat_map(|document| document.blocks.iter().map(move |block| (document, block)))
        .filter(|(_, block)| block.language == "sql" && block.tag("needs").is_none())
        .collect();
    let lake = lake();
    let statement = lake.idtrail(&["ddl", "--dialect", "duckdb"]);
    let file = lake.write("events.sql", statement.stdout);
    let texts: Vec<String> = queries.iter().map(|(_, block)| block.text()).collect();
    let output = Command::new(python)
        .args(["-c", COUNT])
        .arg(file)
        .arg(json!(texts).to_string())
        .output()
        .expect("Python runs");
    assert!(output.status.success(), "{output:?}");
    let counts: Vec<Value> = serde_json::from_slice(&output.stdout).expect("JSON");
    check(
        queries
            .iter()
            .zip(counts)
            .filter_map(|((document, block), count)| {
                let any = block.tag("rows") == Some("any");
                let fine = count.as_u64().is_some_and(|rows| any || rows > 0);
                (!fine).then(|| format!("{}:{}: finds {count}", document.name, block.line))
            }),
    );
}
