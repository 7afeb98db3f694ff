//! What the company has: accounts, buckets, repositories, servers, apps.
//!
//! Each kind is a table; an event names one row of it, and names the same one
//! wherever it names that kind, because the row follows from the plan's salt.
//! Rows that come first are busier.

use crate::{
    id::{key_of, mix},
    table::{self, Table},
};

const THINGS: &str = include_str!("templates/things.txt");

#[derive(Debug)]
pub(crate) struct Things {
    tables: Vec<Table>,
    /// Of each table, the key of each row: what the row's ids follow from.
    keys: Vec<Vec<u64>>,
}

/// A row of a table.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Thing {
    pub(crate) kind: usize,
    pub(crate) row: usize,
}

impl Things {
    pub(crate) fn read(seed: u64) -> Result<Things, String> {
        let tables = table::read(THINGS)?;
        let key = |table: &Table, row: &Vec<&str>| mix(seed ^ key_of(table.name), key_of(row[0]));
        let keys = tables
            .iter()
            .map(|table| table.rows.iter().map(|row| key(table, row)).collect())
            .collect();
        Ok(Things { tables, keys })
    }

    pub(crate) fn kind(&self, name: &str) -> Option<usize> {
        self.tables.iter().position(|table| table.name == name)
    }

    pub(crate) fn column(&self, kind: usize, name: &str) -> Option<usize> {
        self.tables[kind].column(name)
    }

    /// The thing of that kind and name.
    pub(crate) fn named(&self, kind: &str, name: &str) -> Option<Thing> {
        let kind = self.kind(kind)?;
        let row = self.tables[kind].row(name)?;
        Some(Thing { kind, row })
    }

    /// The one that belongs to a salt: one in two is of the first quarter.
    pub(crate) fn chosen(&self, kind: usize, salt: u64) -> Thing {
        let uniform = mix(salt, kind as u64) >> 32;
        let skewed = (uniform * uniform) >> 32;
        let row = (skewed * self.tables[kind].rows.len() as u64) >> 32;
        Thing {
            kind,
            row: row as usize,
        }
    }

    pub(crate) fn text(&self, thing: Thing, column: usize) -> &'static str {
        self.tables[thing.kind].rows[thing.row][column]
    }

    pub(crate) fn kind_name(&self, thing: Thing) -> &'static str {
        self.tables[thing.kind].name
    }

    pub(crate) fn key(&self, thing: Thing) -> u64 {
        self.keys[thing.kind][thing.row]
    }
}
