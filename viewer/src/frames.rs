//! How long frames take.

use std::fmt;
use web_time::{Duration, Instant};

/// Frames that the figures are made of.
const KEPT: usize = 2000;

/// The times between the last frames.
#[derive(Default)]
pub struct Frames {
    /// When the last frame began, if something was on its way then.
    last: Option<Instant>,
    times: Vec<Duration>,
    next: usize,
}

/// Figures of frames.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Summary {
    /// Frames.
    pub count: usize,
    /// Their median time.
    pub median: Duration,
    /// The longest.
    pub longest: Duration,
}

impl Frames {
    /// A frame begins. Only times between two frames count that both have something on its way, since a window at rest
    /// draws nothing.
    pub fn begin(&mut self, is_busy: bool) {
        let now = Instant::now();
        if let (Some(last), true) = (self.last, is_busy) {
            let time = now - last;
            match self.times.get_mut(self.next) {
                Some(oldest) => *oldest = time,
                None => self.times.push(time),
            }
            self.next = (self.next + 1) % KEPT;
        }
        self.last = is_busy.then_some(now);
    }

    /// Figures of the last frames; `None` before there are any.
    pub fn summary(&self) -> Option<Summary> {
        let mut times = self.times.clone();
        times.sort();
        let (median, longest) = (*times.get(times.len() / 2)?, *times.last()?);
        Some(Summary { count: times.len(), median, longest })
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [median, longest] = [self.median, self.longest].map(|time| time.as_secs_f64() * 1e3);
        write!(f, "{} frames while explaining: median {median:.1} ms, longest {longest:.1} ms", self.count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_do_not_count() {
        let mut frames = Frames::default();
        for is_busy in [false, true, false, true] {
            frames.begin(is_busy);
            assert_eq!(frames.summary(), None);
        }
        frames.begin(true);
        let summary = frames.summary().unwrap();
        assert!(summary.median == summary.longest && summary.count == 1);
    }
}
