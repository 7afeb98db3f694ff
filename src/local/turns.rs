//! Messages that are ready, and whose turn it is.
//!
//! Groups take turns; in a group the oldest message is first.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Bound,
    sync::Arc,
};

use super::letter::group_in;

#[derive(Default, Debug)]
pub(super) struct Turns {
    /// By group; none is empty.
    groups: BTreeMap<u32, BTreeSet<Arc<str>>>,
    count: usize,
    /// Which group had the last turn.
    last: u32,
}

impl Turns {
    pub(super) fn insert(&mut self, id: Arc<str>) {
        let group = self.groups.entry(group_in(&id)).or_default();
        self.count += usize::from(group.insert(id));
    }

    pub(super) fn remove(&mut self, id: &Arc<str>) {
        let group = group_in(id);
        let Some(ids) = self.groups.get_mut(&group) else {
            return;
        };
        self.count -= usize::from(ids.remove(id));
        if ids.is_empty() {
            self.groups.remove(&group);
        }
    }

    /// The oldest message of the group after the one that had the last turn.
    pub(super) fn pop(&mut self) -> Option<Arc<str>> {
        let later = (Bound::Excluded(self.last), Bound::Unbounded);
        let next = self.groups.range(later).chain(&self.groups).next();
        let (group, ids) = next?;
        self.last = *group;
        let id = Arc::clone(ids.first()?);
        self.remove(&id);
        Some(id)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.groups.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.count
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(group: u32, number: u32) -> Arc<str> {
        format!("1732330000000-00000000{group:08x}-{number:010}").into()
    }

    #[test]
    fn groups_take_turns_and_the_oldest_of_each_is_first() {
        let mut turns = Turns::default();
        for (group, number) in [(7, 3), (7, 1), (7, 2), (9, 6), (u32::MAX, 5), (9, 4)] {
            turns.insert(id(group, number));
            turns.insert(id(group, number));
        }
        assert_eq!(turns.len(), 6);
        turns.remove(&id(7, 2));
        turns.remove(&id(8, 2));
        let order: Vec<Arc<str>> = std::iter::from_fn(|| turns.pop()).collect();
        let expected = [(7, 1), (9, 4), (u32::MAX, 5), (7, 3), (9, 6)];
        assert_eq!(order, expected.map(|(group, number)| id(group, number)));
        assert!(turns.is_empty());
        assert_eq!(turns.len(), 0, "the count goes along");
    }
}
