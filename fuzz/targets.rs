//! What each fuzzer does with its bytes; `tests/fuzz_corpus.rs` does it with the files of `corpus/`. Whatever the
//! bytes, there is a result or an error. What results promise is asserted.

// Tests use more of it.
#[allow(dead_code)]
#[path = "../tests/common/networks.rs"]
mod networks;
#[path = "../tests/common/planned.rs"]
mod planned;
#[path = "../tests/common/rules.rs"]
mod rules;
#[path = "values.rs"]
mod values;

use agf::evaluation::records::{RecordFile, RecordReader, Shard, merge};
use agf::evaluation::{Dataset, Means};
use agf::gpu::{unwrap_pipelines, wrap_pipelines};
use agf::graph::{Network, parameter::Parameter};
use agf::image::{
    Chart, Colormap, Filter, Framing, InputSpec, LabelMap, Line, Map, NpyInputs, PanelEntry, Photo, Range, Resize,
    RgbImage, panel, prepare,
};
use agf::methods::Method;
use agf::methods::relevance::RuleList;
use agf::models::onnx::{Onnx, OnnxOptions};
use agf::models::{Architecture, Labels, Model, synset_class};
use agf::plan::Profile;
use networks::Choices;
use std::path::Path;
use std::str::FromStr;
use std::sync::OnceLock;

/// What is done with an input.
pub type Target = fn(&[u8]);

/// The targets, by the names of their corpora.
pub const ALL: [(&str, Target); 13] = [
    ("checkpoint", checkpoint),
    ("classes", classes),
    ("labels", labels),
    ("npy", npy),
    ("onnx", onnx),
    ("picture", picture),
    ("pipelines", pipelines),
    ("plans", plans),
    ("records", records),
    ("rules", rules),
    ("safetensors", safetensors),
    ("sizes", sizes),
    ("text", text),
];

/// A folder of this process, for readers that take files.
fn folder() -> &'static Path {
    static FOLDER: OnceLock<tempfile::TempDir> = OnceLock::new();
    FOLDER.get_or_init(|| tempfile::tempdir().unwrap()).path()
}

/// Files of weights of any kind: safetensors, zip archives and pickles.
pub fn checkpoint(bytes: &[u8]) {
    let _ = Model::parse(Architecture::TinyVgg, bytes, "input");
}

/// Well-formed safetensors files whose names, shapes and order are nearly those of a network.
pub fn safetensors(bytes: &[u8]) {
    let mut choices = Choices::new(bytes);
    let architecture = choices.pick(&[Architecture::TinyVgg, Architecture::TinyResNet]);
    let recipe = architecture.recipe(10).unwrap();
    let prefix = choices.pick(&["", "module.", "model.", "backbone.net.", "features.", "é."]);
    let mut tensors: Vec<(String, Vec<usize>)> = Vec::new();
    for Parameter { name, shape, .. } in recipe.parameters() {
        let mut shape = shape.clone();
        let mut name = format!("{prefix}{name}");
        // Where the bytes have ended all is as it should be.
        match choices.number(0, 200) {
            1 => continue,
            2 => shape.reverse(),
            3 => shape.push(1),
            4 => shape[0] += 1,
            5 => name = name.replace("layer", "stage"),
            6 => name.push_str(".0"),
            7 => tensors.push((format!("extra.{name}"), shape.clone())),
            8 => tensors.reverse(),
            _ => {}
        }
        tensors.push((name, shape));
    }
    let _ = Model::parse(architecture, &file_of(&tensors), "input");
}

/// A safetensors file of zeros.
fn file_of(tensors: &[(String, Vec<usize>)]) -> Vec<u8> {
    let mut end = 0;
    let entry = |(name, shape): &(String, Vec<usize>)| {
        let begin = end;
        end += 4 * shape.iter().product::<usize>();
        format!("{name:?}:{{\"dtype\":\"F32\",\"shape\":{shape:?},\"data_offsets\":[{begin},{end}]}}")
    };
    let header = format!("{{{}}}", tensors.iter().map(entry).collect::<Vec<_>>().join(","));
    let mut file = (header.len() as u64).to_le_bytes().to_vec();
    file.extend(header.bytes());
    file.resize(file.len() + end, 0);
    file
}

/// ONNX files: read, their graph built and their weights made up.
pub fn onnx(bytes: &[u8]) {
    let Ok(onnx) = Onnx::parse(bytes.to_vec(), "input", &OnnxOptions::default()) else { return };
    let [height, width] = onnx.size().map(|side| side.unwrap_or(32).min(512));
    let Ok(network) = onnx.build(height, width) else { return };
    let parameters = network.graph.parameters();
    // Whoever asks for synthetic weights gets as many as the file says.
    if parameters.iter().map(Parameter::element_count).sum::<usize>() < 1 << 20 {
        let _ = onnx.weights(height, width, true);
    }
}

/// Networks of every form, explained by every method or by rules of the last bytes, and planned for three kinds of
/// devices.
pub fn plans(bytes: &[u8]) {
    let (choice, bytes) = bytes.split_first().map_or((0, bytes), |(first, rest)| (usize::from(*first), rest));
    let (network, [_, _, batch]) = networks::sized(bytes, 40);
    assert!(planned::is_planned(&network, &Method::Gradient, 0, batch));
    let known = Method::ALL.get(choice % (Method::ALL.len() + 1)).cloned();
    let method = known.unwrap_or_else(|| Method::Rules(rules::rules(&bytes[bytes.len().saturating_sub(60)..])));
    planned::is_planned(&network, &method, 1, batch);
}

/// Arrays of inputs.
pub fn npy(bytes: &[u8]) {
    let path = folder().join("input.npy");
    std::fs::write(&path, bytes).unwrap();
    let Ok(mut inputs) = NpyInputs::open(&path) else { return };
    let length = (inputs.channels() * inputs.height() * inputs.width()) as usize;
    for index in [0, inputs.count() - 1] {
        if let Ok(values) = inputs.read(index) {
            assert!(values.len() == length && values.iter().all(|value| value.is_finite()));
        }
    }
    assert!(inputs.read(inputs.count()).is_err());
}

/// Photos to tensors, and masks.
pub fn picture(bytes: &[u8]) {
    let spec = Architecture::TinyVgg.recipe(10).unwrap().input_spec();
    if let Ok(photo) = Photo::from_bytes(bytes, "input")
        && let Ok(prepared) = prepare(&photo, &spec, Framing::Standard)
    {
        assert_eq!(prepared.tensor.len() as u32, 3 * spec.height * spec.width);
        assert!(prepared.tensor.iter().all(|value| value.is_finite()));
    }
    if let Ok(map) = LabelMap::from_bytes(bytes, "input") {
        assert_eq!(map.values.len(), map.width as usize * map.height as usize);
    }
}

/// Files of compiled pipelines: none is taken but what was written for its key.
pub fn pipelines(bytes: &[u8]) {
    let (key, data) = bytes.split_first_chunk().map_or((0, bytes), |(key, data)| (u64::from_le_bytes(*key), data));
    assert!(unwrap_pipelines(bytes, key).is_none_or(|data| wrap_pipelines(&data, key) == bytes));
    let mut file = wrap_pipelines(data, key);
    assert!(unwrap_pipelines(&file, key).as_deref() == Some(data));
    let at = key as usize % file.len();
    file[at] ^= 1 << (key % 8);
    assert!(unwrap_pipelines(&file, key).is_none());
}

/// Sizes as users write them, and pictures of every form brought to them.
pub fn sizes(bytes: &[u8]) {
    let read = values::sizes::Size::from_str(&String::from_utf8_lossy(bytes));
    assert!(read.is_err() || bytes.contains(&b'x') || bytes.contains(&b'X') || bytes == b"native");
    let mut choices = Choices::new(bytes);
    let mut side = || [1, 2, 7, 31, 64][choices.number(0, 4) as usize] + choices.number(0, 12);
    let [photo, wanted, spec] = [[side(), side()], [side(), side()], [side(), side()]];
    let [height, width] = spec;
    let short = side();
    let resize = choices.pick(&[Resize::Squash, Resize::Pad, Resize::Crop { short }]);
    let filter = choices.pick(&[Filter::Bilinear, Filter::Bicubic]);
    let framing = choices.pick(&[
        Framing::Standard,
        Framing::Native,
        read.map_or(Framing::Standard, |size| size.framing()),
        Framing::Size { height: wanted[0], width: wanted[1] },
    ]);
    let photo = Photo::from_rgb(RgbImage::new(photo[1], photo[0]), "input").unwrap();
    let input = InputSpec { height, width, resize, filter, ..InputSpec::torchvision(height, width) };
    let is_large = matches!(framing, Framing::Size { height, width } if height * width > 1 << 18);
    let Ok(prepared) = (if is_large { return } else { prepare(&photo, &input, framing) }) else { return };
    assert_eq!(prepared.tensor.len() as u32, 3 * prepared.height * prepared.width);
    assert!(prepared.tensor.iter().all(|value| value.is_finite()));
    let seen = prepared.placement.photo_pixel(prepared.width / 2, prepared.height / 2);
    let map = vec![1.0; prepared.width as usize * prepared.height as usize];
    let map = Map::new(&map, prepared.height, prepared.width).unwrap();
    let on_photo = prepared.placement.to_photo(&map);
    assert!(on_photo.values().iter().all(|value| (value - 1.0).abs() < 1e-5));
    // Beside a thin photo there is padding, in the middle too where sides are odd and even.
    if let Some((x, y)) = seen {
        assert!(x < photo.width() && y < photo.height() && on_photo.get(x, y).is_some());
    }
}

fn small_network() -> &'static Network {
    static NETWORK: OnceLock<Network> = OnceLock::new();
    NETWORK.get_or_init(|| Architecture::TinyResNet.build(32, 32, 10).unwrap())
}

/// Files of rules, applied to a network, and files of tuned choices.
pub fn rules(bytes: &[u8]) {
    for profile in [Profile::WEBGPU, Profile::SOFTWARE] {
        let _ = agf::tuning::parse_for_any(bytes, &profile);
    }
    if let Ok(text) = std::str::from_utf8(bytes)
        && let Ok(list) = RuleList::parse("input", text)
    {
        let _ = Method::Rules(list).explain(small_network(), 1);
    }
}

/// Some classes: ImageNet's thousand for few inputs, as a look at all takes long, and otherwise half a dozen.
fn some_labels(bytes: &[u8]) -> &'static Labels {
    static FEW: OnceLock<Labels> = OnceLock::new();
    static IMAGENET: OnceLock<Labels> = OnceLock::new();
    let few = || {
        let path = folder().join("few");
        std::fs::write(&path, "tench, Tinca tinca\npanda\ngiant panda, panda bear\n07\nÉire\na, b c\n").unwrap();
        Labels::open(&path).unwrap()
    };
    let sum: usize = bytes.iter().map(|&byte| usize::from(byte)).sum();
    if sum % 1000 == 7 { IMAGENET.get_or_init(Labels::imagenet) } else { FEW.get_or_init(few) }
}

/// Lists of labels of photos, and files of class names.
pub fn labels(bytes: &[u8]) {
    let (photos, list) = (folder().join("photos"), folder().join("list"));
    if !photos.is_dir() {
        std::fs::create_dir(&photos).unwrap();
        for name in ["a.png", "b c.jpg", "n02510455_1.JPEG"] {
            std::fs::write(photos.join(name), "").unwrap();
        }
    }
    std::fs::write(&list, bytes).unwrap();
    let labels = some_labels(bytes);
    if let Ok(dataset) = Dataset::open(&photos, Some(&list), labels) {
        assert!(dataset.items.iter().flat_map(|item| &item.classes).all(|&class| class < labels.len()));
    }
    if let Ok(names) = Labels::open(&list) {
        assert!((0..names.len()).all(|id| !names.name(id).is_empty()));
    }
}

/// Classes as users write them.
pub fn classes(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let labels = some_labels(bytes);
    if let Ok(id) = labels.find(&text) {
        assert!(id < labels.len());
    }
    assert!(synset_class(&text).is_none_or(|id| id < 1000));
    let _ = text.parse::<Architecture>();
    let _ = text.parse::<Method>();
}

/// Two files of records: read, averaged, merged, and gone on with.
pub fn records(bytes: &[u8]) {
    let middle = bytes.iter().position(|&byte| byte == 0).unwrap_or(bytes.len());
    let (first, second) = bytes.split_at(middle);
    let [one, two, out] = ["one", "two", "out"].map(|name| folder().join(name));
    for (folder, bytes) in [(&one, first), (&two, second.get(1..).unwrap_or_default())] {
        std::fs::create_dir_all(folder).unwrap();
        std::fs::write(folder.join("records.jsonl"), bytes).unwrap();
    }
    if let Ok(mut reader) = RecordReader::open(&one) {
        let mut means = Means::default();
        while let Ok(Some(record)) = reader.next_record() {
            means.add(&record);
        }
    }
    if merge(&[one.clone(), two], &out).is_ok() {
        let mut reader = RecordReader::open(&out).unwrap();
        while reader.next_record().unwrap().is_some() {}
    }
    if let Ok(settings) = RecordReader::open(&one).map(|reader| reader.settings().clone()) {
        let _ = RecordFile::open(&one, &settings, Shard::WHOLE);
    }
}

/// Captions of panels and charts.
pub fn text(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let mut lines = text.split('\n').map(str::to_owned);
    let mut line = || lines.next().unwrap_or_default();
    let [title, x_label, y_label, subtitle] = [line(), line(), line(), line()];
    let points = bytes.chunks(2).map(|pair| (f64::from(pair[0]), f64::from(pair[pair.len() - 1]) - 128.0)).collect();
    let chart = Chart { title: title.clone(), x_label, y_label, lines: vec![Line { name: line(), points }] };
    let svg = chart.to_svg();
    assert!(svg.chars().all(|character| !character.is_control() || character == '\n'), "{svg}");
    let values = [0.5, -0.25, 0.0, 1.0];
    let map = Map::new(&values, 2, 2).unwrap();
    let entry = PanelEntry { title, subtitle, map };
    // As wide as a picture of a panel and of one row, so that most of the panel is its caption.
    panel(&RgbImage::new(336, 1), &[], &[entry], Colormap::Seismic, Range::Auto).unwrap();
}
