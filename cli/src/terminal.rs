//! Data to standard output, talk and progress to standard error, without ever mixing the two on one line.

use std::fmt::{self, Display};
use std::io::{self, IsTerminal, Write};
use std::time::Duration;

use indicatif::{HumanDuration, ProgressBar, ProgressState, ProgressStyle};

use agf::Progress;

/// Both streams, and the progress bar that shares the screen with them. Clones share the bar.
#[derive(Clone)]
pub(super) struct Terminal {
    bar: ProgressBar,
    /// How far a picture moves the bar.
    steps: u64,
    /// Whether somebody still reads standard output; `| head` stops early.
    is_read: bool,
}

impl Terminal {
    /// Without a progress bar.
    pub(super) fn plain() -> Self {
        Self { bar: ProgressBar::hidden(), steps: 1, is_read: true }
    }

    /// With a progress bar over `count` pictures of `steps` runs each, where there are several and standard error is a
    /// terminal.
    pub(super) fn with_progress(count: usize, steps: u64) -> Self {
        if count as u64 * steps < 2 || !io::stderr().is_terminal() {
            return Self::plain();
        }
        let bar = ProgressBar::new(count as u64 * steps);
        let style = ProgressStyle::with_template("[{bar:30}] {pos}/{len}  {rate}  {left} left");
        let style = style.unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("=> ");
        bar.set_style(style.with_key("rate", write_rate).with_key("left", write_time_left));
        bar.enable_steady_tick(Duration::from_millis(250));
        Self { bar, steps, is_read: true }
    }

    /// `count` pictures are done.
    pub(super) fn advance(&self, count: usize) {
        self.bar.inc(count as u64 * self.steps);
    }

    /// What moves the bar as an explainer's runs are done, call after call.
    pub(super) fn progress_of_runs(&self) -> impl FnMut(Progress) + Send + 'static {
        let (bar, mut before) = (self.bar.clone(), 0);
        move |Progress { done, total }| {
            bar.inc(done.saturating_sub(before));
            // A batch begins anew where its device was lost.
            before = if done == total { 0 } else { before.max(done) };
        }
    }

    /// Takes the progress bar off the screen.
    pub(super) fn finish(&self) {
        self.bar.finish_and_clear();
    }

    /// Prints a line of data. That nobody reads it is no error: the remaining work is still wanted, its lines are not.
    pub(super) fn data(&mut self, line: impl Display) -> io::Result<()> {
        if !self.is_read {
            return Ok(());
        }
        let written = self.bar.suspend(|| {
            let mut stdout = io::stdout().lock();
            writeln!(stdout, "{line}").and_then(|()| stdout.flush())
        });
        match written {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                self.is_read = false;
                Ok(())
            }
            other => other,
        }
    }

    /// Tells the user something.
    pub(super) fn say(&self, line: impl Display) {
        self.bar.suspend(|| write_stderr(line));
    }

    /// Reports an error that does not end the command, on one line.
    pub(super) fn error(&self, error: impl Display) {
        self.say(format_args!("error: {}", escaped(&error.to_string())));
    }

    /// Tells what was taken for granted, on one line.
    pub(super) fn note(&self, note: impl Display) {
        self.say(format_args!("note: {}", escaped(&note.to_string())));
    }

    /// Reports something doubtful, on one line.
    pub(super) fn warn(&self, warning: impl Display) {
        self.say(format_args!("warning: {}", escaped(&warning.to_string())));
    }
}

/// Reports the error that ends the command.
pub(super) fn report_error(error: impl Display) {
    write_stderr(format_args!("error: {error}"));
}

/// A text whose control characters, which can only come from names of files, are written as `\t`, `\n`, `\u{1b}`.
pub(super) fn escaped(text: &str) -> String {
    escape_where(text, char::is_control)
}

fn escape_where(text: &str, is_meant: impl Fn(char) -> bool) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        if is_meant(character) {
            shown.extend(character.escape_default());
        } else {
            shown.push(character);
        }
    }
    shown
}

/// Messages may have several lines.
fn write_stderr(message: impl Display) {
    let message = escape_where(&message.to_string(), |character| character.is_control() && character != '\n');
    // Where standard error is closed nobody can be told.
    let _ = writeln!(io::stderr().lock(), "{message}");
}

/// Nothing is known of the speed before something is done.
fn write_rate(state: &ProgressState, text: &mut dyn fmt::Write) {
    let _ = match state.pos() {
        0 => text.write_str("-"),
        _ => write!(text, "{:.1}/s", state.per_sec()),
    };
}

fn write_time_left(state: &ProgressState, text: &mut dyn fmt::Write) {
    let _ = match state.pos() {
        0 => text.write_str("-"),
        _ => write!(text, "{:#}", HumanDuration(state.eta())),
    };
}

/// `1 map`, `2 maps`.
pub(super) fn count_of(count: usize, thing: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {thing}{plural}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_shown() {
        assert_eq!(escaped("a\tb\nc\x1b[31m ä"), "a\\tb\\nc\\u{1b}[31m ä");
    }
}
