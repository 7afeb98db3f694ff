//! Each engine's statement has all columns, and whatever the settings name stays
//! one name or one text.

use audit::schema::Column;

use super::*;

fn table() -> Table {
    Table {
        database: "audit".to_owned(),
        name: "events".to_owned(),
        location: "s3://lake-bucket/data".to_owned(),
        tenants: Vec::new(),
        access: Access::S3 {
            region: Some("eu-central-1".to_owned()),
            endpoint: None,
        },
    }
}

fn contains(sql: &str, parts: &[&str]) {
    for part in parts {
        assert!(sql.contains(part), "{part} is missing in:\n{sql}");
    }
}

#[test]
fn every_engine_with_a_schema_has_all_columns_in_their_order() {
    for (dialect, quote) in [
        (Dialect::Athena, '`'),
        (Dialect::Hive, '`'),
        (Dialect::Trino, '"'),
    ] {
        let sql = table().statement(dialect);
        let positions: Vec<usize> = Column::ALL
            .iter()
            .map(|column| {
                let quoted = format!("  {quote}{}{quote} ", column.name());
                sql.find(&quoted)
                    .unwrap_or_else(|| panic!("{quoted} is missing:\n{sql}"))
            })
            .collect();
        assert!(positions.is_sorted(), "{sql}");
    }
}

#[test]
fn athena_projects_partitions_from_the_path() {
    contains(
        &table().statement(Dialect::Athena),
        &[
            "CREATE EXTERNAL TABLE IF NOT EXISTS `audit`.`events` (",
            "  `latitude` double,",
            "  `event_time` timestamp,",
            "  `event_data` string,",
            "PARTITIONED BY (`tenant_id` string, `event_date` date)",
            "LOCATION 's3://lake-bucket/data/'",
            "'projection.tenant_id.type' = 'injected'",
            "'projection.event_date.range' = 'NOW-4YEARS,NOW'",
            "'storage.location.template' = 's3://lake-bucket/data/${tenant_id}/${event_date}/'",
            "WHERE tenant_id = 'default'",
        ],
    );
}

#[test]
fn named_tenants_are_enumerated() {
    let tenants = ["acme", "beta"].map(|id| Tenant::parse(id).expect("valid"));
    let table = Table {
        tenants: tenants.to_vec(),
        ..table()
    };
    let athena = table.statement(Dialect::Athena);
    contains(
        &athena,
        &[
            "'projection.tenant_id.type' = 'enum'",
            "'projection.tenant_id.values' = 'acme,beta'",
        ],
    );
    assert!(!athena.contains("injected"), "{athena}");
    let trino = table.statement(Dialect::Trino);
    contains(
        &trino,
        &["partition_projection_values = ARRAY['acme', 'beta']"],
    );
}

#[test]
fn engines_without_projection_take_tenant_and_day_from_the_path() {
    let sql = table();
    contains(
        &sql.statement(Dialect::Hive),
        &[
            "LOCATION 's3://lake-bucket/data/';",
            "-- ALTER TABLE `audit`.`events` ADD IF NOT EXISTS",
        ],
    );
    contains(
        &sql.statement(Dialect::Spark),
        &[
            "_metadata.file_path",
            "parquet.`s3a://lake-bucket/data/*/*/*.parquet`",
        ],
    );
    contains(
        &sql.statement(Dialect::Duckdb),
        &[
            "CREATE OR REPLACE SECRET idtrail (TYPE s3, PROVIDER credential_chain, REGION 'eu-central-1')",
            "read_parquet('s3://lake-bucket/data/*/*/*.parquet'",
        ],
    );
}

#[test]
fn an_endpoint_of_ones_own_is_told_to_duckdb() {
    let table = Table {
        access: Access::S3 {
            region: None,
            endpoint: Some("http://127.0.0.1:9000/".to_owned()),
        },
        ..table()
    };
    contains(
        &table.statement(Dialect::Duckdb),
        &["ENDPOINT '127.0.0.1:9000', URL_STYLE 'path', USE_SSL false"],
    );
}

#[test]
fn a_directory_needs_no_secret() {
    let table = Table {
        location: "/var/lib/o'brien/lake/data".to_owned(),
        access: Access::Directory,
        ..table()
    };
    let sql = table.statement(Dialect::Duckdb);
    assert!(
        sql.starts_with("CREATE OR REPLACE VIEW \"events\""),
        "{sql}"
    );
    contains(&sql, &["'/var/lib/o''brien/lake/data/*/*/*.parquet'"]);
}

#[test]
fn names_from_settings_stay_names() {
    let table = Table {
        database: "a`b".to_owned(),
        name: "x\"y'z".to_owned(),
        ..table()
    };
    contains(&table.statement(Dialect::Athena), &["`a``b`.`x\"y'z`"]);
    contains(&table.statement(Dialect::Trino), &["\"a`b\".\"x\"\"y'z\""]);
}
