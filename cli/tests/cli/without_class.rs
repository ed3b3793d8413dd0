//! Photos compared with neighbours and references, vectors of folders, and what is said where there is nothing to
//! compare with.

use std::fs;

use crate::support::{Place, Run, of_repository, photo, read_npy};
use agf::image::{Photo, RgbImage};

const TINY: [&str; 6] = ["--model", "tiny_resnet", "--weights", "synthetic", "--size", "48x40"];

fn run(place: &Place, arguments: &[&str]) -> Run {
    place.run(&[arguments, &TINY].concat())
}

/// A picture like `photo`, with stripes instead.
fn striped(place: &Place, name: &str, period: u32) {
    place.write(name, &[]);
    let image = RgbImage::from_fn(64, 48, |x, y| {
        let value = if (x + y / 2) % period < period / 2 { 40 } else { 210 };
        [value, 255 - value, (x * 3) as u8].into()
    });
    image.save(place.path(name)).expect("a new picture");
}

/// Three pictures, of which the first is nearly x.png.
fn gallery(place: &Place) {
    let mut near = photo(60, 48);
    near.get_pixel_mut(3, 3).0 = [9, 9, 9];
    place.write("gallery/deep/near.png", &[]);
    near.save(place.path("gallery/deep/near.png")).unwrap();
    striped(place, "gallery/wide.png", 24);
    striped(place, "gallery/narrow.png", 6);
}

fn is_zero(place: &Place, map: &str) -> bool {
    read_npy(&place.path(map)).1.iter().all(|value| *value == 0.0)
}

#[test]
fn a_photo_is_set_apart_from_a_picture() {
    let place = Place::new();
    place.photo("x.png", 60, 48);
    striped(&place, "y.png", 12);
    let arguments = ["explain", "x.png", "--against", "y.png", "--save", "npy,panel", "--class", "top:2", "--audit"];
    let run = run(&place, &arguments).succeeds();
    assert_eq!(run.rows().len(), 2);
    let input = &place.report("out")["inputs"][0];
    assert_eq!(input["neighbour"]["input"], "y.png");
    assert!((-1.0..1.0).contains(&input["neighbour"]["similarity"].as_f64().unwrap()), "{input}");
    let map = input["maps"][0]["files"][0].as_str().unwrap();
    assert!(!is_zero(&place, &format!("out/{map}")));
    // Photo, neighbour and two maps stand in a row.
    assert!(Photo::open(place.path("out/x.panel.png")).unwrap().width() > 4 * 150);
}

#[test]
fn nothing_sets_a_photo_apart_from_itself() {
    let place = Place::new();
    place.photo("x.png", 60, 48);
    let run = run(&place, &["explain", "x.png", "--against", "x.png", "--class", "3", "--save", "npy"]).succeeds();
    assert!(run.stderr.contains("nothing sets it apart from x.png"), "{}", run.stderr);
    assert!(is_zero(&place, "out/x.3.npy"));
    let input = &place.report("out")["inputs"][0];
    assert!(input["neighbour"]["similarity"].as_f64().unwrap() > 0.999_999, "{input}");
    assert_eq!(input["maps"][0]["nan_count"], 0);
}

#[test]
fn neighbours_of_another_size_and_grey_ones_are_taken() {
    let place = Place::new();
    place.photo("x.png", 60, 48);
    place.photo("long.png", 200, 31);
    let grey = photo(50, 50);
    image::DynamicImage::ImageRgb8(grey).to_luma8().save(place.path("grey.png")).unwrap();
    for neighbour in ["long.png", "grey.png"] {
        let arguments = ["explain", "x.png", "--against", neighbour, "--save", "npy", "--class", "1"];
        run(&place, &arguments).succeeds();
        assert!(!is_zero(&place, "out/x.1.npy"), "{neighbour}");
        // In its own size, too, which is another than the photo's.
        let native = ["--model", "tiny_resnet", "--weights", "synthetic", "--size", "native"];
        place.run(&[&arguments[..], &native].concat()).succeeds();
    }
}

#[test]
fn the_nearest_is_found_and_never_the_photo_itself() {
    let place = Place::new();
    place.photo("x.png", 60, 48);
    place.photo("gallery/copy_of_x.png", 60, 48);
    gallery(&place);
    let arguments = ["explain", "x.png", "--against", "nearest", "--neighbours", "gallery", "--save", "npy"];
    let first = run(&place, &arguments).succeeds();
    assert!(first.stderr.contains("computing the vectors of 4 pictures"), "{}", first.stderr);
    let near = place.report("out")["inputs"][0]["neighbour"]["input"].as_str().unwrap().to_owned();
    assert!(near.ends_with("near.png"), "{near}");
    let files = place.files("");
    let kept = files.iter().find(|name| name.ends_with(".vectors")).expect("vectors are kept beside the folder");
    assert!(kept.starts_with("gallery."), "{kept}");

    // From the cache there is nothing to compute, and a damaged one is told.
    let again = run(&place, &arguments).succeeds();
    assert!(!again.stderr.contains("computing"), "{}", again.stderr);
    let mut bytes = fs::read(place.path(kept)).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(place.path(kept), bytes).unwrap();
    let damaged = run(&place, &arguments).succeeds();
    assert!(damaged.stderr.contains("are ignored and computed anew: it is damaged"), "{}", damaged.stderr);
    assert!(damaged.stderr.contains("computing the vectors of 4 pictures"), "{}", damaged.stderr);

    // A new picture is computed alone; another network has other vectors.
    striped(&place, "gallery/new.png", 10);
    let one = run(&place, &arguments).succeeds();
    assert!(one.stderr.contains("computing the vectors of 1 picture\n"), "{}", one.stderr);
    let other = ["--cache", "kept", "--model", "tiny_vgg", "--weights", "synthetic", "--size", "48x40"];
    let other = place.run(&[&arguments[..], &other].concat()).succeeds();
    assert!(other.stderr.contains("computing the vectors of 5 pictures"), "{}", other.stderr);
    assert_eq!(place.files("kept").len(), 1);
}

#[test]
fn a_corrupt_picture_among_many_is_told_and_left_out() {
    let place = Place::new();
    place.photo("x.png", 60, 48);
    gallery(&place);
    place.write("gallery/bad.jpg", b"\xff\xd8\xff\xe0 no photo");
    let arguments = ["explain", "x.png", "--against", "nearest", "--neighbours", "gallery"];
    let run = run(&place, &arguments).fails(&["bad.jpg"]);
    assert_eq!(run.rows().len(), 1, "{}", run.stderr);
    let report = place.report("out");
    assert!(report["failed"][0]["input"].as_str().unwrap().ends_with("bad.jpg"), "{report}");
}

#[test]
fn galleries_without_another_picture() {
    let place = Place::new();
    place.photo("x.png", 60, 48);
    place.photo("own/x.png", 60, 48);
    place.photo("own/again.png", 60, 48);
    fs::create_dir(place.path("empty")).unwrap();
    place.write("bad/x.png", b"no picture");
    let explain = |gallery: &str| run(&place, &["explain", "x.png", "--against", "nearest", "--neighbours", gallery]);
    explain("empty").fails(&["empty", "holds no pictures"]);
    explain("missing").fails(&["missing"]);
    explain("bad").fails(&["none of the pictures of bad can be used"]);
    explain("own").fails(&["x.png", "holds no other picture than this one"]);
    run(&place, &["neighbours", "x.png", "--in", "own"]).fails(&["x.png", "own holds no other picture"]);
    // Of several photos only the one without a neighbour fails.
    striped(&place, "y.png", 12);
    let arguments = ["explain", "x.png", "y.png", "--against", "nearest", "--neighbours", "own"];
    let some = run(&place, &arguments).fails(&["x.png"]);
    assert_eq!(some.rows().iter().map(|row| row[0]).collect::<Vec<_>>(), ["y.png"]);
}

#[test]
fn references_are_the_classes() {
    let place = Place::new();
    place.photo("x.png", 60, 48);
    gallery(&place);
    striped(&place, "stripes/a.png", 12);
    striped(&place, "stripes/b.png", 14);
    let like = ["--like", "gallery/deep/near.png", "--like", "stripes"];
    let two = run(&place, &[&["explain", "x.png", "--save", "npy,panel"][..], &like].concat()).succeeds();
    assert_eq!(two.rows()[0][1..3], ["0", "near"], "the nearest reference is the best class");
    let both = [&["explain", "x.png", "--class", "near", "--class", "stripes"][..], &like].concat();
    assert_eq!(run(&place, &both).succeeds().rows().len(), 2);
    let hot = run(&place, &[&both[..], &["--temperature", "100"]].concat()).succeeds();
    let probability = |run: &Run| run.rows()[0][3].parse::<f64>().unwrap();
    assert!(probability(&hot) > probability(&two), "{} {}", hot.stdout, two.stdout);
    run(&place, &[&["explain", "x.png", "--class", "panda"][..], &like].concat())
        .fails(&["no class is called 'panda'"]);

    let one = run(&place, &["explain", "x.png", "--like", "stripes", "--class", "top:2"]).succeeds();
    let mut names: Vec<String> = one.rows().iter().map(|row| row[2].to_owned()).collect();
    names.sort();
    assert_eq!(names, ["not stripes", "stripes"]);
    assert_eq!(place.report("out")["model"]["labels"], "references");

    let twice = ["explain", "x.png", "--like", "stripes/a.png", "--like", "stripes/a.png", "--class", "a-2"];
    assert_eq!(run(&place, &twice).succeeds().rows()[0][2], "a-2");
}

#[test]
fn references_that_cannot_be_used_end_the_command() {
    let place = Place::new();
    place.photo("x.png", 60, 48);
    place.write("bad.png", b"no picture");
    fs::create_dir(place.path("empty")).unwrap();
    for (like, words) in [("bad.png", "bad.png"), ("empty", "holds no pictures"), ("missing.png", "missing.png")] {
        run(&place, &["explain", "x.png", "--like", like]).fails(&["--like: ", words]);
        run(&place, &["explain", "x.png", "--against", like]).fails(&["--against: ", words]);
    }
    run(&place, &["explain", "x.png", "--against", "nearest"]).fails(&["--neighbours DIR"]);
    run(&place, &["explain", "x.png", "--neighbours", "empty"]).fails(&["--against nearest"]);
    run(&place, &["explain", "x.png", "--against", "x.png", "--features", "fc2"])
        .fails(&["no node is called 'fc2'", "layer1"]);
}

#[test]
fn a_run_goes_on_only_with_equal_comparisons() {
    let place = Place::new();
    place.photo("x.png", 60, 48);
    gallery(&place);
    let explain = |rest: &[&str]| run(&place, &[&["explain", "x.png", "--resume"][..], rest].concat());
    explain(&["--against", "gallery/wide.png"]).succeeds();
    let same = explain(&["--against", "gallery/wide.png"]).succeeds();
    assert!(same.stderr.contains("1 input done already"), "{}", same.stderr);
    explain(&["--against", "gallery/narrow.png"]).fails(&["made with other settings: against"]);
    explain(&[]).fails(&["against"]);
    explain(&["--like", "gallery/wide.png"]).fails(&["weights", "like"]);
}

#[test]
fn vectors_are_written_with_a_list_of_names() {
    let place = Place::new();
    gallery(&place);
    place.write("gallery/bad.png", b"no picture");
    let run_embed = |out: &str| run(&place, &["embed", "gallery", "--out", out]);
    run_embed("new/v.npy").fails(&["bad.png"]);
    let (shape, values) = read_npy(&place.path("new/v.npy"));
    assert_eq!(shape, [3, 24]);
    assert!(values.iter().all(|value| value.is_finite()) && values.iter().any(|value| *value != 0.0));
    let names = fs::read_to_string(place.path("new/v.txt")).unwrap();
    let names: Vec<&str> = names.lines().map(|name| name.rsplit(['/', '\\']).next().unwrap()).collect();
    assert_eq!(names, ["near.png", "narrow.png", "wide.png"]);
    run_embed("v.csv").fails(&[".npy"]);
    let map = ["embed", "gallery/wide.png", "--features", "layer1.0.conv1"];
    run(&place, &map).succeeds();
    assert_eq!(read_npy(&place.path("vectors.npy")).0, [1, 4 * 12 * 10]);
}

#[test]
fn networks_from_onnx_files_have_vectors() {
    let place = Place::new();
    place.photo("x.png", 60, 48);
    let model = of_repository("tests/onnx/mnasnet0_5_128_op10.onnx");
    let embed = ["embed", "x.png", "--model", &model, "--weights", "synthetic"];
    place.run(&embed).succeeds();
    assert_eq!(read_npy(&place.path("vectors.npy")).0, [1, 1280]);
    let none = place.run(&[&embed[..], &["--features", "nowhere"]].concat()).fails(&["no node is called 'nowhere'"]);
    assert!(none.stderr.contains("Gemm") || none.stderr.contains("Conv"), "{}", none.stderr);
}

/// Weights as self-supervised training leaves them: a body, and a projection in the place of the last layer.
#[test]
fn weights_without_a_head_are_compared() {
    let place = Place::new();
    place.photo("x.png", 60, 48);
    gallery(&place);
    let bytes = fs::read(of_repository("tests/self_supervised/rotation.safetensors")).unwrap();
    let length = u64::from_le_bytes(*bytes.first_chunk().unwrap()) as usize;
    let header: serde_json::Map<String, serde_json::Value> = serde_json::from_slice(&bytes[8..8 + length]).unwrap();
    let rename = |name: String| match name.strip_prefix("fc.") {
        Some(tensor) => format!("module.encoder_q.fc.0.{tensor}"),
        None if name.starts_with("__") => name,
        None => format!("module.encoder_q.{name}"),
    };
    let header: serde_json::Map<_, _> = header.into_iter().map(|(name, tensor)| (rename(name), tensor)).collect();
    let header = serde_json::to_vec(&header).unwrap();
    let file = [&(header.len() as u64).to_le_bytes()[..], &header, &bytes[8 + length..]].concat();
    place.write("moco.safetensors", &file);
    let network = ["--model", "tiny_resnet", "--weights", "moco.safetensors", "--size", "48x40"];
    let like = ["explain", "x.png", "--like", "gallery/wide.png", "--like", "gallery/deep/near.png"];
    let explained = place.run(&[&like[..], &network].concat()).succeeds();
    assert_eq!(explained.rows()[0][2], "near");
    assert!(
        explained.stderr.contains("only training needs it: module.encoder_q.fc (2 tensors)"),
        "{}",
        explained.stderr
    );
    assert!(explained.stderr.contains("there is no last layer"), "{}", explained.stderr);
    place.run(&[&["explain", "x.png", "--against", "gallery/wide.png"][..], &network].concat()).succeeds();
}

#[test]
fn neighbours_are_listed_and_drawn() {
    let place = Place::new();
    place.photo("x.png", 60, 48);
    gallery(&place);
    place.write("sheets/.agf-4194305-0.part", b"half");
    let found = run(&place, &["neighbours", "x.png", "--in", "gallery", "--top", "2", "--out", "sheets"]).succeeds();
    let rows = found.rows();
    assert_eq!(rows.len(), 2);
    assert!(rows[0][0] == "x.png" && rows[0][2].ends_with("near.png"), "{rows:?}");
    let similarity = |row: usize| rows[row][1].parse::<f64>().unwrap();
    assert!(similarity(0) > similarity(1) && similarity(0) <= 1.0, "{rows:?}");
    assert_eq!(place.files("sheets"), ["x.neighbours.png"]);
    let many = run(&place, &["neighbours", "gallery", "--in", "gallery", "--top", "9"]).succeeds();
    assert_eq!(many.rows().len(), 3 * 2, "each of three has the two others");
}

#[test]
fn a_table_of_methods_shows_what_a_photo_is_compared_with() {
    let place = Place::new();
    place.photo("x.png", 60, 48);
    place.photo("y.png", 60, 48);
    let width = |compared: &[&str]| {
        let methods = ["--method", "agf", "--method", "gradient", "--class", "1", "--save", "panel"];
        run(&place, &[&["explain", "x.png"], &methods[..], compared].concat()).succeeds();
        Photo::open(place.path("out/x.panel.png")).unwrap().width()
    };
    let [alone, against, like] = [&[][..], &["--against", "y.png"], &["--like", "y.png"]].map(width);
    assert!(against > alone + 150 && like == against, "{alone} {against} {like}");
}

#[test]
fn a_network_without_a_linear_layer_is_compared_by_its_output() {
    let place = Place::new();
    place.photo("x.png", 60, 48);
    gallery(&place);
    let network = ["--model", "squeezenet1_1", "--weights", "synthetic", "--size", "40x40"];
    let note =
        "note: squeezenet1_1 has no linear layer: its output 'classifier.3' is taken for the vector; --features NODE";
    for arguments in [
        &["explain", "x.png", "--like", "gallery/deep/near.png", "--class", "0"][..],
        &["neighbours", "x.png", "--in", "gallery", "--out", "sheets"],
        &["embed", "x.png", "--out", "vectors.npy"],
    ] {
        let run = place.run(&[arguments, &network].concat()).succeeds();
        assert!(run.stderr.contains(note), "{}", run.stderr);
    }
}
