//! What people and machines do in several events, over several systems: a
//! sign-in, a deployment, a night's backup.
//!
//! ```text
//! sign-in 20 staff
//!   0          okta user.session.start
//!   1-3   x2-4 okta user.authentication.sso
//! ```
//!
//! A name, how frequent, by whom; then, step by step, how many seconds after the
//! one before, how often, and which event. All steps share a salt: the same
//! repository, account and task. A step of a machine's is that machine's.

use audit::source::Source;

use crate::{staff::Staff, template_index::Index};

const ACTIVITIES: &str = include_str!("templates/activities.txt");

#[derive(Debug)]
pub(crate) struct Activity {
    pub(crate) weight: u64,
    pub(crate) group: usize,
    pub(crate) steps: Vec<Step>,
}

#[derive(Debug)]
pub(crate) struct Step {
    /// Seconds after the one before, from and to.
    pub(crate) after: (u64, u64),
    pub(crate) times: (u64, u64),
    pub(crate) template: usize,
}

pub(crate) fn read(staff: &Staff, index: &Index<'_>) -> Result<Vec<Activity>, String> {
    let mut activities: Vec<Activity> = Vec::new();
    let lines = ACTIVITIES.lines().filter(|line| !line.starts_with('#'));
    for line in lines.filter(|line| !line.trim().is_empty()) {
        let wrong = |what: &str| format!("{what}: {line}");
        let words: Vec<&str> = line.split_whitespace().collect();
        if !line.starts_with(' ') {
            let [_, weight, group] = words[..] else {
                return Err(wrong("an activity has a name, a weight and a group"));
            };
            activities.push(Activity {
                weight: weight.parse().map_err(|_| wrong("no weight"))?,
                group: staff.group(group).ok_or_else(|| wrong("no such group"))?,
                steps: Vec::new(),
            });
            continue;
        }
        let activity = activities.last_mut().ok_or_else(|| wrong("of what?"))?;
        let (after, times, source, name) = match words[..] {
            [after, source, name] => (after, "x1", source, name),
            [after, times, source, name] => (after, times, source, name),
            _ => return Err(wrong("a step has a delay, a source and an event")),
        };
        let times = times.strip_prefix('x').and_then(range);
        let source: Source = source.parse().map_err(|_| wrong("no such source"))?;
        activity.steps.push(Step {
            after: range(after).ok_or_else(|| wrong("no delay"))?,
            times: times.ok_or_else(|| wrong("how often?"))?,
            template: index
                .find(source, name, activity.group)
                .ok_or_else(|| wrong("no such event by them"))?,
        });
    }
    Ok(activities)
}

/// `5` or `2-5`.
fn range(text: &str) -> Option<(u64, u64)> {
    let (least, most) = text.split_once('-').unwrap_or((text, text));
    let (least, most) = (least.parse().ok()?, most.parse().ok()?);
    (least <= most).then_some((least, most))
}
