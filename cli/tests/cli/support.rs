//! Running the program, and making the files that it is given.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use agf::image::RgbImage;
use tempfile::TempDir;

/// Where Mesa keeps compiled shaders.
const MESA_CACHE: &str = "MESA_SHADER_CACHE_DIR";

/// What a run left on its streams.
pub struct Run {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Run {
    fn new(output: Output) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("output is UTF-8");
        let run = Self {
            code: output.status.code().expect("the program was not killed"),
            stdout: text(output.stdout),
            stderr: text(output.stderr),
        };
        assert!(!run.stderr.contains("panicked"), "{}", run.stderr);
        assert!(!run.stderr.contains('\x1b') && !run.stdout.contains('\x1b'), "colours in a pipe: {}", run.stderr);
        run
    }

    /// Asserts that all went well.
    #[track_caller]
    pub fn succeeds(self) -> Self {
        assert_eq!(self.code, 0, "{}", self.stderr);
        assert!(self.errors().is_empty(), "{}", self.stderr);
        self
    }

    /// Asserts exit code 2 and exactly one error, which says all of `words`.
    #[track_caller]
    pub fn fails(self, words: &[&str]) -> Self {
        assert_eq!(self.code, 2, "{}", self.stderr);
        let errors = self.errors();
        assert_eq!(errors.len(), 1, "one error is expected:\n{}", self.stderr);
        for word in words {
            assert!(errors[0].contains(word), "'{word}' is missing in: {}", errors[0]);
        }
        self
    }

    /// The errors on standard error.
    pub fn errors(&self) -> Vec<&str> {
        self.stderr.lines().filter(|line| line.starts_with("error:")).collect()
    }

    /// The columns of each line of data.
    pub fn rows(&self) -> Vec<Vec<&str>> {
        self.stdout.lines().map(|line| line.split('\t').collect()).collect()
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {}", self.stdout))
    }
}

/// A folder of its own for each test, which is also where the program runs, and another for what it keeps of the
/// user's.
pub struct Place {
    folder: TempDir,
    home: TempDir,
}

impl Place {
    pub fn new() -> Self {
        let folder = || tempfile::tempdir().expect("a temporary folder");
        Self { folder: folder(), home: folder() }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_agf-run"));
        command.current_dir(self.folder.path()).args(arguments);
        for variable in ["HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "LOCALAPPDATA"] {
            command.env(variable, self.home.path());
        }
        // Mesa's cache of compiled shaders stays where it is: compiling all anew takes most of a minute.
        if let (None, Some(folder)) = (env::var_os(MESA_CACHE), dirs::cache_dir()) {
            command.env(MESA_CACHE, folder);
        }
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Run {
        self.run_command(self.command(arguments))
    }

    pub fn run_command(&self, mut command: Command) -> Run {
        Run::new(command.output().expect("the program starts"))
    }

    /// Runs `explain` with the small network.
    pub fn explain(&self, arguments: &[&str]) -> Run {
        let tiny = ["explain", "--model", "tiny_vgg", "--weights", "synthetic", "--size", "32x40"];
        self.run(&[&tiny, arguments].concat())
    }

    pub fn write(&self, name: &str, bytes: &[u8]) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a new folder");
        fs::write(path, bytes).expect("a new file");
    }

    /// A photo with some colour in it.
    pub fn photo(&self, name: &str, width: u32, height: u32) {
        self.write(name, &[]);
        photo(width, height).save(self.path(name)).expect("a new photo");
    }

    pub fn exists(&self, name: &str) -> bool {
        self.path(name).is_file()
    }

    pub fn report(&self, folder: &str) -> serde_json::Value {
        let text = fs::read_to_string(self.path(folder).join("report.json")).expect("a report");
        serde_json::from_str(&text).expect("a report in JSON")
    }

    /// Names and contents of all files but the report, which has times in it.
    #[cfg(target_os = "linux")]
    pub fn contents(&self, folder: &str) -> Vec<(String, Vec<u8>)> {
        let names = self.files(folder).into_iter().filter(|name| name != "report.json");
        names.map(|name| (name.clone(), fs::read(self.path(folder).join(name)).expect("a file"))).collect()
    }

    /// Names of all files in a folder and below, sorted, with `/` between their parts.
    pub fn files(&self, folder: &str) -> Vec<String> {
        let root = self.path(folder);
        let mut found = Vec::new();
        collect(&root, &root, &mut found);
        found.sort();
        found
    }
}

fn collect(root: &Path, folder: &Path, found: &mut Vec<String>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            collect(root, &path, found);
        } else {
            let parts = path.strip_prefix(root).expect("a path below the root").components();
            let parts: Vec<_> = parts.map(|part| part.as_os_str().to_string_lossy().into_owned()).collect();
            found.push(parts.join("/"));
        }
    }
}

/// A library that makes the program's world fail, made of a file of `tests/faults`, in a folder.
#[cfg(target_os = "linux")]
pub fn compiled(source: &str, folder: &Path) -> PathBuf {
    let library = folder.join(source).with_extension("so");
    let source = of_repository(&format!("cli/tests/faults/{source}"));
    let built = Command::new("cc").args(["-shared", "-fPIC", "-O1", "-o"]).arg(&library).arg(source).status();
    assert!(built.expect("a C compiler, which links Rust, too").success());
    library
}

/// A file of the repository.
pub fn of_repository(name: &str) -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(name).display().to_string()
}

pub fn photo(width: u32, height: u32) -> RgbImage {
    let level = |value: u32| u8::try_from(value % 256).expect("a byte");
    RgbImage::from_raw(
        width,
        height,
        (0..width * height).flat_map(|at| [7 * at, 13 * at + 5, at / 3].map(level)).collect(),
    )
    .expect("three bytes a pixel")
}

/// The start of a PNG file that claims this size.
pub fn png_header(width: u32, height: u32) -> Vec<u8> {
    let mut header = b"IHDR".to_vec();
    header.extend(width.to_be_bytes());
    header.extend(height.to_be_bytes());
    header.extend([8, 2, 0, 0, 0]);
    let data = b"IDAT\x78\x9c\x63\x00\x01".to_vec();
    let mut png = b"\x89PNG\r\n\x1a\n".to_vec();
    for chunk in [header, data] {
        png.extend((chunk.len() as u32 - 4).to_be_bytes());
        png.extend(&chunk);
        png.extend(crc(&chunk).to_be_bytes());
    }
    png
}

fn crc(bytes: &[u8]) -> u32 {
    let step = |crc: u32, _: u32| if crc & 1 == 1 { crc >> 1 ^ 0xEDB8_8320 } else { crc >> 1 };
    !bytes.iter().fold(!0, |crc, &byte| (0..8).fold(crc ^ u32::from(byte), step))
}

/// A NumPy file with this element type and shape in its header.
pub fn npy(element: &str, shape: &[usize], values: &[f32]) -> Vec<u8> {
    let sides: Vec<String> = shape.iter().map(|side| format!("{side},")).collect();
    let header = format!("{{'descr': '{element}', 'fortran_order': False, 'shape': ({}), }}", sides.join(" "));
    let mut file = b"\x93NUMPY\x01\x00".to_vec();
    file.extend((header.len() as u16 + 1).to_le_bytes());
    file.extend(header.as_bytes());
    file.push(b'\n');
    file.extend(values.iter().flat_map(|value| value.to_le_bytes()));
    file
}

/// The shape and values of a float32 NumPy file.
pub fn read_npy(path: &Path) -> (Vec<u64>, Vec<f32>) {
    let bytes = fs::read(path).expect("a file");
    let file = npyz::NpyFile::new(&bytes[..]).expect("a NumPy file");
    let shape = file.shape().to_vec();
    (shape, file.into_vec().expect("float32 values"))
}
