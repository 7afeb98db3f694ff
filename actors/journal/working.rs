//! The plans somebody works on, and those whose file could not be made.
//!
//! Whatever keeps a file from being made, a fault of an encoder or a record that
//! cannot be read as rows, is most likely there at the next try as well, in this
//! process and in whichever leads after it. So it stops nobody: that plan alone
//! waits, longer each time, its rows in memory and in the journal, until a
//! release that is better at it has made its file. A file that ends the process
//! itself is left alone in safe mode, with all others that were in the making.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use audit::partition::Area;
use tokio::time::Instant;

use super::replica::{OpenPlan, PlanId, Replica};
use crate::report;

/// Until the second try; each further one waits so many times as long, up to the cap.
const PAUSE_MIN: Duration = Duration::from_secs(1);
const PAUSE_GROWTH: u32 = 8;
const PAUSE_MAX: Duration = Duration::from_secs(3_600);

/// So many tries may be bad luck; from then on a person is told.
const LUCK: u32 = 1;

#[derive(Clone, Debug)]
pub struct Working(Arc<Mutex<Table>>);

#[derive(Debug, Default)]
struct Table {
    held: HashSet<PlanId>,
    failed: HashMap<PlanId, Failed>,
    /// Whether what is open at first is left alone; false once it was.
    spares: bool,
}

#[derive(Debug)]
struct Failed {
    times: u32,
    pause: Duration,
    /// `None`: not by this process.
    again_at: Option<Instant>,
    why: String,
}

/// Keeps a plan from being handed out a second time; dropped, it may be again.
#[derive(Debug)]
pub struct Hold {
    working: Working,
    id: PlanId,
}

impl Working {
    /// `safe`: what is open when this process first leads is left alone.
    pub fn new(safe: bool) -> Working {
        let table = Table {
            spares: safe,
            ..Table::default()
        };
        Working(Arc::new(Mutex::new(table)))
    }

    /// What is open when this process leads; only the first call counts.
    pub(super) fn begin<'a>(&self, open: impl Iterator<Item = &'a PlanId>) {
        let mut table = self.table();
        let spares = std::mem::take(&mut table.spares);
        for id in open.filter(|_| spares) {
            let spared = Failed {
                times: LUCK + 1,
                pause: PAUSE_MAX,
                again_at: None,
                why: format!(
                    "{} of slot {} is left alone in safe mode",
                    id.partition, id.seq
                ),
            };
            table.failed.insert(id.clone(), spared);
        }
        let aside = table.set_aside().count();
        if spares {
            report::safe_mode(aside);
        }
        report::plans_set_aside(aside);
    }

    /// `None` while another hold lives, or until a plan that failed may be tried
    /// again.
    pub(super) fn hold(&self, id: &PlanId) -> Option<Hold> {
        let mut table = self.table();
        let now = Instant::now();
        let waits = |failed: &Failed| failed.again_at.is_none_or(|again| now < again);
        if table.failed.get(id).is_some_and(waits) {
            return None;
        }
        table.held.insert(id.clone()).then(|| Hold {
            working: self.clone(),
            id: id.clone(),
        })
    }

    /// Whether this plan's file could not be made, more than once.
    pub(crate) fn is_set_aside(&self, id: &PlanId) -> bool {
        let table = self.table();
        table.failed.get(id).is_some_and(Failed::is_set_aside)
    }

    /// Raw bytes of the plans that wait for another try: nobody writes these.
    pub(super) fn raw_bytes_set_aside(&self, replica: &Replica) -> u64 {
        let table = self.table();
        let open = table.failed.keys().filter_map(|id| replica.open_plan(id));
        open.map(OpenPlan::raw_bytes).sum()
    }

    /// How many plans nobody works on for long, by area: they take nobody's room.
    pub(super) fn set_aside_by_area(&self) -> HashMap<Area, usize> {
        let mut aside = HashMap::new();
        let table = self.table();
        let failed = table.failed.iter();
        for (id, _) in failed.filter(|(_, failed)| failed.is_set_aside()) {
            *aside.entry(id.partition.area.clone()).or_default() += 1;
        }
        aside
    }

    /// Forgets failures of all other plans.
    pub(super) fn keep(&self, is_open: impl Fn(&PlanId) -> bool) {
        let mut table = self.table();
        if table.failed.is_empty() {
            return;
        }
        table.failed.retain(|id, _| is_open(id));
        report::plans_set_aside(table.set_aside().count());
    }

    /// Why some plan's file cannot be made, if that is so of each of these.
    pub(crate) fn hopeless(&self, plans: impl IntoIterator<Item = PlanId>) -> Option<String> {
        let table = self.table();
        let mut why = None;
        for id in plans {
            let failed = table.failed.get(&id);
            why = Some(failed.filter(|failed| failed.is_set_aside())?.why.clone());
        }
        why
    }

    /// Nothing here can panic with the lock held, so a poisoned lock is sound.
    fn table(&self) -> MutexGuard<'_, Table> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Failed {
    fn is_set_aside(&self) -> bool {
        self.times > LUCK
    }
}

impl Table {
    fn set_aside(&self) -> impl Iterator<Item = &Failed> {
        self.failed.values().filter(|failed| failed.is_set_aside())
    }
}

impl Hold {
    /// The file `key` of the plan could not be made.
    pub fn failed(self, key: &str, why: &str) {
        let mut table = self.working.table();
        let failed = table.failed.entry(self.id.clone()).or_insert(Failed {
            times: 0,
            pause: PAUSE_MIN,
            again_at: None,
            why: String::new(),
        });
        failed.times += 1;
        failed.again_at = Some(Instant::now() + failed.pause);
        failed.why = format!("{key}: {why}");
        report::file_not_made(key, why, failed.times, failed.pause);
        failed.pause = (failed.pause * PAUSE_GROWTH).min(PAUSE_MAX);
        report::plans_set_aside(table.set_aside().count());
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.working.table().held.remove(&self.id);
    }
}
