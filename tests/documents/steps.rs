//! What a document has its reader do, in order: the commands of its blocks, and
//! what each is shown to answer.
//!
//! In a block of `console` a line after `$ ` is a command, with the lines that
//! its quotes take in, and what follows is its output. A block of `sh` or `bash`,
//! and a comment `run`, is a script: every line of it must succeed.

use std::ops::Range;

use super::markdown::{Block, Document};

/// Served until Ctrl-C, unless one of the words behind them says otherwise.
const SERVERS: [(&str, &str); 2] = [("idtrail run", "--drain"), ("idtrail demo", "--no-serve")];

/// Ctrl-C in a terminal's output: what stands before it comes while the command
/// serves, what stands after it when it ends.
pub(super) const INTERRUPT: &str = "^C";

#[derive(Debug)]
pub(super) struct Step {
    /// From 1.
    pub(super) line: usize,
    pub(super) command: String,
    /// `None` for a script.
    pub(super) shown: Option<Shown>,
    pub(super) serves: bool,
}

#[derive(Debug)]
pub(super) struct Shown {
    /// Lines of the document, from 0.
    pub(super) at: Range<usize>,
    pub(super) lines: Vec<String>,
    pub(super) exit: i32,
}

impl Shown {
    /// What a server says before it is interrupted.
    pub(super) fn before_interrupt(&self) -> &[String] {
        let end = self.lines.iter().position(|line| line == INTERRUPT);
        &self.lines[..end.unwrap_or(self.lines.len())]
    }

    pub(super) fn is_interrupted(&self) -> bool {
        self.lines.iter().any(|line| line == INTERRUPT)
    }
}

pub(super) fn steps(document: &Document) -> Vec<Step> {
    let mut steps = Vec::new();
    for block in &document.blocks {
        if let Some(name) = block.tag("file") {
            let mark = "end of the file that the document shows";
            let command = format!("cat >{name} <<'{mark}'\n{}{mark}", block.text());
            steps.push(script(block, command));
        } else if !block.is_left_out() {
            match block.language.as_str() {
                "sh" | "bash" | "run" => steps.push(script(block, block.text())),
                "console" => steps.extend(session(block)),
                _ => {}
            }
        }
    }
    steps
}

fn script(block: &Block, command: String) -> Step {
    Step {
        line: block.line,
        serves: is_server(&command),
        command,
        shown: None,
    }
}

fn is_server(command: &str) -> bool {
    SERVERS
        .iter()
        .any(|(server, ends)| command.starts_with(server) && !command.contains(ends))
}

fn session(block: &Block) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    let mut lines = block.lines.iter().enumerate().peekable();
    while let Some((index, line)) = lines.next() {
        let at = block.line - 1 + index;
        let Some(begun) = line.strip_prefix("$ ") else {
            let last = steps.last_mut().and_then(|step| step.shown.as_mut());
            let shown = last.unwrap_or_else(|| panic!("line {}: begin with `$ `", at + 1));
            shown.lines.push(line.clone());
            shown.at.end = at + 1;
            continue;
        };
        let mut command = begun.to_owned();
        let mut end = at + 1;
        while is_open(&command) {
            let Some((_, more)) = lines.next() else { break };
            command = format!("{command}\n{more}");
            end += 1;
        }
        steps.push(Step {
            line: at + 1,
            serves: is_server(&command),
            command,
            shown: Some(Shown {
                at: end..end,
                lines: Vec::new(),
                exit: 0,
            }),
        });
    }
    let last = steps.last_mut().and_then(|step| step.shown.as_mut());
    if let (Some(shown), Some(exit)) = (last, block.tag("exit")) {
        shown.exit = exit.parse().expect("exit= has a number");
    }
    steps
}

/// Whether bash would wait for another line.
fn is_open(command: &str) -> bool {
    let mut quote = None;
    let mut chars = command.chars();
    while let Some(c) = chars.next() {
        match (quote, c) {
            (None | Some('"'), '\\') if chars.next().is_none() => return true,
            (None | Some('"'), '\\') => {}
            (None, '\'' | '"') => quote = Some(c),
            (Some(open), _) if open == c => quote = None,
            _ => {}
        }
    }
    quote.is_some()
}

#[test]
fn a_command_goes_on_while_its_quotes_are_open() {
    for (command, open) in [
        ("a b", false),
        ("a \\", true),
        ("a \\\\", false),
        ("a 'b \\", true),
        ("a 'b \\'", false),
        ("a \"b \\\" c", true),
        ("a \"b' \\\" c\"", false),
    ] {
        assert_eq!(is_open(command), open, "{command}");
    }
}

#[test]
fn a_session_is_commands_with_what_each_answers() {
    let document = Document {
        name: String::new(),
        text: String::new(),
        blocks: vec![Block::of(
            10,
            "console exit=2",
            &["$ a 'x", "y'", "1", "", "$ idtrail run"],
        )],
    };
    let steps = steps(&document);
    let told: Vec<_> = steps
        .iter()
        .map(|step| {
            let shown = step.shown.as_ref().expect("a session shows");
            (
                step.line,
                step.command.as_str(),
                shown.at.clone(),
                shown.exit,
                step.serves,
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            (10, "a 'x\ny'", 11..13, 0, false),
            (14, "idtrail run", 14..14, 2, true)
        ]
    );
}
