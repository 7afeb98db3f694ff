//! The plans whose files are not done.

use std::collections::BTreeMap;

use audit::partition::Area;
use hashbrown::HashMap;

use super::{OpenPlan, PlanId};

/// In the order of the journal. Their sums are kept, since they are asked for at
/// every look, and ten thousand plans may be open.
#[derive(Debug, Default)]
pub(super) struct OpenPlans {
    plans: BTreeMap<PlanId, OpenPlan>,
    /// How many there are of each area; none is not there.
    by_area: HashMap<Area, usize>,
    raw_bytes: u64,
}

impl OpenPlans {
    pub(super) fn insert(&mut self, open: OpenPlan) {
        let area = open.id.partition.area.clone();
        *self.by_area.entry(area).or_default() += 1;
        self.raw_bytes += open.raw_bytes();
        let replaced = self.plans.insert(open.id.clone(), open);
        debug_assert!(replaced.is_none(), "a plan is opened once");
    }

    pub(super) fn remove(&mut self, id: &PlanId) -> Option<OpenPlan> {
        let open = self.plans.remove(id)?;
        self.raw_bytes -= open.raw_bytes();
        let area = &id.partition.area;
        match self.by_area.get_mut(area) {
            Some(count) if *count > 1 => *count -= 1,
            _ => drop(self.by_area.remove(area)),
        }
        Some(open)
    }

    pub(super) fn get(&self, id: &PlanId) -> Option<&OpenPlan> {
        self.plans.get(id)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &OpenPlan> {
        self.plans.values()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.plans.is_empty()
    }

    pub(super) fn count_in(&self, area: &Area) -> usize {
        self.by_area.get(area).copied().unwrap_or_default()
    }

    pub(super) fn raw_bytes(&self) -> u64 {
        self.raw_bytes
    }
}

impl OpenPlan {
    pub fn raw_bytes(&self) -> u64 {
        self.pieces.iter().map(|piece| piece.raw_bytes).sum()
    }
}

#[cfg(test)]
mod tests {
    use audit::{
        journal::Plan,
        journal_id::Seq,
        key::KeyXor,
        partition::{Day, Partition},
        tenant::Tenant,
    };

    use super::*;

    fn open(seq: u64, tenant: &str, day: i64) -> OpenPlan {
        let tenant = Tenant::parse(tenant).expect("a valid id");
        let partition = Partition::tenant(tenant, Day::of_ms(day * 86_400_000));
        OpenPlan {
            id: PlanId {
                seq: Seq(seq),
                partition: partition.clone(),
            },
            plan: Plan {
                partition,
                from: Seq::ZERO,
                upto: Seq(1),
                rows: 0,
                key_xor: KeyXor::default(),
            },
            pieces: Vec::new().into(),
        }
    }

    #[test]
    fn open_plans_are_counted_by_tenant() {
        let mut plans = OpenPlans::default();
        let all = [open(2, "acme", 1), open(2, "acme", 2), open(3, "other", 1)];
        all.iter().for_each(|open| plans.insert(open.clone()));
        let [first, second, other] = all.map(|open| open.id);
        let count = |plans: &OpenPlans, id: &PlanId| plans.count_in(&id.partition.area);
        assert_eq!((count(&plans, &first), count(&plans, &other)), (2, 1));
        plans.remove(&first);
        plans.remove(&first);
        plans.remove(&other);
        assert_eq!((count(&plans, &second), count(&plans, &other)), (1, 0));
        plans.remove(&second);
        assert!(plans.is_empty() && plans.by_area.is_empty());
    }
}
