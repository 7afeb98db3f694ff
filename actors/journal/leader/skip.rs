//! Files that nobody makes: for long, or any more.

use std::collections::HashMap;

use audit::{
    journal::{Format, Skip},
    partition::Area,
};

use super::Leader;
use crate::journal::{claims::Rider, replica::PlanId};

/// Why a file is not given up.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum Unskippable {
    #[error("no such file is in the making: it is there, or was given up before")]
    NotOpen,
    #[error("it is in the lake already: start idtrail, which will find it")]
    Made,
    #[error(
        "a file can be given up in journal format {needed}, and this journal is written in {0}: \
         set `journal.write_format = {needed}` in the topology once every replica runs a version \
         that reads it",
        needed = Format::Two
    )]
    Format(Format),
}

impl<R: Rider> Leader<R> {
    /// So many plans of these areas nobody works on for long.
    pub fn set_aside(&mut self, aside: HashMap<Area, usize>) {
        self.aside = aside;
    }

    pub fn aside(&self) -> &HashMap<Area, usize> {
        &self.aside
    }

    /// Nobody makes the file of this plan any more; how many rows it has.
    pub fn skip(&mut self, id: &PlanId, reason: String) -> Result<u64, Unskippable> {
        let open = self.plans_to_do().find(|open| open.id == *id);
        let rows = open.ok_or(Unskippable::NotOpen)?.plan.rows;
        if self.format() < Format::Two {
            return Err(Unskippable::Format(self.format()));
        }
        self.reported.insert(id.clone());
        self.outbox.skip.push(Skip {
            plan: id.seq,
            partition: id.partition.clone(),
            rows,
            reason,
        });
        Ok(rows)
    }
}
