//! The lake as a table, for whoever reads it: one statement for each engine.
//!
//! The table is the 29 columns of [`Column`] and two partition keys that stand
//! in the path only, `<tenant_id>/<yyyy-MM-dd>/`. Athena, Glue and Trino compute
//! partitions from the path (partition projection), so that a new day needs no
//! maintenance; engines without it are given the path's parts as columns, or
//! add each partition. Everything that comes from settings is quoted.
//!
//! Sources: "Partition projection" and "CREATE TABLE" of the Athena
//! documentation; "Hive connector" of Trino's; "Parquet Files" and the
//! `_metadata` column of Spark's; "Parquet" and "Secrets Manager" of DuckDB's.

mod dialect;
mod quote;

use audit::tenant::Tenant;
use clap::ValueEnum;

/// Whose SQL it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum Dialect {
    /// Athena and Glue, with partition projection
    Athena,
    /// Hive: partitions are added one by one
    Hive,
    /// Trino's Hive connector, with partition projection
    Trino,
    /// Spark: a view over the files
    Spark,
    /// DuckDB: a view over the files
    Duckdb,
}

/// The table as the settings name it.
#[derive(Clone, Debug)]
pub struct Table {
    pub database: String,
    pub name: String,
    /// What stands before `/<tenant_id>/<event_date>/`: `s3://bucket/prefix`, or
    /// a directory.
    pub location: String,
    /// Tenants to enumerate; empty: every query must name one.
    pub tenants: Vec<Tenant>,
    pub access: Access,
}

/// How an engine outside of AWS gets at the files.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Access {
    Directory,
    S3 {
        region: Option<String>,
        /// `http://host:port` of an S3-compatible server.
        endpoint: Option<String>,
    },
}

impl Table {
    /// What to run so that the table is there.
    pub fn statement(&self, dialect: Dialect) -> String {
        match dialect {
            Dialect::Athena => dialect::athena(self),
            Dialect::Hive => dialect::hive(self),
            Dialect::Trino => dialect::trino(self),
            Dialect::Spark => dialect::spark(self),
            Dialect::Duckdb => dialect::duckdb(self),
        }
    }
}

#[cfg(test)]
mod tests;
