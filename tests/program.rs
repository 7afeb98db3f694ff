//! The program under test, on a data directory of its own that goes when the
//! test ends.
//!
//! Every call is a process, told what to do by its command line and a clean
//! environment. What a process said is kept in files and shown when a test
//! fails, because a pipe that nobody reads would stop it.

use std::{
    fs::{self, File},
    io::{Read, Write},
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    time::Duration,
};

use audit::source::Source;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;
use tokio::time::Instant;

/// After so long nobody believes any more that it will come.
const WAIT_MAX: Duration = Duration::from_secs(180);

/// A deployment: embedded, where its environment and settings say nothing else.
pub(crate) struct Deployment {
    folder: TempDir,
    environment: Vec<(&'static str, String)>,
}

/// What a process that has ended left behind.
#[derive(Debug)]
pub(crate) struct Ended {
    /// `None` if a signal ended it.
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

/// A process that may still run; killed when dropped.
pub(crate) struct Running {
    child: Child,
    stdout: PathBuf,
    stderr: PathBuf,
}

impl Deployment {
    pub(crate) fn new() -> Deployment {
        Deployment::with(Vec::new())
    }

    /// Every call has these variables.
    pub(crate) fn with(environment: Vec<(&'static str, String)>) -> Deployment {
        let folder = TempDir::with_prefix("idtrail-").expect("a temporary folder can be made");
        Deployment {
            folder,
            environment,
        }
    }

    /// Calls from here on have this variable.
    pub(crate) fn set(&mut self, name: &'static str, value: &str) {
        self.environment.push((name, value.to_owned()));
    }

    /// A path in the folder that holds everything of this test.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A path in the data directory.
    pub(crate) fn data(&self, name: &str) -> PathBuf {
        self.path("data").join(name)
    }

    /// Writes a file for a test to name on the command line.
    pub(crate) fn write(&self, name: &str, text: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, text).expect("a file can be written");
        path
    }

    /// Writes `topology.toml`: the built-in one, or what is there, with these changes.
    pub(crate) fn change_topology(&self, changes: &[(&str, &str)]) {
        let path = self.path("topology.toml");
        let usual = || include_str!("../topology.toml").to_owned();
        let mut text = fs::read_to_string(path).unwrap_or_else(|_| usual());
        for (usual, other) in changes {
            assert!(text.contains(usual), "{usual} is not in topology.toml");
            text = text.replace(usual, other);
        }
        self.write("topology.toml", text);
    }

    /// Starts the program; `--data` is added.
    pub(crate) fn start(&self, arguments: &[&str]) -> Running {
        self.start_with(&[], arguments)
    }

    /// The same, with more variables.
    pub(crate) fn start_with(&self, more: &[(&str, &str)], arguments: &[&str]) -> Running {
        let said = TempDir::with_prefix_in("said-", &self.folder)
            .expect("a folder can be made")
            .keep();
        let (stdout, stderr) = (said.join("stdout"), said.join("stderr"));
        let inherited = std::env::vars_os().filter(|(name, _)| {
            let name = name.as_encoded_bytes();
            !name.starts_with(b"IDTRAIL_") && !name.starts_with(b"AWS_")
        });
        let child = Command::new(env!("CARGO_BIN_EXE_idtrail"))
            .args(arguments)
            .arg("--data")
            .arg(self.path("data"))
            .current_dir(&self.folder)
            .env_clear()
            .envs(inherited)
            // Any free port: tests run side by side.
            .env("IDTRAIL_HTTP_LISTEN", "127.0.0.1:0")
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .envs(more.iter().copied())
            .stdin(Stdio::null())
            .stdout(File::create(&stdout).expect("a file can be made"))
            .stderr(File::create(&stderr).expect("a file can be made"))
            .spawn()
            .expect("the program starts");
        Running {
            child,
            stdout,
            stderr,
        }
    }

    /// Runs the program to its end.
    pub(crate) fn idtrail(&self, arguments: &[&str]) -> Ended {
        self.start(arguments).wait()
    }

    /// As [`Deployment::idtrail`], for what must succeed and prints one object.
    pub(crate) fn json(&self, arguments: &[&str]) -> Value {
        let ended = self.idtrail(&[arguments, &["--json"]].concat());
        assert_eq!(ended.code, Some(0), "{arguments:?}: {ended:?}");
        ended.object()
    }

    pub(crate) fn publish(&self, source: Source, file: &Path) -> Value {
        let file = file.to_str().expect("test paths are UTF-8");
        self.json(&["publish", "--source", source.name(), file])
    }

    /// Works until the queue is empty and every row is in the lake.
    pub(crate) fn drain(&self) -> Value {
        self.json(&["run", "--drain", "--deadline", "5m"])
    }

    /// Puts a message into the queue as it stands, past `publish`.
    pub(crate) fn post(&self, attributes: &Value, body: &[u8]) {
        let queue = self.data("queue");
        fs::create_dir_all(queue.join("dead")).expect("a folder can be made");
        let number = fs::read_dir(&queue)
            .expect("the queue can be listed")
            .count();
        let header = serde_json::json!({
            "version": 1, "body_bytes": body.len(), "attributes": attributes
        });
        let message = [header.to_string().as_bytes(), b"\n", body].concat();
        let name = format!("1767225600000-00000000000000aa-{number:010}.0");
        fs::write(queue.join(name), message).expect("a file can be written");
    }

    /// Files at any depth below a folder of the data directory, sorted.
    pub(crate) fn files(&self, folder: &str) -> Vec<PathBuf> {
        let mut found = Vec::new();
        let mut folders = vec![self.data(folder)];
        while let Some(folder) = folders.pop() {
            // A folder that is not there yet, or a file that is just going.
            let entries = fs::read_dir(folder).into_iter().flatten().flatten();
            for path in entries.map(|entry| entry.path()) {
                if path.is_dir() {
                    folders.push(path);
                } else {
                    found.push(path);
                }
            }
        }
        found.sort();
        found
    }

    /// Messages that wait or are in hand.
    pub(crate) fn messages(&self) -> usize {
        let entries = fs::read_dir(self.data("queue"))
            .into_iter()
            .flatten()
            .flatten();
        entries
            .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_file()))
            .count()
    }
}

impl Ended {
    /// The one object on standard output; nothing else may be there.
    pub(crate) fn object(&self) -> Value {
        assert_eq!(self.stdout.lines().count(), 1, "{self:?}");
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

impl Running {
    pub(crate) fn wait(mut self) -> Ended {
        let status = self.child.wait().expect("a child can be waited for");
        self.ended(status)
    }

    /// `None` while it runs.
    pub(crate) fn try_wait(&mut self) -> Option<Ended> {
        let status = self.child.try_wait().expect("a child can be waited for")?;
        Some(self.ended(status))
    }

    fn ended(&self, status: ExitStatus) -> Ended {
        Ended {
            code: status.code(),
            stdout: fs::read_to_string(&self.stdout).expect("output is UTF-8"),
            stderr: self.said(),
        }
    }

    /// Standard error so far.
    pub(crate) fn said(&self) -> String {
        fs::read_to_string(&self.stderr).expect("output is UTF-8")
    }

    /// Asks it to stop, as Kubernetes does, and waits.
    pub(crate) fn terminate(self) -> Ended {
        kill_process(Pid::from_child(&self.child), Signal::TERM).expect("it runs");
        self.wait()
    }

    /// Stops it in the middle of whatever it does, as a paused machine would.
    pub(crate) fn freeze(&self) {
        kill_process(Pid::from_child(&self.child), Signal::STOP).expect("it runs");
    }

    /// It goes on as if nothing had been.
    pub(crate) fn thaw(&self) {
        kill_process(Pid::from_child(&self.child), Signal::CONT).expect("it is stopped");
    }

    /// `kill -9`.
    pub(crate) fn kill(mut self) {
        self.child.kill().expect("a child can be killed");
        self.child.wait().expect("a child can be waited for");
    }

    /// Waits until `done`, which is shown what was said on standard error, or
    /// the process's end; says whether `done`.
    pub(crate) fn until(&mut self, mut done: impl FnMut(&str) -> bool) -> bool {
        let begun = Instant::now();
        loop {
            let said = self.said();
            if done(&said) {
                return true;
            }
            assert!(begun.elapsed() < WAIT_MAX, "it does not come: {said}");
            let status = self.child.try_wait().expect("a child can be waited for");
            if status.is_some() {
                return false;
            }
            pause(Duration::from_millis(1));
        }
    }
}

/// What the service answers over HTTP.
impl Running {
    /// Waits until it works.
    pub(crate) fn running(mut self) -> Running {
        if !self.until(|said| said.contains("running")) {
            panic!("it does not start: {:?}", self.wait());
        }
        self
    }

    /// The address that it says it listens on.
    pub(crate) fn address(&mut self) -> String {
        let mut address = None;
        let told = self.until(|said| {
            // In either format of the log.
            let after = [" http=", "\"http\":\""]
                .iter()
                .find_map(|mark| Some(said.split_once(mark)?.1));
            address =
                after.and_then(|after| Some(after.split_once([' ', '"', '\n'])?.0.to_owned()));
            address.is_some()
        });
        assert!(
            told,
            "it never said where it listens: {:?}",
            self.try_wait()
        );
        address.expect("seen just now")
    }

    /// Status and body of a GET.
    pub(crate) fn get(&mut self, path: &str) -> (u16, String) {
        let address = self.address();
        let request =
            format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
        exchange(&address, request.as_bytes())
    }

    /// Waits until `done`; the process must not end meanwhile.
    pub(crate) fn await_that(&mut self, what: &str, mut done: impl FnMut(&mut Running) -> bool) {
        let begun = Instant::now();
        while !done(self) {
            assert!(begun.elapsed() < WAIT_MAX, "{what}: {}", self.said());
            if let Some(ended) = self.try_wait() {
                panic!("{what}: {ended:?}");
            }
            pause(Duration::from_millis(50));
        }
    }

    /// The sum of a metric over its labels: a count of something.
    pub(crate) fn count(&mut self, name: &str) -> usize {
        let (status, metrics) = self.get("/metrics");
        assert_eq!(status, 200, "{metrics}");
        let lines = metrics.lines().filter(|line| {
            line.strip_prefix(name)
                .is_some_and(|rest| rest.starts_with(['{', ' ']))
        });
        let values = lines.filter_map(|line| line.rsplit_once(' ')?.1.parse::<usize>().ok());
        values.sum()
    }

    /// The most memory it ever had at once.
    pub(crate) fn memory_bytes_max(&self) -> u64 {
        let path = format!("/proc/{}/status", self.child.id());
        let status = fs::read_to_string(path).expect("a process has a status");
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kilobytes = line.and_then(|line| line.trim().strip_suffix(" kB"));
        1024 * kilobytes
            .and_then(|number| number.parse::<u64>().ok())
            .expect("a status tells the memory")
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Already ended, or it must.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// Status and body of the answer to a request that closes its connection.
pub(crate) fn exchange(address: &str, request: &[u8]) -> (u16, String) {
    let mut stream = TcpStream::connect(address).expect("the service listens");
    stream.write_all(request).expect("a request can be sent");
    let mut answer = String::new();
    stream
        .read_to_string(&mut answer)
        .expect("answers are UTF-8");
    let (head, body) = answer.split_once("\r\n\r\n").expect("an HTTP answer");
    let status = head
        .split(' ')
        .nth(1)
        .and_then(|status| status.parse().ok());
    (status.expect("an HTTP status"), body.to_owned())
}

/// Waits for another process: the one place where a test sleeps.
#[expect(
    clippy::disallowed_methods,
    reason = "a process cannot be waited for by a paused clock"
)]
pub(crate) fn pause(time: Duration) {
    std::thread::sleep(time);
}
