//! Credit is conserved whatever is done with it, and served in order.

use std::future::Future;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use proptest::prelude::*;

use super::*;

/// One look at whether it is ready: nothing here needs a runtime.
fn poll<F: Future + ?Sized>(future: Pin<&mut F>) -> Option<F::Output> {
    match future.poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => Some(value),
        Poll::Pending => None,
    }
}

fn now(budget: &Budget, bytes: u64) -> Lease {
    poll(pin!(budget.acquire(bytes))).expect("enough credit")
}

#[test]
fn a_lease_splits_and_shrinks_and_its_drop_gives_back() {
    let budget = Budget::new(100);
    let mut lease = now(&budget, 60);
    assert_eq!(budget.available(), 40);
    let mut part = lease.split(25);
    assert_eq!((lease.bytes(), part.bytes()), (35, 25));
    assert_eq!(budget.available(), 40);
    part.shrink_to(20);
    part.shrink_to(90);
    assert_eq!((part.bytes(), budget.available()), (20, 45));
    let all = lease.split(1_000);
    assert_eq!((lease.bytes(), all.bytes()), (0, 35));
    drop(lease);
    assert_eq!(budget.available(), 45);
    drop((all, part));
    assert_eq!(budget.available(), 100);
}

#[test]
fn a_request_above_the_whole_budget_is_clamped_to_it() {
    let budget = Budget::new(100);
    let small = now(&budget, 1);
    let mut big = pin!(budget.acquire(u64::MAX));
    assert!(poll(big.as_mut()).is_none());
    drop(small);
    let big = poll(big).expect("all is free");
    assert_eq!((big.bytes(), budget.available()), (100, 0));
    drop(big);
    let huge = Budget::new(u64::MAX);
    assert_eq!(huge.available(), i64::MAX);
    drop(now(&huge, u64::MAX));
    assert_eq!(huge.available(), i64::MAX);
}

#[test]
fn the_ledger_overdraws_and_shuts_the_edge_until_it_is_repaid() {
    let budget = Budget::new(100);
    budget.charge(130);
    assert_eq!((budget.available(), budget.starved()), (-30, false));
    let mut nothing = pin!(budget.acquire(0));
    assert!(poll(nothing.as_mut()).is_none());
    assert!(budget.starved());
    budget.repay(29);
    assert!(poll(nothing.as_mut()).is_none());
    budget.repay(1);
    let nothing = poll(nothing).expect("nothing is overdrawn");
    assert_eq!((budget.available(), budget.starved()), (0, false));
    budget.repay(100);
    drop(nothing);
    assert_eq!(budget.available(), 100);
}

#[test]
fn who_waits_is_served_in_order_and_nobody_overtakes() {
    let budget = Budget::new(100);
    let held = now(&budget, 50);
    let mut big = Box::pin(budget.acquire(80));
    let mut small = pin!(budget.acquire(10));
    assert!(poll(big.as_mut()).is_none());
    assert!(
        poll(small.as_mut()).is_none(),
        "a small request does not starve a big one"
    );
    // The first gives up: its place goes to the next at once.
    drop(big);
    let small = poll(small).expect("enough is free");
    drop((small, held));
    assert_eq!(budget.available(), 100);
}

#[test]
fn a_grant_that_nobody_takes_comes_back() {
    let budget = Budget::new(100);
    let held = now(&budget, 100);
    let mut waiting = Box::pin(budget.acquire(100));
    assert!(poll(waiting.as_mut()).is_none());
    drop(held);
    assert_eq!(budget.available(), 0, "granted, but not taken yet");
    drop(waiting);
    assert_eq!(budget.available(), 100);
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Acquire(u64),
    /// Of a waiting request: look whether it has been served.
    Poll(usize),
    GiveUp(usize),
    Split(usize, u64),
    Shrink(usize, u64),
    Drop(usize),
    Charge(u64),
    Repay,
}

fn step() -> impl Strategy<Value = Step> {
    let bytes = 0..150_u64;
    prop_oneof![
        3 => bytes.clone().prop_map(Step::Acquire),
        2 => any::<usize>().prop_map(Step::Poll),
        1 => any::<usize>().prop_map(Step::GiveUp),
        1 => (any::<usize>(), bytes.clone()).prop_map(|(of, bytes)| Step::Split(of, bytes)),
        1 => (any::<usize>(), bytes.clone()).prop_map(|(of, bytes)| Step::Shrink(of, bytes)),
        2 => any::<usize>().prop_map(Step::Drop),
        1 => bytes.prop_map(Step::Charge),
        1 => Just(Step::Repay),
    ]
}

type Request<'a> = Pin<Box<dyn Future<Output = Lease> + 'a>>;

/// Everything that could hold credit.
struct World<'a> {
    budget: &'a Budget,
    leases: Vec<Lease>,
    requests: Vec<Request<'a>>,
    charged: u64,
}

impl World<'_> {
    fn take(&mut self, index: usize) -> Option<Lease> {
        let len = self.leases.len();
        (len > 0).then(|| self.leases.swap_remove(index % len))
    }

    fn act(&mut self, step: Step) {
        match step {
            Step::Acquire(bytes) => {
                let mut request: Request<'_> = Box::pin(self.budget.acquire(bytes));
                match poll(request.as_mut()) {
                    Some(lease) => self.leases.push(lease),
                    None => self.requests.push(request),
                }
            }
            Step::Poll(_) | Step::GiveUp(_) if self.requests.is_empty() => {}
            Step::Poll(of) => {
                let of = of % self.requests.len();
                if let Some(lease) = poll(self.requests[of].as_mut()) {
                    drop(self.requests.swap_remove(of));
                    self.leases.push(lease);
                }
            }
            Step::GiveUp(of) => drop(self.requests.swap_remove(of % self.requests.len())),
            Step::Split(of, bytes) => {
                if let Some(mut lease) = self.take(of) {
                    let part = lease.split(bytes);
                    self.leases.extend([lease, part]);
                }
            }
            Step::Shrink(of, bytes) => {
                if let Some(mut lease) = self.take(of) {
                    lease.shrink_to(bytes);
                    self.leases.push(lease);
                }
            }
            Step::Drop(of) => drop(self.take(of)),
            Step::Charge(bytes) => {
                self.budget.charge(bytes);
                self.charged += bytes;
            }
            Step::Repay => self.budget.repay(std::mem::take(&mut self.charged)),
        }
    }

    /// Credit that is granted, but lies in a request that has not looked yet, comes to light here.
    fn settle(&mut self) {
        let mut waiting = Vec::new();
        for mut request in std::mem::take(&mut self.requests) {
            match poll(request.as_mut()) {
                Some(lease) => self.leases.push(lease),
                None => waiting.push(request),
            }
        }
        self.requests = waiting;
    }
}

proptest! {
    #[test]
    fn credit_is_conserved(steps in prop::collection::vec(step(), 0..80)) {
        let budget = Budget::new(100);
        let mut world = World { budget: &budget, leases: Vec::new(), requests: Vec::new(), charged: 0 };
        for step in steps {
            world.act(step);
            world.settle();
            let bytes: u64 = world.leases.iter().map(Lease::bytes).sum::<u64>() + world.charged;
            prop_assert_eq!(budget.available(), 100 - signed(bytes));
            prop_assert_eq!(budget.starved(), !world.requests.is_empty());
        }
        budget.repay(world.charged);
        world.leases.clear();
        // Now everybody gets what they wait for, in order.
        while !world.requests.is_empty() {
            let waiting = world.requests.len();
            world.settle();
            prop_assert!(world.requests.len() < waiting);
            world.leases.clear();
        }
        prop_assert_eq!(budget.available(), 100);
    }
}
