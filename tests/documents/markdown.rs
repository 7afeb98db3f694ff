//! A document as what stands in it to be run: its blocks, each with its line,
//! its language and its tags.
//!
//! Of Markdown this reads fences at the beginning of a line, and one kind of
//! comment, which readers do not see: `<!-- run`, commands, `-->`.

use std::fs;

use crate::tidy::source::repository;

/// Folders that hold no documents of ours.
const SKIPPED: [&str; 3] = [".git", ".venv", "target"];

pub(crate) struct Document {
    /// Relative to the repository.
    pub(crate) name: String,
    pub(crate) text: String,
    pub(crate) blocks: Vec<Block>,
}

#[derive(Debug)]
pub(crate) struct Block {
    /// Of the first line inside, from 1.
    pub(crate) line: usize,
    /// `run` for a comment with commands.
    pub(crate) language: String,
    /// `by=recipes` and the like, from the fence.
    tags: Vec<(String, String)>,
    pub(crate) lines: Vec<String>,
}

/// Every document of the repository.
pub(crate) fn documents() -> Vec<Document> {
    let mut names = Vec::new();
    let mut folders = vec![repository().to_owned()];
    while let Some(folder) = folders.pop() {
        let entries = fs::read_dir(&folder).expect("a folder of the repository can be listed");
        for path in entries.map(|entry| entry.expect("an entry").path()) {
            let skipped = SKIPPED.iter().any(|name| path.ends_with(name));
            if path.is_dir() && !skipped {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "md") {
                let name = path.strip_prefix(repository()).expect("it was found there");
                names.push(name.to_string_lossy().into_owned());
            }
        }
    }
    names.sort();
    names.iter().map(|name| document(name)).collect()
}

pub(crate) fn document(name: &str) -> Document {
    let path = repository().join(name);
    let text =
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    Document {
        name: name.to_owned(),
        blocks: blocks(&text),
        text,
    }
}

fn blocks(text: &str) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    let mut end = None;
    for (index, line) in text.lines().enumerate() {
        match end {
            Some(fence) if line == fence => end = None,
            Some(_) => {
                let block = blocks.last_mut().expect("one is open");
                block.lines.push(line.to_owned());
            }
            None => {
                let (info, fence) = match line.strip_prefix("```") {
                    Some(info) => (info, "```"),
                    None if line == "<!-- run" => ("run", "-->"),
                    None => continue,
                };
                end = Some(fence);
                blocks.push(Block::of(index + 2, info, &[]));
            }
        }
    }
    blocks
}

impl Document {
    /// What stands in the blocks of this language and tag, one after the other.
    pub(crate) fn joined(&self, language: &str, tag: Option<(&str, &str)>) -> String {
        let wanted = self.blocks.iter().filter(|block| {
            block.language == language
                && tag.is_none_or(|(key, value)| block.tag(key) == Some(value))
        });
        wanted.map(Block::text).collect()
    }
}

impl Block {
    /// `info`: what stands behind the fence.
    pub(super) fn of(line: usize, info: &str, lines: &[&str]) -> Block {
        let mut words = info.split_whitespace();
        let language = words.next().unwrap_or_default().to_owned();
        let tags = words.map(|word| word.split_once('=').unwrap_or((word, "")));
        Block {
            line,
            language,
            tags: tags
                .map(|(key, value)| (key.to_owned(), value.to_owned()))
                .collect(),
            lines: lines.iter().map(|line| (*line).to_owned()).collect(),
        }
    }

    pub(crate) fn text(&self) -> String {
        self.lines.iter().map(|line| format!("{line}\n")).collect()
    }

    pub(crate) fn tag(&self, key: &str) -> Option<&str> {
        let tag = self.tags.iter().find(|(name, _)| name == key);
        tag.map(|(_, value)| value.as_str())
    }

    pub(crate) fn tags(&self) -> impl Iterator<Item = (&str, &str)> {
        self.tags
            .iter()
            .map(|(key, value)| (key.as_str(), value.as_str()))
    }

    /// Whether somebody else runs it, or nobody can.
    pub(crate) fn is_left_out(&self) -> bool {
        self.tag("by").is_some() || self.tag("needs").is_some()
    }
}

#[test]
fn blocks_have_their_line_language_and_tags() {
    let text = "# T\n\n```sh by=recipes x\na\n\nb\n```\ntext\n<!-- run\nc\n-->\n```\nd\n```\n";
    let found: Vec<String> = blocks(text)
        .iter()
        .map(|block| {
            let by = block.tag("by").unwrap_or("-");
            format!(
                "{} {} {by} {}",
                block.line,
                block.language,
                block.lines.join("/")
            )
        })
        .collect();
    assert_eq!(found, ["4 sh recipes a//b", "10 run - c", "13  - d"]);
}
