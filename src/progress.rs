//! Progress bars on standard error, for people who watch.
//!
//! Hidden unless standard error is a terminal, so that logs and pipes stay
//! clean. A bar is gone when its value is dropped, and steps aside for a line.

use std::{
    borrow::Cow,
    fmt,
    io::{self, IsTerminal, Read, Write},
    sync::LazyLock,
    time::Duration,
};

use indicatif::{
    HumanCount, MultiProgress, ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle,
};

/// All that are drawn.
static BARS: LazyLock<MultiProgress> =
    LazyLock::new(|| MultiProgress::with_draw_target(ProgressDrawTarget::stderr_with_hz(10)));

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
        const BAR: &str = "{prefix} [{wide_bar}] {human_pos}/{human_len} {rate} {eta}";
        Progress::new(Some(whole), BAR, quiet)
    }

    fn new(whole: Option<u64>, template: &str, quiet: bool) -> Progress {
        let style = ProgressStyle::with_template(template).expect("our templates are valid");
        let style = style.with_key("rate", rate);
        let bar = ProgressBar::with_draw_target(whole, ProgressDrawTarget::hidden());
        let bar = bar.with_style(style);
        if quiet || !io::stderr().is_terminal() {
            return Progress(bar);
        }
        let bar = BARS.add(bar);
        bar.enable_steady_tick(Duration::from_millis(200));
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
        BARS.remove(&self.0);
    }
}

/// Whole things a second: nobody reads more of it.
fn rate(state: &ProgressState, out: &mut dyn fmt::Write) {
    // An error means that the line is full.
    write!(out, "{}/s", HumanCount(state.per_sec() as u64)).ok();
}

/// Writes text to standard error, above the bars.
pub fn print_above(text: &str) {
    // Nobody is left to tell if this fails.
    BARS.suspend(|| io::stderr().lock().write_all(text.as_bytes()).ok());
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
