//! Decides when rows become files, and hands out the open plans.
//!
//! It asks the leader to plan what is due, and gives plans that are in the
//! journal and not done to a partition writer, each to one at a time. It holds
//! no truth: the replica state knows which plans are open, so a writer or an
//! uploader that fell is replaced by simply handing the plan out again. A plan
//! whose file cannot be made waits longer each time, and the others go on.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use audit::journal_id::Gen;

use super::{
    appender,
    claims::Rider,
    desk::Desk,
    replica::{Birth, OpenPlan},
    seal::{self, Open, SealLimits, Seen, Urgency},
    working::{Hold, Working},
};
use crate::base::{Actor, Address, Context, Failure};

/// How often it looks without being told to.
const LOOK_EVERY: Duration = Duration::from_millis(100);

#[derive(Debug)]
pub enum Message {
    Look,
    Tick,
}

/// A plan to be made into a file, by whoever holds this.
#[derive(Debug)]
pub struct Task {
    pub plan: OpenPlan,
    pub generation: Gen,
    pub hold: Hold,
}

/// Set while somebody waits for every row to be in a file.
#[derive(Clone, Debug, Default)]
pub struct Draining(Arc<AtomicBool>);

#[derive(Debug)]
pub struct Planner<R: Rider> {
    pub desk: Desk<R>,
    pub limits: SealLimits,
    pub seen: Seen,
    pub working: Working,
    pub draining: Draining,
    pub appender: Address<appender::Message<R>>,
    pub writer: Address<Task>,
}

impl<R: Rider> Actor for Planner<R> {
    type Message = Message;

    async fn started(&mut self, cx: &mut Context<Message>) -> Result<(), Failure> {
        cx.tell_self(Message::Tick);
        Ok(())
    }

    async fn handle(&mut self, message: Message, cx: &mut Context<Message>) -> Result<(), Failure> {
        if matches!(message, Message::Tick) {
            cx.wake_after(LOOK_EVERY, Message::Tick);
        }
        self.begin()?;
        self.seal()?;
        self.hand_out()
    }
}

impl<R: Rider> Planner<R> {
    /// Before anything is planned here.
    fn begin(&self) -> Result<(), Failure> {
        let leader = self.desk.leader()?;
        if leader.is_serving() {
            self.working
                .begin(leader.plans_to_do().map(|plan| &plan.id));
        }
        Ok(())
    }

    fn seal(&mut self) -> Result<(), Failure> {
        let now = self.desk.now();
        let starved = self.desk.budget().starved();
        let mut leader = self.desk.leader()?;
        let urgency = if self.draining.is_set() {
            Urgency::Draining
        } else if starved {
            let replica = leader.replica();
            let idle = self.working.raw_bytes_set_aside(replica);
            Urgency::Pressed {
                writing: replica.open_raw_bytes() - idle,
            }
        } else {
            Urgency::Usual
        };
        let head = leader.replica().head().seq;
        let known = self.seen.note(head, now.boot_ms, self.limits.age_ms);
        let old = (now.wall_ms, known);
        leader.set_aside(self.working.set_aside_by_area());
        let room = Open::new(leader.replica(), leader.aside());
        let due = seal::due(room, &self.limits, urgency, old);
        let wake = !due.is_empty() || leader.has_news();
        due.into_iter().for_each(|partition| leader.seal(partition));
        drop(leader);
        if wake {
            // An appender that has messages waiting will see it with the next.
            drop(self.appender.try_send(appender::Message::Wake));
        }
        Ok(())
    }

    /// As many as the writers have room for: ten thousand may be open.
    fn hand_out(&self) -> Result<(), Failure> {
        let mut room = self.writer.slots_free();
        if room == 0 {
            return Ok(());
        }
        let leader = self.desk.leader()?;
        let Some(Birth { generation, .. }) = leader.birth() else {
            return Ok(());
        };
        self.working
            .keep(|id| leader.replica().open_plan(id).is_some());
        for plan in leader.plans_to_do() {
            let Some(hold) = self.working.hold(&plan.id) else {
                continue;
            };
            let task = Task {
                plan: plan.clone(),
                generation,
                hold,
            };
            if self.writer.try_send(task).is_err() {
                break;
            }
            room -= 1;
            if room == 0 {
                break;
            }
        }
        Ok(())
    }
}

impl Draining {
    pub fn set(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    pub fn clear(&self) {
        self.0.store(false, Ordering::Relaxed);
    }

    fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
