//! Runs over many pictures, whose memory, handles and threads do not grow: 200 of them, or 10,000 with `AGF_ALL=1`.
//! Charts of them are left in `target/tmp/`; docs/reliability.md shows those of 10,000.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use agf::image::{Chart, Line};

use crate::support::Place;

const TINY: [&str; 6] = ["--model", "tiny_vgg", "--weights", "synthetic", "--size", "32x40"];

/// How a process stands after some pictures.
#[derive(Clone, Debug)]
struct Sample {
    pictures: f64,
    /// Mebibytes of memory, in place or swapped out.
    memory: f64,
    handles: usize,
    threads: usize,
}

/// Nothing where the process has ended.
fn sample(child: &Child, pictures: usize) -> Option<Sample> {
    let of_process = |name: &str| format!("/proc/{}/{name}", child.id());
    let status = fs::read_to_string(of_process("status")).ok()?;
    let number =
        |name: &str| status.lines().find_map(|line| line.strip_prefix(name)?.split_whitespace().next()?.parse().ok());
    let kibibytes: usize = number("VmRSS:")? + number("VmSwap:").unwrap_or(0);
    let handles = fs::read_dir(of_process("fd")).ok()?.count();
    Some(Sample { pictures: pictures as f64, memory: kibibytes as f64 / 1024.0, handles, threads: number("Threads:")? })
}

/// Mebibytes per 1000 pictures, by least squares.
fn slope(samples: &[Sample]) -> f64 {
    let count = samples.len() as f64;
    let mean = |of: fn(&Sample) -> f64| samples.iter().map(of).sum::<f64>() / count;
    let (pictures, memory) = (mean(|sample| sample.pictures), mean(|sample| sample.memory));
    let of = |sample: &Sample| (sample.pictures - pictures, sample.memory - memory);
    let products: f64 = samples.iter().map(of).map(|(x, y)| x * y).sum();
    let squares: f64 = samples.iter().map(of).map(|(x, _)| x * x).sum();
    1000.0 * products / squares
}

fn count() -> u32 {
    if std::env::var_os("AGF_ALL").is_some() { 10_000 } else { 200 }
}

/// Draws all samples, of each of about 150 groups the one with the most memory.
fn draw(what: &str, samples: &[Sample]) {
    let most = |group: &[Sample]| group.iter().max_by(|a, b| a.memory.total_cmp(&b.memory)).cloned();
    let drawn: Vec<Sample> = samples.chunks(samples.len().div_ceil(150).max(1)).filter_map(most).collect();
    let line = |name: &str, of: fn(&Sample) -> f64| Line {
        name: name.into(),
        points: drawn.iter().map(|sample| (sample.pictures, of(sample))).collect(),
    };
    let chart = Chart {
        title: format!("agf-run {what}: {} pictures", count()),
        x_label: "pictures".into(),
        y_label: "MiB of memory; number".into(),
        lines: vec![
            line("memory", |sample| sample.memory),
            line("handles", |sample| sample.handles as f64),
            line("threads", |sample| sample.threads as f64),
        ],
    };
    let name = format!("memory-{}.svg", what.replace(' ', "-"));
    fs::write(Path::new(env!("CARGO_TARGET_TMPDIR")).join(name), chart.to_svg()).unwrap();
}

/// Looks at how much memory is taken, `most` mebibytes per 1000 pictures, behind the first 500 or half of them.
#[track_caller]
fn check(what: &str, mut samples: Vec<Sample>, most: f64) {
    draw(what, &samples);
    let count = count();
    let first = f64::from((count / 2).min(500));
    samples.retain(|sample| sample.pictures >= first);
    assert!(samples.len() > 9, "{} samples", samples.len());
    let slope = slope(&samples);
    let (first, last) = (&samples[0], &samples[samples.len() - 1]);
    println!("{what}: {count} pictures, {slope:.3} MiB per 1000 of them; {first:?} to {last:?}");
    // Files are opened, and a driver's threads come and go, all the time.
    let (before, behind) = samples.split_at(samples.len() / 2);
    for of in [|sample: &Sample| sample.handles, |sample: &Sample| sample.threads] {
        let most = |samples: &[Sample]| samples.iter().map(of).max().unwrap();
        assert!(most(behind) <= most(before) + 2, "{what}: {samples:?}");
    }
    // A page more or less weighs much where there are few pictures.
    let most = if count < 1000 { 4.0 * most } else { most };
    assert!(slope < most, "{what}: {slope} MiB per 1000 pictures: {samples:?}");
}

#[test]
fn explanations_of_many_pictures_take_the_memory_of_few() {
    let place = Place::new();
    place.photos("photos", count());
    let line = [&["explain", "photos", "--save", "npy", "--class=1"], &TINY[..]].concat();
    let words = fs::File::create(place.path("words")).unwrap();
    let mut child = place.command(&line).stdout(Stdio::piped()).stderr(words).spawn().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let samples = (1..).zip(lines).filter(|(index, _)| index % 5 == 0);
    let samples = samples.filter_map(|(index, _)| sample(&child, index)).collect();
    assert!(child.wait().unwrap().success(), "{}", place.read("words"));
    check("explain", samples, 1.0);
}

#[test]
fn evaluations_of_many_pictures_take_the_memory_of_few() {
    let place = Place::new();
    place.photos("photos", count());
    let line = ["eval", "perturbation", "--data", "photos", "--methods", "agf,gradient", "--out", "out"];
    let line = [&line[..], &["--batch=4"], &TINY].concat();
    let words = fs::File::create(place.path("words")).unwrap();
    let mut child = place.command(&line).stdout(Stdio::null()).stderr(words).spawn().unwrap();
    let (mut samples, mut done, started) = (Vec::new(), 0, Instant::now());
    let records = place.path("out/records.jsonl");
    while !records.exists() {
        let runs = child.try_wait().unwrap().is_none() && started.elapsed() < Duration::from_secs(600);
        assert!(runs, "there are no records: {}", place.read("words"));
        std::thread::sleep(Duration::from_millis(5));
    }
    let mut records = fs::File::open(records).unwrap();
    while child.try_wait().unwrap().is_none() {
        let mut new = Vec::new();
        records.read_to_end(&mut new).unwrap();
        done += new.iter().filter(|&&byte| byte == b'\n').count();
        if !new.is_empty() {
            samples.extend(sample(&child, done));
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    assert!(child.wait().unwrap().success(), "{}", place.read("words"));
    // Behind the last record come tables and plots.
    samples.retain(|sample| sample.pictures < f64::from(count()));
    check("eval perturbation", samples, 1.0);
}
