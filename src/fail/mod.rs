//! Named points at which a process ends as by `kill -9`, for tests.
//!
//! `FAIL_POINT=K5:3` arms one point: the third time that the process gets there,
//! it says so on standard error and kills itself. Of `K5:3,K11`, whichever comes
//! first. The points are those of `docs/protocol.md`. All lie where the process meets the world, so they are
//! decorators of its ports: a call that is about to be made, that is under way,
//! or whose answer nobody heard. Only builds with debug assertions have them.

mod clock;
mod point;
mod queue;
mod store;

use std::{
    env,
    io::{self, Write as _},
    str::FromStr,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering},
    },
    time::Duration,
};

use actors::pipeline::Ports;
use rustix::process::{Signal, getpid, kill_process};

pub use self::point::Point;
use self::{clock::SkewedClock, queue::FailingQueue, store::FailingStore};

/// The variable that arms a point.
const VARIABLE: &str = "FAIL_POINT";

/// The variable that sets the clock.
const SKEW_VARIABLE: &str = "CLOCK_SKEW_SECS";

/// How long a call is under way when the process ends.
const UNDER_WAY: Duration = Duration::from_millis(1);

/// What was armed, and what the process did so far.
#[derive(Debug)]
struct Fuse {
    armed: Vec<Armed>,
    /// A batch was committed last.
    committed: AtomicBool,
    /// The slot of this process's fence: a file that was planned before it is
    /// another's. Zero before it fences.
    fence: AtomicU64,
}

/// A point, and how often the process is still to get there.
#[derive(Debug)]
struct Armed {
    point: Point,
    left: AtomicU32,
}

/// These ports, with what the environment does to them.
///
/// # Errors
/// A variable cannot be understood.
pub fn armed(mut ports: Ports) -> Result<Ports, String> {
    if let Ok(secs) = env::var(SKEW_VARIABLE) {
        let secs: i64 = (secs.parse())
            .map_err(|_| format!("{SKEW_VARIABLE}={secs}: expects seconds, as -3600"))?;
        ports.clock = Arc::new(SkewedClock {
            inner: ports.clock,
            ahead_ms: secs.saturating_mul(1_000),
        });
    }
    let Ok(armed) = env::var(VARIABLE) else {
        return Ok(ports);
    };
    let armed = armed.split(',').map(str::parse).collect::<Result<_, _>>()?;
    Ok(decorated(ports, armed))
}

fn decorated(ports: Ports, armed: Vec<Armed>) -> Ports {
    let fuse = Arc::new(Fuse {
        armed,
        committed: AtomicBool::new(false),
        fence: AtomicU64::new(0),
    });
    let store = |inner| {
        let fuse = Arc::clone(&fuse);
        Arc::new(FailingStore { inner, fuse })
    };
    Ports {
        lake: store(ports.lake),
        transient: store(ports.transient),
        queue: Arc::new(FailingQueue {
            inner: ports.queue,
            fuse,
        }),
        ..ports
    }
}

fn kill(point: Point) {
    drop(writeln!(io::stderr(), "fail point {point} is reached"));
    kill_process(getpid(), Signal::KILL).expect("a process may end itself");
}

impl Fuse {
    fn has(&self, point: Point) -> bool {
        self.armed.iter().any(|armed| armed.point == point)
    }

    /// Whether the point is reached, as often as was asked for.
    fn burns(&self, point: Point) -> bool {
        let mut armed = self.armed.iter().filter(|armed| armed.point == point);
        armed.any(|armed| armed.left.fetch_sub(1, Ordering::Relaxed) == 1)
    }

    fn reach(&self, point: Point) {
        if self.burns(point) {
            kill(point);
        }
    }

    /// Reaches the point while the call is under way, if that takes a while.
    async fn during<T: Send + 'static>(
        &self,
        point: Point,
        call: impl Future<Output = T> + Send + 'static,
    ) -> T {
        if !self.burns(point) {
            return call.await;
        }
        let call = tokio::spawn(call);
        tokio::time::sleep(UNDER_WAY).await;
        kill(point);
        call.await.expect("a call of a port does not panic")
    }
}

impl FromStr for Armed {
    type Err = String;

    fn from_str(text: &str) -> Result<Armed, String> {
        let (point, times) = text.split_once(':').unwrap_or((text, "1"));
        let refused = || format!("{VARIABLE}={text}: expects a point and how often, as K5:3");
        let point = point.parse().map_err(|()| refused())?;
        match times.parse() {
            Err(_) | Ok(0) => Err(refused()),
            Ok(times) => Ok(Armed {
                point,
                left: AtomicU32::new(times),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_that_names_no_point_is_refused() {
        for text in ["K8", "K5:0", "K5:x", "k5", ""] {
            assert!(text.parse::<Armed>().is_err(), "{text}");
        }
        for point in Point::ALL {
            let armed: Armed = format!("{point}:2").parse().expect("a point");
            assert_eq!((armed.point, armed.left.into_inner()), (point, 2));
        }
    }
}
