//! Templates found by name, and drawn by weight.

use std::collections::HashMap;

use audit::source::Source;

use crate::{catalogue::Template, id::below, staff::Staff};

pub(crate) struct Index<'a> {
    templates: &'a [Template],
    staff: &'a Staff,
    by_name: HashMap<(Source, &'a str), Vec<usize>>,
}

impl<'a> Index<'a> {
    pub(crate) fn of(templates: &'a [Template], staff: &'a Staff) -> Index<'a> {
        let mut by_name: HashMap<_, Vec<usize>> = HashMap::new();
        for (index, template) in templates.iter().enumerate() {
            let name = (template.source, template.name.as_ref());
            by_name.entry(name).or_default().push(index);
        }
        Index {
            templates,
            staff,
            by_name,
        }
    }

    /// The event of that name that everybody of a group can cause: theirs, else
    /// a machine's.
    pub(crate) fn find(&self, source: Source, name: &str, group: usize) -> Option<usize> {
        let candidates = self.by_name.get(&(source, name))?;
        let group_of = |index: &&usize| &self.staff.groups[self.templates[**index].group];
        let members = &self.staff.groups[group].members;
        let theirs = |index: &&usize| {
            let by = &group_of(index).members;
            members.iter().all(|member| by.contains(member))
        };
        let mut candidates = candidates.iter();
        let found = candidates.clone().find(theirs);
        found
            .or_else(|| candidates.find(|index| group_of(index).is_machine))
            .copied()
    }

    /// The event of that name that an actor can cause.
    pub(crate) fn by(&self, source: Source, name: &str, actor: usize) -> Option<usize> {
        let mut candidates = self.by_name.get(&(source, name))?.iter();
        let theirs = |index: &&usize| {
            let group = self.templates[**index].group;
            self.staff.groups[group].members.contains(&actor)
        };
        candidates.find(theirs).copied()
    }
}

/// Indices, each as likely as its weight says.
#[derive(Debug)]
pub(crate) struct Weights {
    /// The sum of the weights so far, and the index.
    sums: Vec<(u64, usize)>,
}

impl Weights {
    pub(crate) fn of(weighted: impl Iterator<Item = (usize, u64)>) -> Weights {
        let mut sum = 0;
        let sums = weighted
            .filter(|(_, weight)| *weight > 0)
            .map(|(index, weight)| {
                sum += weight;
                (sum, index)
            });
        Weights {
            sums: sums.collect(),
        }
    }

    pub(crate) fn chosen(&self, word: u64) -> usize {
        let total = self.sums.last().map_or(1, |(sum, _)| *sum);
        let drawn = below(word, total);
        let at = self.sums.partition_point(|(sum, _)| *sum <= drawn);
        self.sums.get(at).map_or(0, |(_, index)| *index)
    }
}
