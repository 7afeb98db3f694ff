//! Part of `make soak`: three replicas under load for an hour, with a fault a
//! minute. `IDTRAIL_SOAK_MINUTES` makes it shorter or longer.

use std::{collections::BTreeMap, env, time::Duration};

use rand::RngExt;
use tokio::time::Instant;

use super::{
    proxy::{Fault, Rule},
    replicas::Scene,
};
use crate::{
    points::{POINTS, reached},
    program::{Running, pause},
};

const REPLICAS: usize = 3;
const MINUTE: Duration = Duration::from_secs(60);

/// For what is left in the queue when the faults end.
const PATIENCE: Duration = Duration::from_secs(1_200);
/// Between rounds of traffic.
const PAUSE: Duration = Duration::from_secs(3);

const DOWN: Fault = Fault::Error(503, "ServiceUnavailable");
const LATE: Fault = Fault::Late(Duration::from_secs(5));
const SLOW: Fault = Fault::Slow(Duration::from_secs(2));

/// What happens for a minute to every so many requests.
const FAULTS: [(&str, &str, u32, Fault); 12] = [
    ("s3:PutObject", "/_idtrail/", 1, DOWN),
    ("s3:PutObject", "/_idtrail/", 2, Fault::AnswerLost),
    ("s3:PutObject", "/_idtrail/", 3, LATE),
    ("s3:PutObject", "/data/", 1, DOWN),
    ("s3:PutObject", "/data/", 2, Fault::AnswerLost),
    ("s3:PutObject", "/data/", 3, LATE),
    ("s3:GetObject", "/_idtrail/", 2, Fault::HalfAnswer),
    ("s3:", "", 1, DOWN),
    ("s3:", "", 3, SLOW),
    ("sqs:ReceiveMessage", "", 2, Fault::AnswerLost),
    ("sqs:DeleteMessage", "", 2, Fault::AnswerLost),
    // Not of all calls: who sends the traffic goes the same way.
    ("sqs:ReceiveMessage", "", 1, Fault::Cut),
];

struct Soak {
    scene: Scene,
    replicas: Vec<Running>,
    happened: BTreeMap<String, usize>,
}

impl Soak {
    fn happens(&mut self, what: &str) {
        *self.happened.entry(what.to_owned()).or_default() += 1;
    }

    fn any(&mut self) -> usize {
        self.scene.dice.random_range(0..self.replicas.len())
    }

    /// Traffic until the minute is over.
    fn wait(&mut self, end: Instant) {
        while Instant::now() < end {
            self.scene.send();
            pause(PAUSE);
        }
    }

    /// A replica, be it the leader or not, ends in some way, and another is started.
    fn lose_one(&mut self, end: Instant) {
        let one = self.any();
        let replica = self.replicas.swap_remove(one);
        if self.scene.dice.random_ratio(1, 2) {
            self.happens("killed");
            replica.kill();
        } else {
            self.happens("told to stop");
            assert_eq!(replica.terminate().code, Some(0));
        }
        self.wait(end);
        self.replicas.push(self.scene.start());
    }

    fn freeze_one(&mut self, end: Instant) {
        self.happens("stopped for a minute (SIGSTOP)");
        let one = self.any();
        self.replicas[one].freeze();
        self.wait(end);
        self.replicas[one].thaw();
    }

    /// One is replaced by one that ends at some point, should it get there.
    fn arm_one(&mut self, end: Instant) {
        let one = self.any();
        self.replicas.swap_remove(one).kill();
        let point = POINTS[self.scene.dice.random_range(0..POINTS.len())];
        let mut armed = self.scene.start_to_end_at(point);
        self.wait(end);
        match armed.try_wait() {
            Some(ended) => {
                let point = reached(&ended, point);
                self.happens(&format!("ended at {point}"));
            }
            None => {
                self.happens("killed");
                armed.kill();
            }
        }
        self.replicas.push(self.scene.start());
    }

    fn disturb(&mut self, end: Instant) {
        let any = self.scene.dice.random_range(0..FAULTS.len());
        let (operation, path, one_in, fault) = FAULTS[any];
        self.happens(&format!("{operation} {path} one in {one_in}: {fault:?}"));
        let rule = Rule::new(operation, fault).path(path).one_in(one_in);
        self.scene.site.proxy.add(rule);
        self.wait(end);
        self.scene.site.proxy.calm();
    }
}

#[test]
#[ignore = "takes an hour"]
fn an_hour_with_a_fault_a_minute() {
    let minutes = env::var("IDTRAIL_SOAK_MINUTES").map_or(60, |minutes| {
        minutes.parse().expect("IDTRAIL_SOAK_MINUTES is a number")
    });
    let Some(scene) = Scene::as_shipped() else {
        return;
    };
    let mut soak = Soak {
        replicas: (0..REPLICAS).map(|_| scene.start()).collect(),
        scene,
        happened: BTreeMap::new(),
    };
    for _ in 0..minutes {
        let end = Instant::now() + MINUTE;
        match soak.scene.dice.random_range(0..6) {
            0 => soak.lose_one(end),
            1 => soak.freeze_one(end),
            2 => soak.arm_one(end),
            _ => soak.disturb(end),
        }
    }
    for (what, times) in &soak.happened {
        println!("fault: {what}: {times}");
    }
    let sent = soak.scene.sent();
    for replica in soak.replicas {
        assert_eq!(replica.terminate().code, Some(0));
    }
    let mut last = soak.scene.site.serve();
    // What an hour of faults left may be much.
    let patience = Instant::now() + PATIENCE;
    while !soak.scene.site.is_settled(&mut last) && Instant::now() < patience {
        pause(PAUSE);
    }
    soak.scene.end(last);
    println!("{minutes} minutes, {sent} events");
}
