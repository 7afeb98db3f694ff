//! From TOML to plain values, noting every mistake and going on.
//!
//! A value that is missing or wrong leaves an issue and a stand-in, so that one
//! reading finds all mistakes; a stand-in never gets out, since nobody gets a
//! topology with issues. The line of every key is kept for later checks.

use std::collections::BTreeMap;
use std::ops::Range;
use std::time::Duration;

use audit::journal::Format;
use toml_edit::{Document, Item, TableLike};

use super::Issue;
use super::limits::Limits;

/// Ten years: longer waits are mistakes, and far from what a clock can add.
const SECS_MAX: u64 = 315_360_000;
const UNITS: [(&str, u64); 5] = [
    ("B", 1),
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("TiB", 1 << 40),
];
const BYTES_MAX: u64 = 1 << 50;

/// The mistakes so far, and where each key stands.
#[derive(Debug)]
pub(super) struct Report {
    file: String,
    line_starts: Vec<usize>,
    lines: BTreeMap<String, usize>,
    issues: Vec<Issue>,
}

impl Report {
    pub(super) fn new(file: &str, text: &str) -> Self {
        let newlines = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        Self {
            file: file.to_owned(),
            line_starts: newlines.map(|(at, _)| at + 1).collect(),
            lines: BTreeMap::new(),
            issues: Vec::new(),
        }
    }

    /// At the line of `key`, or of the nearest table around it that is in the file.
    pub(super) fn issue(&mut self, key: &str, what: impl Into<String>) {
        let mut around = key;
        let line = loop {
            if let Some(line) = self.lines.get(around) {
                break *line;
            }
            match around.rsplit_once('.') {
                Some((outer, _)) => around = outer,
                None => break 1,
            }
        };
        self.push(line, key, what.into());
    }

    pub(super) fn is_clean(&self) -> bool {
        self.issues.is_empty()
    }

    pub(super) fn into_issues(mut self) -> Vec<Issue> {
        self.issues.sort_by_key(|issue| issue.line);
        self.issues
    }

    fn push(&mut self, line: usize, key: &str, what: String) {
        self.issues.push(Issue {
            file: self.file.clone(),
            line,
            key: key.to_owned(),
            what,
        });
    }

    fn saw(&mut self, key: &str, span: Option<Range<usize>>) {
        if let Some(span) = span {
            let line = self.line_of(span.start);
            self.lines.insert(key.to_owned(), line);
        }
    }

    fn line_of(&self, at: usize) -> usize {
        1 + self.line_starts.partition_point(|start| *start <= at)
    }
}

/// Reads the whole document by `read`; `None` if it is no TOML.
pub(super) fn document<T>(
    text: &str,
    report: &mut Report,
    read: impl FnOnce(&mut Section<'_>) -> T,
) -> Option<T> {
    match Document::parse(text) {
        Ok(document) => {
            let mut root = Section {
                path: String::new(),
                table: Some(document.as_table() as &dyn TableLike),
                report,
                known: Limits::SECTIONS.to_vec(),
            };
            let value = read(&mut root);
            root.end();
            Some(value)
        }
        Err(error) => {
            let line = report.line_of(error.span().map_or(0, |span| span.start));
            // Its own text draws the line and what stands there; ours is one line.
            let what = error.message().replace('\n', ", ");
            report.push(
                line,
                "",
                format!("not valid TOML, {what}: correct the syntax"),
            );
            None
        }
    }
}

/// A table that is being read.
pub(super) struct Section<'a> {
    path: String,
    /// `None` if it is missing or no table: said once, so its keys are not missed one by one.
    table: Option<&'a dyn TableLike>,
    report: &'a mut Report,
    known: Vec<&'static str>,
}

impl Section<'_> {
    pub(super) fn section<T>(
        &mut self,
        key: &'static str,
        read: impl FnOnce(&mut Section<'_>) -> T,
    ) -> T {
        let path = self.at(key);
        let item = self.get(key);
        if item.is_none() && self.table.is_some() {
            self.report
                .issue(&path, format!("is missing: add [{path}]"));
        }
        sub_section(path, item, self.report, read)
    }

    /// Every table inside the table `key`, with its name.
    pub(super) fn sections<T>(
        &mut self,
        key: &'static str,
        mut read: impl FnMut(String, &mut Section<'_>) -> T,
    ) -> Vec<T> {
        let path = self.at(key);
        let Some(table) = self.get(key).and_then(Item::as_table_like) else {
            let what = format!("is missing: add a table [{path}.NAME] for each of them");
            self.report.issue(&path, what);
            return Vec::new();
        };
        let mut values = Vec::new();
        for (name, item) in table.iter() {
            let path = format!("{path}.{name}");
            let key = table.get_key_value(name).and_then(|(key, _)| key.span());
            self.report.saw(&path, key.or_else(|| item.span()));
            if !is_name(name) {
                let what = "is no name: use lower case letters, digits and _, a letter first";
                self.report.issue(&path, what);
            }
            let name = name.to_owned();
            values.push(sub_section(path, Some(item), self.report, |s| {
                read(name, s)
            }));
        }
        values
    }

    /// A size such as `"256 MiB"`.
    pub(super) fn size(&mut self, key: &'static str) -> u64 {
        let hint = "a size above zero with its unit, such as \"64 MiB\"";
        self.required(key, hint, |item| item.as_str().and_then(parse_size))
    }

    pub(super) fn count(&mut self, key: &'static str) -> u64 {
        self.number(key, 1, 1 << 40)
    }

    /// A count of things that are held in memory.
    pub(super) fn places(&mut self, key: &'static str, max: usize) -> usize {
        self.number(key, 1, max as u64) as usize
    }

    pub(super) fn places_or_zero(&mut self, key: &'static str, max: usize) -> usize {
        self.number(key, 0, max as u64) as usize
    }

    pub(super) fn restarts(&mut self, key: &'static str) -> u32 {
        self.number(key, 1, 1_000) as u32
    }

    pub(super) fn millis(&mut self, key: &'static str) -> Duration {
        Duration::from_millis(self.number(key, 1, SECS_MAX * 1_000))
    }

    pub(super) fn secs(&mut self, key: &'static str) -> Duration {
        Duration::from_secs(self.number(key, 1, SECS_MAX))
    }

    pub(super) fn hours(&mut self, key: &'static str) -> Duration {
        Duration::from_secs(self.number(key, 1, SECS_MAX / 3_600) * 3_600)
    }

    /// One of these words; `None` if it is missing or another, which the report says.
    pub(super) fn one_of<T: Copy>(
        &mut self,
        key: &'static str,
        words: &[(&'static str, T)],
    ) -> Option<T> {
        let all: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        let hint = format!("one of {}, in quotes", all.join(", "));
        self.required(key, &hint, |item| {
            let text = item.as_str()?;
            let found = words.iter().find(|(word, _)| *word == text);
            found.map(|(_, value)| Some(*value))
        })
    }

    pub(super) fn text(&mut self, key: &'static str) -> String {
        self.required(key, "a name in quotes", |item| {
            item.as_str().map(str::to_owned)
        })
    }

    pub(super) fn optional_text(&mut self, key: &'static str) -> Option<String> {
        self.get(key)?;
        Some(self.text(key))
    }

    pub(super) fn switch(&mut self, key: &'static str) -> bool {
        self.required(key, "true or false", Item::as_bool)
    }

    /// The first if it is missing: so a file of an older version is one of this too.
    pub(super) fn format(&mut self, key: &'static str) -> Format {
        if self.get(key).is_none() {
            return Format::default();
        }
        let hint = format!("a whole number from 1 to {}", Format::NEWEST);
        self.required(key, &hint, |item| {
            Format::numbered(u64::try_from(item.as_integer()?).ok()?)
        })
    }

    /// False if it is missing.
    pub(super) fn flag(&mut self, key: &'static str) -> bool {
        self.get(key).is_some() && self.required(key, "true or false", Item::as_bool)
    }

    /// Empty if it is missing.
    pub(super) fn names(&mut self, key: &'static str) -> Vec<String> {
        if self.get(key).is_none() {
            return Vec::new();
        }
        self.required(key, "a list of names, each in quotes", |item| {
            let values = item.as_array()?.iter();
            values
                .map(|value| value.as_str().map(str::to_owned))
                .collect()
        })
    }

    fn number(&mut self, key: &'static str, min: u64, max: u64) -> u64 {
        let hint = format!("a whole number from {min} to {max}");
        self.required(key, &hint, |item| {
            let number = u64::try_from(item.as_integer()?).ok()?;
            (min..=max).contains(&number).then_some(number)
        })
    }

    fn required<T: Default>(
        &mut self,
        key: &'static str,
        hint: &str,
        read: impl FnOnce(&Item) -> Option<T>,
    ) -> T {
        let path = self.at(key);
        match self.get(key) {
            Some(item) => read(item).unwrap_or_else(|| {
                let found = shorten(item.to_string().trim());
                self.report
                    .issue(&path, format!("is {found}: it must be {hint}"));
                T::default()
            }),
            None => {
                if self.table.is_some() {
                    self.report.issue(&path, format!("is missing: add {hint}"));
                }
                T::default()
            }
        }
    }

    fn at(&self, key: &str) -> String {
        if self.path.is_empty() {
            return key.to_owned();
        }
        format!("{}.{key}", self.path)
    }
}

impl<'a> Section<'a> {
    fn get(&mut self, key: &'static str) -> Option<&'a Item> {
        if !self.known.contains(&key) {
            self.known.push(key);
        }
        let path = self.at(key);
        let (name, item) = self.table?.get_key_value(key)?;
        self.report.saw(&path, name.span().or_else(|| item.span()));
        Some(item)
    }

    /// What nobody asked for is a misspelling, and not ignored.
    fn end(self) {
        let Some(table) = self.table else { return };
        for (key, item) in table.iter() {
            if self.known.contains(&key) {
                continue;
            }
            let path = self.at(key);
            let name = table.get_key_value(key).and_then(|(key, _)| key.span());
            self.report.saw(&path, name.or_else(|| item.span()));
            let what = format!(
                "is unknown: remove it, or use one of {}",
                self.known.join(", ")
            );
            self.report.issue(&path, what);
        }
    }
}

fn sub_section<T>(
    path: String,
    item: Option<&Item>,
    report: &mut Report,
    read: impl FnOnce(&mut Section<'_>) -> T,
) -> T {
    let table = item.and_then(Item::as_table_like);
    if item.is_some() && table.is_none() {
        report.issue(
            &path,
            format!("is no table: write [{path}] and its keys below"),
        );
    }
    let mut section = Section {
        path,
        table,
        report,
        known: Vec::new(),
    };
    let value = read(&mut section);
    section.end();
    value
}

fn parse_size(text: &str) -> Option<u64> {
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (number, unit) = text.split_at(digits);
    let (_, factor) = UNITS.iter().find(|(name, _)| *name == unit.trim_start())?;
    let bytes = number.parse::<u64>().ok()?.checked_mul(*factor)?;
    (1..=BYTES_MAX).contains(&bytes).then_some(bytes)
}

fn is_name(name: &str) -> bool {
    let legal = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    name.starts_with(|c: char| c.is_ascii_lowercase()) && name.chars().all(legal)
}

/// A wrong value may be a page of text; its beginning tells which.
fn shorten(text: &str) -> String {
    const CHARS: usize = 40;
    let one_line = text.replace(['\n', '\r'], " ");
    if one_line.chars().count() <= CHARS {
        return one_line;
    }
    let start: String = one_line.chars().take(CHARS).collect();
    format!("{start}…")
}
