//! One function for each engine.

use std::fmt::Write as _;

use arrow::datatypes::DataType;
use audit::{
    schema::{self, Column},
    tenant::Tenant,
};

use super::{
    Access, Table,
    quote::{backticks, escaped, name, text},
};

/// Days that the projection covers, as in the table that Athena users have.
const DAYS: [&str; 2] = ["NOW-4YEARS", "NOW"];

/// Last in every statement for an engine with injected tenants.
const NAME_A_TENANT: &str = "\
-- tenant_id is injected: every query names one, as in WHERE tenant_id = 'default'.
-- To query all at once, list them: idtrail ddl --tenant NAME --tenant NAME ...
";

pub(super) fn athena(table: &Table) -> String {
    let mut sql = external_table(table, "STORED AS PARQUET\n");
    let mut properties = vec![
        ("classification", "parquet".to_owned()),
        ("EXTERNAL", "TRUE".to_owned()),
        ("projection.enabled", "true".to_owned()),
    ];
    match enumerated(&table.tenants, ",") {
        None => properties.push(("projection.tenant_id.type", "injected".to_owned())),
        Some(tenants) => {
            properties.push(("projection.tenant_id.type", "enum".to_owned()));
            properties.push(("projection.tenant_id.values", tenants));
        }
    }
    properties.extend([
        ("projection.event_date.type", "date".to_owned()),
        ("projection.event_date.format", "yyyy-MM-dd".to_owned()),
        ("projection.event_date.range", DAYS.join(",")),
        ("projection.event_date.interval", "1".to_owned()),
        ("projection.event_date.interval.unit", "DAYS".to_owned()),
        ("storage.location.template", template(table)),
    ]);
    let lines: Vec<String> = properties
        .iter()
        .map(|(key, value)| format!("  {} = {}", escaped(key), escaped(value)))
        .collect();
    writeln!(sql, "TBLPROPERTIES (\n{}\n);", lines.join(",\n")).expect(INFALLIBLE);
    sql + hint(table)
}

pub(super) fn hive(table: &Table) -> String {
    let mut sql = external_table(table, "STORED AS PARQUET\n");
    let end = sql.trim_end().len();
    sql.truncate(end);
    let example = escaped(&format!("{}/default/2026-01-31/", table.location));
    let table = qualified(table, backticks);
    write!(
        sql,
        ";\n\n-- Hive knows no partition projection: add each tenant and day.\n\
         -- ALTER TABLE {table} ADD IF NOT EXISTS\n\
         --   PARTITION (tenant_id = 'default', event_date = DATE '2026-01-31') LOCATION {example};\n"
    )
    .expect(INFALLIBLE);
    sql
}

pub(super) fn trino(table: &Table) -> String {
    let tenant_id = match enumerated(&table.tenants, "', '") {
        None => "partition_projection_type = 'injected'".to_owned(),
        Some(tenants) => format!(
            "partition_projection_type = 'enum', partition_projection_values = ARRAY['{tenants}']"
        ),
    };
    let mut columns: Vec<String> = Column::ALL
        .iter()
        .map(|column| {
            let kind = of(*column, ["varchar", "double", "timestamp(3)"]);
            format!("  {} {kind}", name(column.name()))
        })
        .collect();
    columns.push(format!("  tenant_id varchar WITH ({tenant_id})"));
    columns.push(format!(
        "  event_date date WITH (\n    partition_projection_type = 'date',\n    \
         partition_projection_format = 'yyyy-MM-dd',\n    \
         partition_projection_range = ARRAY['{}', '{}'],\n    \
         partition_projection_interval = 1,\n    \
         partition_projection_interval_unit = 'DAYS'\n  )",
        DAYS[0], DAYS[1]
    ));
    let sql = format!(
        "CREATE TABLE IF NOT EXISTS {} (\n{}\n)\nWITH (\n  external_location = {},\n  \
         format = 'PARQUET',\n  partitioned_by = ARRAY['tenant_id', 'event_date'],\n  \
         partition_projection_enabled = true,\n  \
         partition_projection_location_template = {}\n);\n",
        qualified(table, name),
        columns.join(",\n"),
        text(&format!("{}/", table.location)),
        text(&template(table)),
    );
    sql + hint(table)
}

pub(super) fn spark(table: &Table) -> String {
    // Hadoop's connector outside of EMR.
    let location = table.location.replacen("s3://", "s3a://", 1);
    let part = |group| {
        let pattern = escaped(r"([^/]+)/([0-9]{4}-[0-9]{2}-[0-9]{2})/[^/]+$");
        format!("regexp_extract(_metadata.file_path, {pattern}, {group})")
    };
    format!(
        "CREATE OR REPLACE TEMPORARY VIEW {} AS\nSELECT *,\n  {} AS tenant_id,\n  \
         CAST({} AS DATE) AS event_date\nFROM parquet.{};\n",
        backticks(&table.name),
        part(1),
        part(2),
        backticks(&format!("{location}/*/*/*.parquet")),
    )
}

pub(super) fn duckdb(table: &Table) -> String {
    let files = text(&format!("{}/*/*/*.parquet", table.location));
    format!(
        "{}CREATE OR REPLACE VIEW {} AS\nSELECT * EXCLUDE (filename),\n  \
         split_part(filename, '/', -3) AS tenant_id,\n  \
         CAST(split_part(filename, '/', -2) AS DATE) AS event_date\n\
         FROM read_parquet({files}, filename = true, hive_partitioning = false);\n",
        secret(&table.access),
        name(&table.name),
    )
}

/// What DuckDB needs to read from S3: credentials the SDK's usual way.
fn secret(access: &Access) -> String {
    let Access::S3 { region, endpoint } = access else {
        return String::new();
    };
    let mut options = vec!["TYPE s3".to_owned(), "PROVIDER credential_chain".to_owned()];
    options.extend(
        region
            .as_ref()
            .map(|region| format!("REGION {}", text(region))),
    );
    if let Some(endpoint) = endpoint {
        let (scheme, host) = endpoint.split_once("://").unwrap_or(("https", endpoint));
        let host = text(host.trim_end_matches('/'));
        options.push(format!("ENDPOINT {host}"));
        options.push("URL_STYLE 'path'".to_owned());
        options.push(format!("USE_SSL {}", scheme == "https"));
    }
    format!(
        "INSTALL httpfs;\nLOAD httpfs;\nINSTALL aws;\nLOAD aws;\n\
         CREATE OR REPLACE SECRET idtrail ({});\n",
        options.join(", ")
    )
}

/// What Athena and Hive have in common, up to the location.
fn external_table(table: &Table, format: &str) -> String {
    let columns: Vec<String> = Column::ALL
        .iter()
        .map(|column| {
            let kind = of(*column, ["string", "double", "timestamp"]);
            format!("  {} {kind}", backticks(column.name()))
        })
        .collect();
    format!(
        "CREATE EXTERNAL TABLE IF NOT EXISTS {} (\n{}\n)\n\
         PARTITIONED BY (`tenant_id` string, `event_date` date)\n{format}LOCATION {}\n",
        qualified(table, backticks),
        columns.join(",\n"),
        escaped(&format!("{}/", table.location)),
    )
}

/// The engine's type for a column: of text, number, time.
fn of(column: Column, [string, number, time]: [&'static str; 3]) -> &'static str {
    match schema::lake().field(column.index()).data_type() {
        DataType::Float64 => number,
        DataType::Timestamp(..) => time,
        _ => string,
    }
}

fn qualified(table: &Table, quote: fn(&str) -> String) -> String {
    format!("{}.{}", quote(&table.database), quote(&table.name))
}

fn template(table: &Table) -> String {
    format!("{}/${{tenant_id}}/${{event_date}}/", table.location)
}

/// `None` if there are none. A tenant id has no character that needs quoting.
fn enumerated(tenants: &[Tenant], separator: &str) -> Option<String> {
    let ids: Vec<&str> = tenants.iter().map(Tenant::as_str).collect();
    (!ids.is_empty()).then(|| ids.join(separator))
}

fn hint(table: &Table) -> &'static str {
    if table.tenants.is_empty() {
        NAME_A_TENANT
    } else {
        ""
    }
}

const INFALLIBLE: &str = "writing to a string cannot fail";
