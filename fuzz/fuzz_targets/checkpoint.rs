//! Files of weights of any kind: safetensors, zip archives and pickles.

#![no_main]

use agf::models::{Architecture, Model};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let _ = Model::parse(Architecture::TinyVgg, bytes, "input");
});
