//! The topology for people: the tree of supervisors and the picture of the data flow.

use std::fmt::Write as _;

use super::{ActorSpec, SupervisorSpec, Topology};

impl Topology {
    /// Supervisors and actors with their limits, one a line.
    pub fn tree(&self) -> String {
        let mut text = format!("{}  {}\n", self.root.name, about(&self.root));
        self.branches(&self.root, "", &mut text);
        text
    }

    fn branches(&self, supervisor: &SupervisorSpec, indent: &str, text: &mut String) {
        let is_below = |above: &Option<String>| above.as_deref() == Some(&*supervisor.name);
        let below = self.supervisors().filter(|spec| is_below(&spec.supervisor));
        let below: Vec<&SupervisorSpec> = below.collect();
        let actors = self
            .actors()
            .filter(|actor| actor.supervisor == supervisor.name);
        let actors: Vec<&ActorSpec> = actors.collect();
        let mut left = below.len() + actors.len();
        let mut arms = || {
            left -= 1;
            if left == 0 {
                ("└─ ", "   ")
            } else {
                ("├─ ", "│  ")
            }
        };
        for spec in below {
            let (arm, deeper) = arms();
            push(
                text,
                format_args!("{indent}{arm}{}  {}\n", spec.name, about(spec)),
            );
            self.branches(spec, &format!("{indent}{deeper}"), text);
        }
        for actor in actors {
            let (arm, _) = arms();
            let ActorSpec {
                name, count, slots, ..
            } = actor;
            push(
                text,
                format_args!("{indent}{arm}{name} ×{count}, {slots} slots\n"),
            );
        }
    }

    /// The data flow as a Mermaid flowchart: solid edges carry data and wait, dotted ones carry
    /// hints and never wait.
    pub fn picture(&self) -> String {
        let mut text = String::from("flowchart LR\n");
        for supervisor in self.supervisors() {
            let of = |actor: &&ActorSpec| actor.supervisor == supervisor.name;
            let mut actors = self.actors().filter(of).peekable();
            if actors.peek().is_none() {
                continue;
            }
            push(&mut text, format_args!("  subgraph {}\n", supervisor.name));
            for ActorSpec { name, count, .. } in actors {
                match count {
                    1 => push(&mut text, format_args!("    {name}\n")),
                    _ => push(&mut text, format_args!("    {name}[\"{name} ×{count}\"]\n")),
                }
            }
            text.push_str("  end\n");
        }
        for (arrow, is_data) in [("-->", true), ("-.->", false)] {
            for actor in self.actors() {
                for target in if is_data { &actor.to } else { &actor.hints } {
                    push(
                        &mut text,
                        format_args!("  {} {arrow} {target}\n", actor.name),
                    );
                }
            }
        }
        text
    }
}

fn about(supervisor: &SupervisorSpec) -> String {
    let mut text = supervisor.policy.to_string();
    if !supervisor.keeps.is_empty() {
        push(
            &mut text,
            format_args!("; keeps {}", supervisor.keeps.join(", ")),
        );
    }
    text
}

fn push(text: &mut String, line: std::fmt::Arguments<'_>) {
    text.write_fmt(line)
        .expect("writing to a String cannot fail");
}
