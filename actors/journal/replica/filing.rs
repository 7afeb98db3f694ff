//! From rows that wait to a file that is there, or that nobody makes any more.

use audit::{
    journal::{Done, Plan, Skip},
    journal_id::Seq,
};

use super::{OpenPlan, PlanId, Replica, piece::covers};

impl Replica {
    pub(super) fn open(&mut self, seq: Seq, plan: Plan) -> Result<(), String> {
        let id = PlanId {
            seq,
            partition: plan.partition.clone(),
        };
        if plan.upto >= seq {
            return Err(format!("its plan for {} covers itself", plan.partition));
        }
        if self.plans.get(&id).is_some() {
            return Err(format!("it plans {} twice", plan.partition));
        }
        let mut pieces = Vec::new();
        if let Some(waiting) = self.waiting.get_mut(&plan.partition) {
            let count = waiting
                .iter()
                .take_while(|piece| piece.seq <= plan.upto)
                .count();
            pieces.extend(waiting.drain(..count));
            if waiting.is_empty() {
                self.waiting.remove(&plan.partition);
            }
        }
        covers(&plan, &pieces)?;
        self.plans.insert(OpenPlan {
            id,
            plan,
            pieces: pieces.into(),
        });
        Ok(())
    }

    pub(super) fn close(&mut self, done: &Done) -> Result<(), String> {
        let id = PlanId::of(done);
        let Some(open) = self.plans.get(&id) else {
            return Err(format!(
                "it ends plan {} of {}, which is not open",
                id.seq, id.partition
            ));
        };
        if open.plan.rows != done.rows || open.plan.key_xor != done.key_xor {
            return Err(format!(
                "the file of plan {} of {} has other rows",
                id.seq, id.partition
            ));
        }
        self.let_go(&id);
        Ok(())
    }

    /// Nobody makes that file any more.
    pub(super) fn give_up(&mut self, skip: Skip) -> Result<(), String> {
        let id = PlanId::skipped(&skip);
        let open = self.plans.get(&id);
        if open.is_none_or(|open| open.plan.rows != skip.rows) {
            return Err(format!(
                "it gives up plan {} of {} with {} rows, which is not open",
                id.seq, id.partition, skip.rows
            ));
        }
        self.let_go(&id);
        self.skipped.push(skip);
        Ok(())
    }

    /// The rows of this plan are waited for no longer.
    fn let_go(&mut self, id: &PlanId) {
        let pieces = self.plans.remove(id).map(|open| open.pieces);
        for piece in pieces.iter().flat_map(|pieces| pieces.iter()) {
            self.held.release(piece.seq);
            self.held.rows -= piece.rows;
        }
    }
}
