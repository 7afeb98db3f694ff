//! The lake as a table, for whoever reads it: one statement for each engine.
//!
//! The table is the 29 columns of [`audit::schema::Column`] and two partition keys that stand
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

use crate::{
    local::Layout,
    settings::{Aws, Settings},
};

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
    /// Embedded, database and table have the names that they have on AWS by
    /// default.
    pub fn of(settings: &Settings) -> Table {
        let (location, access) = match &settings.aws {
            Some(aws) => {
                let access = Access::S3 {
                    region: Some(aws.region.clone()),
                    endpoint: aws.endpoint_url.clone(),
                };
                (aws.lake.to_string(), access)
            }
            None => {
                let lake = Layout::new(&settings.data).lake().join("data");
                let absolute = std::path::absolute(&lake).unwrap_or(lake);
                (absolute.display().to_string(), Access::Directory)
            }
        };
        let named = |name: fn(&Aws) -> Option<String>, default: &str| {
            let given = settings.aws.as_ref().and_then(name);
            given.unwrap_or_else(|| default.to_owned())
        };
        Table {
            database: named(|aws| aws.database.clone(), "idtrail"),
            name: named(|aws| aws.table.clone(), "events"),
            location: location.trim_end_matches('/').to_owned(),
            tenants: Vec::new(),
            access,
        }
    }

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
