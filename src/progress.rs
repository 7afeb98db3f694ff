//! Progress bars on standard error, for people who watch.
//!
//! Hidden unless standard error is a terminal, so that logs and pipes stay
//! clean. A bar is gone when its value is dropped.

use std::{
    borrow::Cow,
    io::{self, IsTerminal, Read},
    time::Duration,
};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

#[derive(Debug)]
pub struct Progress(ProgressBar);

impl Progress {
    /// Bytes of a known whole, such as the files to read.
    pub fn bytes(whole: u64, quiet: bool) -> Progress {
        const BAR: &str = "{prefix} [{wide_bar}] {bytes}/{total_bytes} {bytes_per_sec} {eta}";
        Progress::new(Some(whole), BAR, quiet)
    }

    /// Bytes of something without a known end, such as standard input.
    pub fn stream(quiet: bool) -> Progress {
        Progress::new(None, "{spinner} {prefix} {bytes} {bytes_per_sec}", quiet)
    }

    /// Things, such as messages left in a queue.
    pub fn count(whole: u64, quiet: bool) -> Progress {
        const BAR: &str = "{prefix} [{wide_bar}] {human_pos}/{human_len} {per_sec} {eta}";
        Progress::new(Some(whole), BAR, quiet)
    }

    fn new(whole: Option<u64>, template: &str, quiet: bool) -> Progress {
        let target = if quiet || !io::stderr().is_terminal() {
            ProgressDrawTarget::hidden()
        } else {
            ProgressDrawTarget::stderr_with_hz(10)
        };
        let style = ProgressStyle::with_template(template).expect("our templates are valid");
        let bar = ProgressBar::with_draw_target(whole, target).with_style(style);
        if !bar.is_hidden() {
            bar.enable_steady_tick(Duration::from_millis(200));
        }
        Progress(bar)
    }

    /// What is going on, before the bar.
    pub fn name(&self, what: impl Into<Cow<'static, str>>) {
        self.0.set_prefix(what);
    }

    /// The same reader; what is read from it moves the bar.
    pub fn read<R: Read>(&self, reader: R) -> impl Read + use<R> {
        self.0.wrap_read(reader)
    }

    /// For counts that also shrink and grow: where it stands, of how much.
    pub fn set(&self, done: u64, whole: u64) {
        self.0.set_length(whole);
        self.0.set_position(done);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_without_a_terminal_draws_nothing() {
        for bar in [
            Progress::bytes(10, true),
            Progress::stream(true),
            Progress::count(10, true),
        ] {
            bar.name("reading");
            let mut text = String::new();
            bar.read("five!".as_bytes())
                .read_to_string(&mut text)
                .expect("in memory");
            assert_eq!((text.as_str(), bar.0.position()), ("five!", 5));
            bar.set(6, 12);
            assert!(bar.0.is_hidden());
        }
    }
}
