//! Data to standard output, talk and progress to standard error, without ever mixing the two on one line.

use std::fmt::Display;
use std::io::{self, IsTerminal, Write};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

/// Both streams, and the progress bar that shares the screen with them.
pub(super) struct Terminal {
    bar: ProgressBar,
    /// Whether somebody still reads standard output; `| head` stops early.
    is_read: bool,
}

impl Terminal {
    /// Without a progress bar.
    pub(super) fn plain() -> Self {
        Self { bar: ProgressBar::hidden(), is_read: true }
    }

    /// With a progress bar over `count` pictures, where there are several and standard error is a terminal.
    pub(super) fn with_progress(count: usize) -> Self {
        if count < 2 || !io::stderr().is_terminal() {
            return Self::plain();
        }
        let bar = ProgressBar::new(count as u64);
        let style = ProgressStyle::with_template("[{bar:30}] {pos}/{len}  {per_sec}  {eta} left");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("=> "));
        bar.enable_steady_tick(Duration::from_millis(250));
        Self { bar, is_read: true }
    }

    /// `count` more pictures are to come.
    pub(super) fn expect_more(&self, count: usize) {
        self.bar.inc_length(count as u64);
    }

    /// `count` pictures are done.
    pub(super) fn advance(&self, count: usize) {
        self.bar.inc(count as u64);
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

    /// Reports an error that does not end the command.
    pub(super) fn error(&self, error: impl Display) {
        self.say(format_args!("error: {error}"));
    }
}

/// Reports the error that ends the command.
pub(super) fn report_error(error: impl Display) {
    write_stderr(format_args!("error: {error}"));
}

fn write_stderr(line: impl Display) {
    // Where standard error is closed nobody can be told.
    let _ = writeln!(io::stderr().lock(), "{line}");
}

/// `1 map`, `2 maps`.
pub(super) fn count_of(count: usize, thing: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {thing}{plural}")
}
