//! The window, driven without a screen on the default adapter: what a user does, and what is seen then.
//!
//! Pictures of the window are in `tests/snapshots`; `UPDATE_SNAPSHOTS=true` accepts a change. Look at them.

mod hands;
mod looking;
mod saving;
mod support;
mod trouble;
