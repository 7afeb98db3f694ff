//! Names and texts in SQL: whatever stands in the settings stays one name or
//! one text.

/// Hive's, Athena's and Spark's names.
pub(super) fn backticks(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}

/// Standard SQL's names: Trino, DuckDB.
pub(super) fn name(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Standard SQL's texts: Trino, DuckDB.
pub(super) fn text(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// Hive's and Spark's texts, in which a backslash escapes.
pub(super) fn escaped(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
}
