//! Any bytes as an ONNX file: it is read, its graph built and its weights made up, or there is one error.

#![no_main]

use agf::models::onnx::{Onnx, OnnxOptions};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Ok(onnx) = Onnx::parse(data.to_vec(), "fuzz", &OnnxOptions::default()) else { return };
    let [height, width] = onnx.size().map(|side| side.unwrap_or(32).min(512));
    if onnx.build(height, width).is_ok() {
        let _ = onnx.weights(height, width, true);
    }
});
