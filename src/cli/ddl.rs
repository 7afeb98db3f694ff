//! `idtrail ddl`: the statement that makes the lake a table.

use audit::tenant::Tenant;
use clap::Args as ClapArgs;
use serde::Serialize;

use super::{Exit, Failure, Globals};
use crate::ddl::{Dialect, Table};

/// Print the statement that makes the lake a table
///
/// For Athena and Glue by default, with partition projection, so that a new day or tenant needs no
/// maintenance. Database, table, location and region are those of the settings in use.
#[derive(Debug, ClapArgs)]
pub(super) struct Args {
    /// Whose SQL
    #[arg(long, value_enum, default_value = "athena", value_name = "ENGINE")]
    dialect: Dialect,

    /// List the tenants, so that a query need not name one (Athena, Trino)
    #[arg(long = "tenant", value_parser = Tenant::parse, value_name = "TENANT")]
    tenants: Vec<Tenant>,
}

#[derive(Serialize)]
struct Statement<'s> {
    dialect: String,
    sql: &'s str,
}

pub(super) fn run(args: &Args, globals: &Globals) -> Result<Exit, Failure> {
    let settings = globals.start()?;
    let table = Table {
        tenants: args.tenants.clone(),
        ..Table::of(&settings)
    };
    let sql = table.statement(args.dialect);
    let statement = Statement {
        dialect: format!("{:?}", args.dialect).to_lowercase(),
        sql: &sql,
    };
    globals.output().print(&statement, &sql)?;
    Ok(Exit::Success)
}
