//! Every `unsafe` is listed in SECURITY.md, with why it is sound.

use std::collections::BTreeMap;
use std::path::Path;

fn count(folder: &Path, root: &Path, found: &mut BTreeMap<String, usize>) {
    for path in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if path.is_dir() && !path.ends_with("target") {
            count(&path, root, found);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            let text = std::fs::read_to_string(&path).unwrap();
            let code = text.lines().map(|line| line.split("//").next().unwrap_or_default());
            let blocks = code.filter(|line| line.contains(concat!("un", "safe ")) && !line.contains('"')).count();
            if blocks > 0 {
                let name = path.strip_prefix(root).unwrap().components().map(|part| part.as_os_str().to_string_lossy());
                found.insert(name.collect::<Vec<_>>().join("/"), blocks);
            }
        }
    }
}

#[test]
fn every_place_is_listed() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = BTreeMap::new();
    for folder in ["src", "cli", "viewer", "tools", "tests", "examples", "benches", "fuzz"] {
        count(&root.join(folder), root, &mut found);
    }
    let text = std::fs::read_to_string(root.join("SECURITY.md")).unwrap();
    let listed: BTreeMap<String, usize> = text.lines().filter_map(row).collect();
    assert_eq!(found, listed);
    assert!(!found.is_empty());
}

/// A row of the table: a file in backquotes, a count, and a reason.
fn row(line: &str) -> Option<(String, usize)> {
    let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
    let [file, count, reason] = cells[..] else { return None };
    let file = file.strip_prefix('`')?.strip_suffix('`')?;
    assert!(reason.len() > 20, "{line}");
    Some((file.into(), count.parse().ok()?))
}
