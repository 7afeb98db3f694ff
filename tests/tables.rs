//! `idtrail ddl`, tried: what it prints makes the lake a table.

use std::process::Command;

use audit::source::Source;
use serde_json::{Value, json};

use super::{events, program::Deployment, readers};

/// Runs a file of SQL in DuckDB, then one query; its rows.
const QUERY: &str = "
import json, sys, duckdb
lake = duckdb.connect()
lake.execute(open(sys.argv[1]).read())
print(json.dumps(lake.execute(sys.argv[2]).fetchall(), default=str))
";

#[test]
fn duckdb_sees_tenant_and_day_of_every_row() {
    let Some(python) = readers::python() else {
        return;
    };
    let deployment = Deployment::new();
    let file = events::write_of(&deployment.path("events"), Source::Okta, &[1, 2, 3]);
    let file = file.to_str().expect("test paths are UTF-8");
    let acme = ["publish", "--source", "okta", "--tenant", "acme", file];
    deployment.json(&acme);
    deployment.publish(Source::Okta, file.as_ref());
    deployment.drain();

    let printed = deployment.idtrail(&["ddl", "--dialect", "duckdb"]);
    assert_eq!(printed.code, Some(0), "{printed:?}");
    let statement = deployment.write("events.sql", &printed.stdout);
    let output = Command::new(python)
        .args(["-c", QUERY])
        .arg(statement)
        .arg("select tenant_id, event_date, count(*) from events group by all order by all")
        .output()
        .expect("Python runs");
    assert!(output.status.success(), "{output:?}");
    let rows: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(
        rows,
        json!([["acme", "2026-01-01", 3], ["default", "2026-01-01", 3]])
    );
}

#[test]
fn every_engine_has_a_statement_and_json_wraps_it() {
    let deployment = Deployment::new();
    for dialect in ["athena", "hive", "trino", "spark", "duckdb"] {
        let object = deployment.json(&["ddl", "--dialect", dialect]);
        assert_eq!(object["dialect"], dialect);
        let sql = object["sql"].as_str().expect("a text");
        assert!(sql.starts_with("CREATE "), "{sql}");
    }
    let tenants = deployment.idtrail(&["ddl", "--tenant", "acme", "--tenant", "beta"]);
    assert!(tenants.stdout.contains("'acme,beta'"), "{tenants:?}");
    assert_eq!(
        deployment.idtrail(&["ddl", "--tenant", "../x"]).code,
        Some(2)
    );
}
