//! `bench`: figures that make sense, in tables and in JSON.

use crate::support::{Place, of_repository};
use serde_json::Value;

const TINY: [&str; 7] = ["bench", "--model", "tiny_vgg", "--size", "32x40", "--repeats", "2"];

fn positive(value: &Value, name: &str) -> f64 {
    let number = value[name].as_f64().unwrap_or_else(|| panic!("{name} is a number: {value}"));
    assert!(number.is_finite() && number > 0.0, "{name} is {number}");
    number
}

fn spread(value: &Value, runs: u64) {
    let (least, median, greatest) = (positive(value, "least"), positive(value, "median"), positive(value, "greatest"));
    let (lower, upper) = (positive(value, "lower_quartile"), positive(value, "upper_quartile"));
    assert!(least <= lower && lower <= median && median <= upper && upper <= greatest, "{value}");
    assert_eq!(value["runs"].as_u64(), Some(runs), "{value}");
}

#[test]
fn json_has_finite_figures() {
    let place = Place::new();
    let run = place.run(&[&TINY[..], &["--batch", "2", "--no-start", "--json"]].concat()).succeeds();
    let document = run.json();
    assert_eq!(document["schema"], 1);
    assert_eq!(document["network"]["model"], "tiny_vgg");
    assert_eq!(document["network"]["weights"], "synthetic");
    assert_eq!((&document["settings"]["height"], &document["settings"]["width"]), (&32.into(), &40.into()));
    for name in ["name", "kind", "backend", "driver", "driver_info"] {
        assert!(document["adapter"][name].is_string(), "{name}: {}", document["adapter"]);
    }
    assert_eq!(document["adapter"]["winograd"], "2");
    positive(&document["machine"], "threads");

    let measured = &document["measurement"];
    assert!(["gpu_timestamps", "wall"].contains(&measured["kernel_clock"].as_str().unwrap()));
    assert_eq!(measured["network_clock"], "wall");
    for name in ["fma_probe", "copy_probe", "kernels_total"] {
        spread(&measured[name], 2);
    }
    let networks = &measured["networks"];
    spread(&networks["forward"], 2);
    spread(&networks["explanation"], 2);
    spread(&networks["audited_explanation"], 2);
    // A difference of two measurements, which may fall below zero on a busy machine.
    assert!(networks["further_class"]["median"].as_f64().unwrap().is_finite());
    positive(networks, "explanation_over_forward");
    assert_eq!(networks["batch"]["pictures"], 2);
    spread(&networks["batch"]["together"], 2);
    spread(&networks["batch"]["singly"], 2);
    let [values, bound] = ["values", "values_lower_bound"].map(|name| positive(&measured["memory"], name));
    assert!(values >= bound);
    positive(&measured["memory"], "weights");
}

#[test]
fn the_start_is_measured_with_empty_and_with_full_caches() {
    let place = Place::new();
    let line = ["bench", "--model", "tiny_vgg", "--size", "32x40", "--repeats", "1", "--json"];
    let document = place.run(&line).succeeds().json();
    let start = &document["start"];
    spread(&start["cold_seconds"], 1);
    spread(&start["warm_seconds"], 1);
    let adapter = &document["adapter"];
    if adapter["driver_info"].as_str().unwrap().contains("Mesa") {
        assert_eq!(start["caches"], "emptied: Mesa was pointed to an empty folder", "{adapter}");
        let [cold, warm] = ["cold_seconds", "warm_seconds"].map(|name| positive(&start[name], "median"));
        assert!(cold > warm, "compiling takes time: {cold} s and {warm} s");
    } else {
        let ways = ["emptied: ", "not known to be empty: ", "not empty: "];
        assert!(ways.iter().any(|way| start["caches"].as_str().unwrap().starts_with(way)), "{start}");
    }
    if cfg!(target_os = "linux") {
        assert!(positive(start, "peak_resident_bytes") > 1e7);
    }
}

#[test]
fn kernels_cover_the_plan() {
    let place = Place::new();
    let document = place.run(&[&TINY[..], &["--no-start", "--json"]].concat()).succeeds().json();
    assert!(document["start"].is_null() && document["measurement"]["networks"]["batch"].is_null());
    let rows = document["measurement"]["kernels"].as_array().unwrap();
    let (mut steps, mut gated) = (0, 0);
    let mut seen = std::collections::HashSet::new();
    for row in rows {
        spread(&row["milliseconds"], 2);
        let is_gated = row["shape"].as_str().unwrap().ends_with(", gated");
        for name in ["gigabytes_per_second", "share_of_copy"] {
            assert_eq!(row[name].as_f64().unwrap() > 0.0, !is_gated, "what does nothing has no rate: {row}");
        }
        for name in ["gflops", "share_of_fma"] {
            let rate = row[name].as_f64().unwrap();
            assert!(if is_gated { rate == 0.0 } else { rate >= 0.0 && rate.is_finite() }, "{row}");
        }
        gated += u32::from(is_gated);
        steps += row["steps"].as_u64().unwrap();
        let key = format!("{} {}", row["kernel"], row["shape"]);
        assert!(seen.insert(key), "twice: {row}");
    }
    assert!(rows.iter().any(|row| row["shape"].as_str().unwrap().contains("3x3/1")), "{rows:?}");
    assert!(gated > 0, "masked gradients stand apart: {rows:?}");
    let plan = place.run(&["plan", "--model", "tiny_vgg", "--size", "32x40"]).succeeds().stdout;
    let planned =
        plan.lines().find_map(|line| line.strip_prefix("batch 1: ")).expect("a line with the number of steps");
    assert_eq!(planned.split(' ').next().unwrap().parse(), Ok(steps), "{planned}");
}

/// Products of Winograd's algorithm do not stand among direct sums, whose rate is another.
#[test]
fn kernels_name_the_algorithm() {
    let place = Place::new();
    let line =
        ["bench", "--model", "vgg11", "--weights", "synthetic", "--size", "64x64", "--repeats", "1", "--no-start"];
    let of = |tile: &str| {
        let run = place.run(&[&line[..], &["--json", "--winograd", tile]].concat()).succeeds().json();
        let rows = run["measurement"]["kernels"].as_array().unwrap().clone();
        rows.iter().map(|row| row["shape"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let (direct, products) = (of("0"), of("2"));
    assert!(direct.iter().all(|shape| !shape.contains("F(2x2)")), "{direct:?}");
    for shape in ["64<-128 3x3/1 32x32, F(2x2)", "64<-128 3x3/1 32x32, gated"] {
        assert!(products.iter().any(|found| found == shape), "{shape}: {products:?}");
    }
    assert!(direct.iter().any(|shape| shape == "64<-128 3x3/1 32x32"), "{direct:?}");
}

#[test]
fn tables_say_what_was_measured_and_how() {
    let place = Place::new();
    let run = place.run(&[&TINY[..], &["--no-start", "--webgpu-limits"]].concat()).succeeds();
    for words in [
        "FMA probe, GFLOP/s",
        "copy probe, GB/s",
        "forward pass, ms",
        "with its audit, ms",
        "each further class",
        "lower bound",
    ] {
        assert!(run.stdout.contains(words), "'{words}' is missing: {}", run.stdout);
    }
    // Without optional features there are no timestamps.
    assert!(run.stdout.contains("kernels and probes: wall time"), "{}", run.stdout);
    assert!(run.stdout.contains("WebGPU's default limits"), "{}", run.stdout);
}

#[test]
fn what_cannot_be_measured_is_refused() {
    let place = Place::new();
    place.run(&["bench", "--seconds", "soon"]).fails(&["--seconds"]);
    place.run(&["bench", "--repeats", "0"]).fails(&["--repeats"]);
    place.run(&["bench", "--measure", "dreams"]).fails(&["--measure"]);
    place.run(&["bench", "--model", "tiny_vgg", "--size", "1x1", "--no-start"]).fails(&[]);
    let photo = of_repository("samples/panda.jpg");
    place.run(&["bench", "--model", "vgg11", "--weights", &photo]).fails(&["panda.jpg"]);
}

/// Every kernel on every layer of the list; all compute the same.
#[test]
fn variants_agree_with_the_default() {
    let place = Place::new();
    let line = ["bench", "--measure", "variants", "--size", "8x8", "--repeats", "1", "--json"];
    let document = place.run(&line).succeeds().json();
    let measured = &document["measurement"];
    positive(&measured["fma_probe"], "median");
    let passes = measured["passes"].as_array().unwrap();
    assert_eq!(passes.len(), 24);
    for pass in passes {
        positive(pass, "flops");
        let variants = pass["variants"].as_array().unwrap();
        assert!(variants.len() > 1 && variants[0]["difference"] == 0.0, "{pass}");
        for time in variants {
            spread(&time["milliseconds"], 1);
            positive(time, "gflops");
            positive(time, "share_of_fma");
            let difference = time["difference"].as_f64();
            assert!(difference.is_some_and(|difference| difference <= 1e-5), "{}: {time}", pass["shape"]);
        }
        let names: std::collections::HashSet<&str> =
            variants.iter().map(|time| time["variant"].as_str().unwrap()).collect();
        assert_eq!(names.len(), variants.len(), "{pass}");
    }
    let transposes = passes.iter().filter(|pass| pass["shape"].as_str().unwrap().contains("<-"));
    assert_eq!(transposes.count(), 12);
}

#[test]
fn dispatches_have_a_cost() {
    let place = Place::new();
    let line = ["bench", "--measure", "dispatches", "--repeats", "2"];
    let document = place.run(&[&line[..], &["--json"]].concat()).succeeds().json();
    let costs = &document["measurement"];
    for name in ["independent", "dependent", "dependent_wide", "dependent_passes", "recording", "round_trip"] {
        spread(&costs[name], 2);
    }
    assert_eq!((&costs["dispatches"], &costs["all_counted"]), (&1000.into(), &true.into()));
    let table = place.run(&line).succeeds().stdout;
    for words in ["behind a barrier", "a pass of its own", "there and back"] {
        assert!(table.contains(words), "'{words}' is missing: {table}");
    }
}

/// Whatever the kernel.
#[test]
fn rows_tell_transposed_passes_from_forward_ones() {
    let place = Place::new();
    let line = ["bench", "--model", "tiny_resnet", "--size", "32x40", "--repeats", "1", "--no-start", "--json"];
    let document = place.run(&line).succeeds().json();
    let rows = document["measurement"]["kernels"].as_array().unwrap();
    let steps_of = |direction: &str| {
        let is_meant = |row: &&Value| {
            let shape = row["shape"].as_str().unwrap();
            shape.contains(direction) && shape.contains(" 1x1/1 ")
        };
        rows.iter().filter(is_meant).map(|row| row["steps"].as_u64().unwrap()).sum::<u64>()
    };
    // W x and Z; and C and the gradient, but where nothing needs it.
    let (forward, transposed) = (steps_of("->"), steps_of("<-"));
    assert!(forward > 0 && 2 * transposed > forward && transposed <= forward, "{forward} and {transposed}");
}
