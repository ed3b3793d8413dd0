//! What several test programs share. Each of them uses a part of it only.
#![allow(dead_code)]

pub mod compare;
pub mod goldens;
pub mod random;
