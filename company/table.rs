//! Tables in plain text: what the company is made of.
//!
//! ```text
//! # a remark
//! [repo name | visibility]
//! shop | private
//! ```
//!
//! A table begins with its name and the names of its columns; a row has as many
//! cells. They are embedded in the program and read once.

#[derive(Debug)]
pub(crate) struct Table {
    pub(crate) name: &'static str,
    pub(crate) columns: Vec<&'static str>,
    pub(crate) rows: Vec<Vec<&'static str>>,
}

impl Table {
    pub(crate) fn column(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| *column == name)
    }

    /// The row whose first cell is `name`.
    pub(crate) fn row(&self, name: &str) -> Option<usize> {
        self.rows.iter().position(|row| row[0] == name)
    }
}

/// All tables of a text. A mistake is told with its line.
pub(crate) fn read(text: &'static str) -> Result<Vec<Table>, String> {
    let mut tables: Vec<Table> = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        let at = |what: &str| format!("line {}: {what}: {line}", index + 1);
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if let Some(head) = line.strip_prefix('[') {
            let head = head
                .strip_suffix(']')
                .ok_or_else(|| at("no ] at the end"))?;
            let (name, columns) = head.split_once(' ').ok_or_else(|| at("no columns"))?;
            tables.push(Table {
                name,
                columns: columns.split('|').map(str::trim).collect(),
                rows: Vec::new(),
            });
            continue;
        }
        let table = tables.last_mut().ok_or_else(|| at("a row without table"))?;
        let row: Vec<_> = line.split('|').map(str::trim).collect();
        if row.len() != table.columns.len() {
            return Err(at("not as many cells as columns"));
        }
        table.rows.push(row);
    }
    Ok(tables)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_has_a_name_columns_and_rows() {
        let text = "# x\n[repo name | kind]\n a | b c\nd | e\n[one x]\n";
        let tables = read(text).expect("right");
        assert_eq!(tables.len(), 2);
        assert_eq!(tables[0].rows, [["a", "b c"], ["d", "e"]]);
        assert_eq!(tables[0].column("kind"), Some(1));
        assert_eq!(tables[0].row("d"), Some(1));
        assert_eq!(tables[1].name, "one");
    }

    #[test]
    fn a_mistake_is_told_with_its_line() {
        for (text, expected) in [
            ("a | b", "line 1: a row without table: a | b"),
            ("[x a | b]\na", "line 2: not as many cells as columns: a"),
            ("[x a", "line 1: no ] at the end: [x a"),
            ("[x]", "line 1: no columns: [x]"),
        ] {
            assert_eq!(read(text).map(|_| ()), Err(expected.to_owned()));
        }
    }
}
