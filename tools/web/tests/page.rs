//! The page in a browser: `tools/web.sh --build` makes it, Chromium opens it without a screen, and its maps are those
//! of the program. `AGF_CHROMIUM` names another browser than `chromium`.

use agf::gpu::Selection;
use agf::image::{Framing, Photo, prepare};
use agf::{Batch, Explainer, Gpu, Map, Method, Model, Target};
use agf_web::{Running, serve};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

/// Longer than a software driver takes.
const PATIENCE: Duration = Duration::from_secs(400);

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The page with what the test adds.
fn page() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let made = fs::read_dir(root().join("dist")).expect("dist/, which tools/web.sh --build makes");
    for file in made {
        let file = file.unwrap();
        fs::copy(file.path(), folder.path().join(file.file_name())).unwrap();
    }
    let index = fs::read_to_string(folder.path().join("index.html")).unwrap();
    assert!(index.contains("start.js"));
    fs::write(folder.path().join("test.html"), index.replace("start.js", "test.js")).unwrap();
    fs::copy(root().join("tools/web/tests/test.js"), folder.path().join("test.js")).unwrap();
    fs::copy(root().join("samples/koala.jpg"), folder.path().join("other.jpg")).unwrap();
    folder
}

/// A browser that ends with its owner.
struct Browser(Child);

impl Browser {
    fn open(address: &str, profile: &Path) -> Self {
        let program = std::env::var("AGF_CHROMIUM").unwrap_or_else(|_| "chromium".into());
        let child = Command::new(&program)
            .args(["--headless=new", "--no-sandbox", "--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader"])
            .args(["--use-angle=swiftshader", "--use-vulkan=swiftshader"])
            .args(["--enable-features=Vulkan", "--disable-vulkan-surface"])
            .args(["--disable-background-networking", "--disable-component-update", "--no-first-run"])
            .arg(format!("--user-data-dir={}", profile.display()))
            .arg(address)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        Self(child.unwrap_or_else(|error| panic!("{program}: {error}")))
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The program's answer: class, probability and map of the best class.
fn native(photo: &str) -> (Map, f32) {
    let gpu = pollster::block_on(Gpu::open(&Selection::default())).unwrap();
    let model = Model::embedded().unwrap();
    let photo = Photo::open(root().join("samples").join(photo)).unwrap();
    let input = prepare(&photo, &model.input_spec(), Framing::Standard).unwrap();
    let batch = Batch::new(1, input.height, input.width, input.tensor);
    let mut explainer = Explainer::new(&gpu, &model, Method::default());
    let (mut explained, _) = pollster::block_on(explainer.explain(&batch, &[vec![Target::Rank(0)]])).unwrap();
    let picture = explained.remove(0);
    let map = picture.maps.into_iter().next().unwrap();
    let largest = picture.logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let sum: f32 = picture.logits.iter().map(|logit| (logit - largest).exp()).sum();
    (map, 1.0 / sum)
}

fn compare(answer: &Value, photo: &str) {
    let (map, probability) = native(photo);
    assert_eq!(answer["class"], map.class, "{photo}");
    let found = answer["probability"].as_f64().unwrap();
    assert!((found - f64::from(probability)).abs() < 5e-4, "{photo}: {found} instead of {probability}");
    let values: Vec<f64> = answer["map"].as_array().unwrap().iter().map(|value| value.as_f64().unwrap()).collect();
    assert_eq!(values.len(), map.values.len(), "{photo}");
    let norm = |values: &mut dyn Iterator<Item = f64>| values.map(|value| value * value).sum::<f64>().sqrt();
    let expected = || map.values.iter().map(|&value| f64::from(value));
    let distance = norm(&mut values.iter().zip(expected()).map(|(a, b)| a - b)) / norm(&mut expected());
    println!("{photo}: relative L2 {distance:.1e}");
    assert!(distance <= 1e-3, "{photo}: relative L2 {distance}");
}

/// The page in a browser; what it asks of its server comes as path and body.
struct Visit {
    requests: Receiver<(String, Vec<u8>)>,
    _parts: (Running, Browser, tempfile::TempDir, tempfile::TempDir),
}

impl Visit {
    fn new(search: &str) -> Self {
        let (folder, profile) = (page(), tempfile::tempdir().unwrap());
        let (sender, requests) = channel();
        let seen = move |path: &str, body: &[u8]| {
            let _ = sender.send((path.to_owned(), body.to_vec()));
        };
        let server = serve(folder.path().to_owned(), 0, seen).unwrap();
        let browser = Browser::open(&format!("http://localhost:{}/test.html{search}", server.port()), profile.path());
        Self { requests, _parts: (server, browser, folder, profile) }
    }

    /// What is posted to `path`, and what was requested before.
    fn posted(&self, path: &str) -> (Value, Vec<String>) {
        let mut others = Vec::new();
        loop {
            let next = self.requests.recv_timeout(PATIENCE);
            let (found, body) = next.unwrap_or_else(|_| panic!("{path} was not posted; before: {others:?}"));
            if found == path {
                return (serde_json::from_slice(&body).unwrap(), others);
            }
            assert_ne!(found, "/end", "the page failed: {}", String::from_utf8_lossy(&body));
            others.push(found);
        }
    }

    /// What is posted to `path`, before which nothing may be requested.
    fn next(&self, path: &str) -> Value {
        let (posted, others) = self.posted(path);
        assert!(others.is_empty(), "requests before {path}: {others:?}");
        posted
    }

    fn end(&self) {
        assert_eq!(self.next("/end"), Value::Array(Vec::new()), "errors on the console, or requests elsewhere");
    }
}

#[test]
fn the_page_shows_what_the_program_finds() {
    let visit = Visit::new("");
    let (_, loaded) = visit.posted("/started");
    println!("requests until the start: {loaded:?}");
    compare(&visit.next("/sample"), "panda_macaw.jpg");
    compare(&visit.next("/dropped"), "koala.jpg");
    compare(&visit.next("/chosen"), "panda_macaw.jpg");
    let said = visit.next("/lost");
    assert!(said.as_str().unwrap().contains("lost"), "{said}");
    visit.end();
}

#[test]
fn what_a_browser_lacks_is_said() {
    for (lacking, words) in [("webgpu", "has no WebGPU"), ("adapter", "cannot start")] {
        let visit = Visit::new(&format!("?without={lacking}"));
        let (said, _) = visit.posted("/said");
        println!("without {lacking}: {said}");
        assert!(said.as_str().unwrap().contains(words), "{said}");
    }
}
