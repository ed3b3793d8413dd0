//! Logits of an ONNX network for normalised inputs, each a line of JSON.
//!
//!     cargo run --release --example logits -- classifier.onnx input.npy ...
//!
//! With `-` for the network it takes lines `NETWORK TAB INPUT` from standard input, and answers each with a line of
//! logits or of an error.

use agf::gpu::{Gpu, Selection};
use agf::image::{InputSpec, NpyInputs};
use agf::methods::Method;
use agf::models::onnx::{Onnx, OnnxOptions};
use agf::{Batch, Explainer};
use std::error::Error;
use std::io::BufRead;
use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let Some((network, inputs)) = arguments.split_first() else {
        eprintln!("arguments are needed: NETWORK.onnx INPUT.npy ..., or - for lines from standard input");
        return ExitCode::FAILURE;
    };
    let run = || -> Result<bool, Box<dyn Error>> {
        let gpu = pollster::block_on(Gpu::open(&Selection::default()))?;
        let mut all = true;
        if network == "-" {
            for line in std::io::stdin().lock().lines() {
                let line = line?;
                let (network, input) = line.split_once('\t').ok_or("a line has no tab")?;
                all &= answer(&gpu, network, input);
            }
        } else {
            inputs.iter().for_each(|input| all &= answer(&gpu, network, input));
        }
        Ok(all)
    };
    match run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// Prints the answer; whether it is one of logits.
fn answer(gpu: &Gpu, network: &str, input: &str) -> bool {
    let (line, is_fine) = match logits(gpu, network, input) {
        Ok(logits) => (serde_json::json!({ "network": network, "input": input, "logits": logits }), true),
        Err(error) => (serde_json::json!({ "network": network, "input": input, "error": error.to_string() }), false),
    };
    println!("{line}");
    is_fine
}

fn logits(gpu: &Gpu, network: &str, input: &str) -> Result<Vec<Vec<f32>>, Box<dyn Error>> {
    let mut inputs = NpyInputs::open(input)?;
    let (height, width) = (inputs.height(), inputs.width());
    let onnx = Onnx::open(Path::new(network), &OnnxOptions::default())?;
    let spec = match onnx.channels() {
        1 => InputSpec::torchvision_grey(height, width),
        _ => InputSpec::torchvision(height, width),
    };
    let model = onnx.model(network, spec, false)?;
    let mut explainer = Explainer::new(gpu, &model, Method::default());
    let mut answers = Vec::new();
    for index in 0..inputs.count() {
        let batch = Batch::new(1, height, width, inputs.read(index)?);
        let (logits, _) = pollster::block_on(explainer.predict(&batch))?;
        answers.extend(logits);
    }
    Ok(answers)
}
