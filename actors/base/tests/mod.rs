//! Whole trees on a paused clock: what happened is a list of lines, and at the end nothing is left.

mod endings;
mod mailboxes;
mod restarts;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::time::Instant;

use super::*;

/// A message is an order to the one actor of these tests.
#[derive(Debug)]
enum Order {
    /// Write this number down.
    Note(u32),
    Sleep(u64),
    Panic,
    Fail,
    Fatal,
    /// Note the number after so many milliseconds.
    WakeAfter(u64, u32),
    TellSelf(u32),
}

/// With something that can be counted: a message that is gone has dropped it.
#[derive(Debug)]
struct Message(
    Order,
    #[expect(dead_code, reason = "counted by its Arc")] Arc<()>,
);

#[derive(Clone)]
struct Log {
    start: Instant,
    lines: Arc<Mutex<Vec<String>>>,
}

impl Log {
    fn write(&self, cx: &Context<Message>, what: &str) {
        let ms = self.start.elapsed().as_millis();
        let line = format!("{ms} {}.{} {what}", cx.name(), cx.worker());
        self.lines.lock().expect("no panic holds it").push(line);
    }
}

struct Puppet {
    log: Log,
    token: Arc<()>,
}

impl Actor for Puppet {
    type Message = Message;

    async fn started(&mut self, cx: &mut Context<Message>) -> Result<(), Failure> {
        self.log.write(cx, "starts");
        Ok(())
    }

    async fn handle(&mut self, message: Message, cx: &mut Context<Message>) -> Result<(), Failure> {
        let message_to_self = |number| Message(Order::Note(number), Arc::clone(&self.token));
        match message.0 {
            Order::Note(number) => self.log.write(cx, &number.to_string()),
            Order::Sleep(ms) => tokio::time::sleep(Duration::from_millis(ms)).await,
            Order::Panic => panic!("as ordered"),
            Order::Fail => return Err(Failure::Restart("as ordered".into())),
            Order::Fatal => return Err(Failure::Fatal("as ordered".into())),
            Order::WakeAfter(ms, number) => {
                let message = message_to_self(number);
                cx.wake_after(Duration::from_millis(ms), message);
            }
            Order::TellSelf(number) => cx.tell_self(message_to_self(number)),
        }
        Ok(())
    }
}

/// One tree of puppets.
struct Scene {
    topology: Arc<Topology>,
    running: Running,
    addresses: BTreeMap<String, Address<Message>>,
    log: Log,
    /// Each actor and message holds a clone.
    token: Arc<()>,
}

/// The limits of the built-in topology around this shape.
fn topology(shape: &str) -> Arc<Topology> {
    let builtin = include_str!("../../../topology.toml");
    let (limits, _) = builtin.split_once("# --- Supervisors").expect("this line");
    let text = format!("{limits}{shape}");
    Arc::new(Topology::parse("test.toml", &text).unwrap_or_else(|issues| panic!("{issues:?}")))
}

fn supervisor(name: &str, above: Option<&str>, strategy: &str, restarts_max: u32) -> String {
    let above = above.map(|above| format!("supervisor = \"{above}\"\n"));
    format!(
        "[supervisors.{name}]\n{}strategy = \"{strategy}\"\nrestarts_max = {restarts_max}\n\
         within_secs = 60\nbackoff_min_ms = 100\nbackoff_max_ms = 1000\n",
        above.unwrap_or_default()
    )
}

fn actor(name: &str, supervisor: &str, count: usize, slots: usize) -> String {
    format!(
        "[actors.{name}]\nsupervisor = \"{supervisor}\"\nentry = true\ncount = {count}\nslots = {slots}\n"
    )
}

/// One supervisor, one actor `a` with one worker.
fn single(restarts_max: u32, slots: usize) -> String {
    supervisor("root", None, "one_for_one", restarts_max) + &actor("a", "root", 1, slots)
}

impl Scene {
    async fn start(shape: &str) -> Self {
        Self::start_with(shape, Probe::none()).await
    }

    async fn start_with(shape: &str, probe: Probe) -> Self {
        let topology = topology(shape);
        let token = Arc::new(());
        let log = Log {
            start: Instant::now(),
            lines: Arc::default(),
        };
        let mut addresses = BTreeMap::new();
        let mut tree = Tree::new(Arc::clone(&topology), probe);
        for actor in topology.actors() {
            let (address, mailbox) = mailbox(&topology, &actor.name);
            addresses.insert(actor.name.clone(), address);
            let puppet = (log.clone(), Arc::clone(&token));
            tree.add(mailbox, move |_| Puppet {
                log: puppet.0.clone(),
                token: Arc::clone(&puppet.1),
            });
        }
        let running = tree.start().await.expect("all actors are there");
        Self {
            topology,
            running,
            addresses,
            log,
            token,
        }
    }

    fn address(&self, actor: &str) -> &Address<Message> {
        &self.addresses[actor]
    }

    fn message(&self, order: Order) -> Message {
        Message(order, Arc::clone(&self.token))
    }

    async fn send(&self, actor: &str, order: Order) {
        let sent = self.address(actor).send(self.message(order)).await;
        assert_eq!(sent, Ok(()));
    }

    /// Lets all happen that happens until this time after the start.
    async fn until(&self, ms: u64) {
        tokio::time::sleep_until(self.log.start + Duration::from_millis(ms)).await;
        // What is due at this very moment is due before this line goes on.
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
    }

    #[track_caller]
    fn assert_log(&self, expected: &[&str]) {
        assert_eq!(*self.log.lines.lock().expect("no panic holds it"), expected);
    }

    /// The tree has ended so, or ends so when it is shut down, and leaves nothing.
    async fn end(mut self, expected: Outcome) {
        let outcome = match expected {
            Outcome::Stopped => self.running.shutdown().await,
            _ => self.running.finished().await,
        };
        assert_eq!(outcome, expected);
        for (name, address) in &self.addresses {
            let slots = self.topology.actor(name).expect("it is there").slots;
            assert_eq!(address.workers_alive(), 0, "workers of {name}");
            assert_eq!(address.slots_free(), slots, "slots of {name}");
            let late = Message(Order::Note(0), Arc::clone(&self.token));
            assert_eq!(address.send(late).await, Err(Closed));
            let late = Message(Order::Note(0), Arc::clone(&self.token));
            assert!(address.try_send(late).is_err());
        }
        // The closures that make the actors go with their supervisors, which end by themselves.
        for _ in 0..1_000 {
            if Arc::strong_count(&self.token) > 1 {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        }
        assert_eq!(
            Arc::strong_count(&self.token),
            1,
            "actors or messages are left"
        );
    }
}
