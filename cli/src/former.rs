//! What earlier runs left in the output folder, by their report: names that belong to other inputs, and inputs that are
//! done.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::CliError;
use super::inputs::Source;

/// The report's name in the output folder.
pub(super) const REPORT: &str = "report.json";

/// What makes a file the one that was explained: its true path, its size and when it was changed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct FileStamp {
    path: String,
    bytes: u64,
    /// Nanoseconds since 1970, where the system keeps the time.
    modified: Option<u64>,
}

impl FileStamp {
    /// The true path.
    pub(super) fn path(&self) -> &str {
        &self.path
    }

    /// The stamp of a file as it is now.
    pub(super) fn of(path: &Path, found: &fs::Metadata) -> Self {
        let modified = found.modified().ok().and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok());
        Self {
            path: path.canonicalize().unwrap_or_else(|_| path.into()).display().to_string(),
            bytes: found.len(),
            modified: modified.and_then(|age| u64::try_from(age.as_nanos()).ok()),
        }
    }
}

/// An input whose maps lie in the output folder.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Owner {
    pub(super) file: FileStamp,
    pub(super) index: Option<usize>,
    pub(super) name: String,
}

impl Owner {
    /// What its outputs' names begin with, relative to the output folder.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// The name of the whole file's outputs, which those of an array's inputs begin with.
    fn stem(&self) -> &str {
        match self.index {
            Some(index) => self.name.strip_suffix(&format!(".{index}")).unwrap_or(&self.name),
            None => &self.name,
        }
    }
}

/// The part of a report that later runs need.
#[derive(Debug, Deserialize)]
struct FormerReport {
    request: Map<String, Value>,
    inputs: Vec<Map<String, Value>>,
    #[serde(default)]
    earlier: Vec<Owner>,
}

/// An input whose maps lie in the folder, and its entry in the report.
type Done = (Owner, Map<String, Value>);

/// What earlier runs left.
#[derive(Debug, Default)]
pub(super) struct Former {
    folder: PathBuf,
    /// What the maps of `inputs` depend on, by the names of settings.
    request: Map<String, Value>,
    inputs: Vec<Done>,
    earlier: Vec<Owner>,
    /// The true path of the file that each name belongs to.
    paths: HashMap<String, String>,
}

impl Former {
    /// Reads the report in `folder`; without such a file there is nothing.
    ///
    /// # Errors
    /// [`CliError::ForeignReport`] where the file is something else, which would be replaced.
    pub(super) fn read(folder: &Path) -> Result<Self, CliError> {
        let path = folder.join(REPORT);
        let former = Self { folder: folder.into(), ..Self::default() };
        let foreign = |reason: String| CliError::ForeignReport { path: path.clone(), reason };
        if !path.is_file() {
            return Ok(former);
        }
        let text = fs::read(&path).map_err(|error| foreign(error.to_string()))?;
        let report: FormerReport = serde_json::from_slice(&text).map_err(|error| foreign(error.to_string()))?;
        let mut inputs = Vec::with_capacity(report.inputs.len());
        for input in report.inputs {
            let owner = serde_json::from_value(Value::Object(input.clone()));
            inputs.push((owner.map_err(|error| foreign(error.to_string()))?, input));
        }
        let owners = inputs.iter().map(|(owner, _)| owner).chain(&report.earlier);
        let paths = owners.map(|owner| (owner.stem().to_lowercase(), owner.file.path.clone())).collect();
        Ok(Self { request: report.request, inputs, earlier: report.earlier, paths, ..former })
    }

    /// Whether maps of another file than this one have the name, which is in small letters.
    pub(super) fn is_anothers(&self, name: &str, file: &FileStamp) -> bool {
        self.paths.get(name).is_some_and(|path| *path != file.path)
    }

    /// Names in small letters that maps of the file have.
    pub(super) fn names_of(&self) -> HashMap<&str, Vec<&str>> {
        let mut names: HashMap<&str, Vec<&str>> = HashMap::new();
        for (name, path) in &self.paths {
            names.entry(path).or_default().push(name);
        }
        names
    }

    /// The entries of the inputs of `sources` that are done already, for the new report; takes them out of `sources`.
    ///
    /// # Errors
    /// [`CliError::OtherRequest`] where they were made with other settings.
    pub(super) fn take_done(
        &self,
        sources: &mut Vec<Source>,
        request: &Map<String, Value>,
    ) -> Result<Vec<Map<String, Value>>, CliError> {
        let differences = differences(&self.request, request);
        if !self.inputs.is_empty() && !differences.is_empty() {
            return Err(CliError::OtherRequest { path: self.folder.join(REPORT), differences });
        }
        let done = self.inputs.iter().filter(|(_, entry)| files_of(entry).all(|file| self.folder.join(file).is_file()));
        let mut by_name: BTreeMap<&str, Vec<&Done>> = BTreeMap::new();
        for input in done {
            by_name.entry(input.0.stem()).or_default().push(input);
        }
        let mut taken = Vec::new();
        for source in sources.iter_mut() {
            let name = source.name.display().to_string();
            let inputs = by_name.get(name.as_str()).map_or(&[][..], Vec::as_slice);
            for (owner, entry) in inputs.iter().filter(|(owner, _)| owner.file == source.file) {
                source.done.insert(owner.index.unwrap_or_default());
                taken.push(entry.clone());
            }
        }
        sources.retain(|source| source.done.len() < source.picture_count());
        Ok(taken)
    }

    /// Owners of maps in the folder, but for the inputs for which `is_done_anew` holds.
    pub(super) fn owners_beside(&self, is_done_anew: impl Fn(&Owner) -> bool) -> Vec<Owner> {
        let owners = self.inputs.iter().map(|(owner, _)| owner).chain(&self.earlier);
        owners.filter(|owner| !is_done_anew(owner)).cloned().collect()
    }
}

/// The files of an input, relative to the output folder.
fn files_of(entry: &Map<String, Value>) -> impl Iterator<Item = &str> {
    let maps = entry.get("maps").and_then(Value::as_array).into_iter().flatten();
    maps.filter_map(|map| map.get("files")?.as_array()).flatten().filter_map(Value::as_str)
}

/// Where two requests differ: the setting, what it was and what it is.
fn differences(before: &Map<String, Value>, now: &Map<String, Value>) -> Vec<String> {
    let names: BTreeSet<&String> = before.keys().chain(now.keys()).collect();
    let text = |value: Option<&Value>| value.map_or("nothing".into(), Value::to_string);
    let difference =
        |name: &String| format!("{name} is {} there and {} now", text(before.get(name)), text(now.get(name)));
    names.into_iter().filter(|&name| before.get(name) != now.get(name)).map(difference).collect()
}
