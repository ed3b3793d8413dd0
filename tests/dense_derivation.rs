//! The f64 reference and the method's rules, derived a second time from the definitions as dense matrices, on tiny
//! shapes with fresh random values. A failure prints the seed; set `AGF_SEED` to it to see the same values again.

mod common;
mod dense;
