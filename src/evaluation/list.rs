//! The lines of a list of labels: what separates columns, which column means what.

mod error;

pub use error::ListError;

use crate::models::synset_class;
use csv::{ReaderBuilder, StringRecord, Trim};
use std::fs;
use std::path::Path;

/// Titles of the column with photos, in small letters and without anything else.
const NAME_TITLES: [&str; 12] = [
    "name",
    "file",
    "filename",
    "path",
    "filepath",
    "image",
    "imageid",
    "imagename",
    "imagepath",
    "photo",
    "picture",
    "img",
];
/// Titles of the columns with classes.
const CLASS_TITLES: [&str; 14] = [
    "class",
    "classes",
    "classid",
    "classname",
    "label",
    "labels",
    "labelid",
    "target",
    "category",
    "synset",
    "synsets",
    "wnid",
    "groundtruth",
    "predictionstring",
];

/// A line.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Row {
    /// Where it begins, from 1.
    pub line: u64,
    /// The first column, or the one with the title of a name.
    pub name: String,
    /// Texts of classes.
    pub classes: Vec<String>,
    /// Whether the first blank ends the name.
    pub by_blanks: bool,
}

/// The lines of a file, in UTF-8, whose columns are separated by tabs, semicolons or commas, whichever the first line
/// has; where it has none, the first blank ends the name. Fields may be quoted. Empty lines and those that begin with
/// `#` are left out, and so is a header, by whose titles name and classes are found.
pub(super) struct List {
    pub rows: Vec<Row>,
}

impl List {
    pub(super) fn read(path: &Path) -> Result<Self, ListError> {
        let bytes = fs::read(path).map_err(|source| ListError::Read { path: path.into(), source })?;
        let text = std::str::from_utf8(&bytes).map_err(|error| {
            let before = &bytes[..error.valid_up_to()];
            ListError::Encoding {
                path: path.into(),
                line: 1 + before.iter().filter(|&&byte| byte == b'\n').count() as u64,
            }
        })?;
        let text = text.trim_start_matches('\u{feff}').replace("\r\n", "\n").replace('\r', "\n");
        Self::parse(&text, path)
    }

    fn parse(text: &str, path: &Path) -> Result<Self, ListError> {
        let delimiter = delimiter(text);
        let (mut lines, mut said) = (Vec::new(), String::with_capacity(text.len() + 1));
        for (line, text) in (1..).zip(text.lines()).filter(|(_, text)| says_something(text)) {
            if text.matches('"').count() % 2 == 1 {
                return Err(unclosed(path, line));
            }
            lines.push(line);
            said.extend([text, "\n"]);
        }
        let mut reader = ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .trim(Trim::All)
            .delimiter(delimiter.unwrap_or(b' '))
            .from_reader(said.as_bytes());
        let (mut rows, mut columns, mut has_header) = (Vec::new(), None, false);
        for (record, line) in reader.records().zip(lines) {
            let form = |problem| ListError::Form { path: path.into(), line, problem };
            let record = record.map_err(|error| form(error.to_string()))?;
            if record.iter().any(|field| field.contains('\n')) {
                return Err(unclosed(path, line));
            }
            if rows.is_empty() && !has_header && is_header(&record) {
                let found = Columns::of(&record).map_err(form)?;
                // The words of a class's name are columns, too, where blanks separate them.
                columns = (delimiter.is_some() || found.name > 0).then_some(found);
                has_header = true;
            } else {
                rows.push(row(&record, columns.as_ref(), delimiter.is_none(), line));
            }
        }
        Ok(Self { rows })
    }
}

fn unclosed(path: &Path, line: u64) -> ListError {
    let problem = "a quotation mark opens that the line does not close".into();
    ListError::Form { path: path.into(), line, problem }
}

fn says_something(line: &str) -> bool {
    !line.trim().is_empty() && !line.starts_with('#')
}

/// What separates the columns of the first line that says something.
fn delimiter(text: &str) -> Option<u8> {
    let line = text.lines().find(|line| says_something(line))?;
    let outside: String = line.split('"').step_by(2).collect();
    [b'\t', b';', b','].into_iter().find(|&delimiter| outside.contains(char::from(delimiter)))
}

fn row(record: &StringRecord, columns: Option<&Columns>, by_blanks: bool, line: u64) -> Row {
    let field = |at: usize| record.get(at).unwrap_or_default().to_owned();
    let (name, mut classes): (String, Vec<String>) = match columns {
        Some(columns) => (field(columns.name), columns.classes.iter().map(|&at| field(at)).collect()),
        None if by_blanks => {
            let mut words = record.iter().filter(|word| !word.is_empty());
            let name = words.next().unwrap_or_default().to_owned();
            (name, vec![words.collect::<Vec<_>>().join(" ")])
        }
        None => (field(0), record.iter().skip(1).map(str::to_owned).collect()),
    };
    while classes.last().is_some_and(String::is_empty) {
        classes.pop();
    }
    classes.iter_mut().for_each(without_boxes);
    Row { line, name, classes, by_blanks }
}

/// In Kaggle's list a synset and boxes stand behind each name, perhaps several times: the first synset counts.
fn without_boxes(text: &mut String) {
    let word = text.split(' ').next().unwrap_or_default();
    if synset_class(word).is_some() {
        text.truncate(word.len());
    }
}

/// Which columns of a list with a header are read.
struct Columns {
    name: usize,
    classes: Vec<usize>,
}

impl Columns {
    fn of(header: &StringRecord) -> Result<Self, String> {
        let places = |titles: &[&str]| -> Vec<usize> {
            (0..).zip(header).filter(|(_, title)| titles.contains(&plain(title).as_str())).map(|(at, _)| at).collect()
        };
        let classes = places(&CLASS_TITLES);
        match (&places(&NAME_TITLES)[..], classes.is_empty()) {
            (&[name], false) => Ok(Self { name, classes }),
            (names, _) => Err(format!(
                "{} columns of the header have the title of a photo's name and {} that of a class; \
                 call one 'filename' and one 'class'",
                names.len(),
                classes.len()
            )),
        }
    }
}

/// A first line with the title of a name, and nothing that may be a class instead of a title.
fn is_header(record: &StringRecord) -> bool {
    let is_class = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit()) || synset_class(text).is_some();
    let mut titles = record.iter().filter(|text| !text.is_empty());
    titles.clone().any(|title| NAME_TITLES.contains(&plain(title).as_str()))
        && record.len() > 1
        && !titles.any(is_class)
}

fn plain(title: &str) -> String {
    title.chars().filter(|character| character.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(text: &str) -> Result<Vec<(u64, String, Vec<String>)>, String> {
        let list = List::parse(text, Path::new("labels.csv")).map_err(|error| error.to_string())?;
        Ok(list.rows.into_iter().map(|row| (row.line, row.name, row.classes)).collect())
    }

    #[test]
    fn columns_are_found_in_all_forms() {
        let expected =
            vec![(1, "a.jpg".to_owned(), vec!["1".to_owned()]), (2, "b c.jpg".into(), vec!["2".into(), "x y".into()])];
        for text in [
            "a.jpg,1\nb c.jpg,2,x y\n",
            "a.jpg;1\nb c.jpg;2;x y;;\n",
            "a.jpg\t1\n\"b c.jpg\"\t2\tx y",
            "\"a.jpg\" , 1\n b c.jpg , 2 , x y \n",
        ] {
            assert_eq!(rows(text).unwrap(), expected, "{text:?}");
        }
        assert_eq!(rows("a.jpg 1\n\"b c.jpg\"  x  y\n").unwrap()[1], (2, "b c.jpg".into(), vec!["x y".into()]));
        assert_eq!(rows("n02510455\nn01440764\n").unwrap()[1], (2, "n01440764".into(), Vec::new()));
        let boxes = rows("ImageId,PredictionString\n# no line\n\na,n02510455 1 2 3 4 n02510455 2 2 2 2\n").unwrap();
        assert_eq!(boxes, [(4, "a".into(), vec!["n02510455".into()])]);
        let quoted = rows("\"a, b.jpg\";\"tench, Tinca tinca\"\n").unwrap();
        assert_eq!(quoted, [(1, "a, b.jpg".into(), vec!["tench, Tinca tinca".into()])]);
    }

    #[test]
    fn headers_say_which_columns_count() {
        let found = rows("split;label;file name;width\nval;388;a.jpg;640\n").unwrap();
        assert_eq!(found, [(2, "a.jpg".into(), vec!["388".into()])]);
        // A photo may be called like a title.
        assert_eq!(rows("image.jpg,388\n").unwrap().len(), 1);
        assert_eq!(rows("image,7\n").unwrap().len(), 1);
        assert_eq!(
            rows("file label\n  a.jpg  giant panda\n").unwrap(),
            [(2, "a.jpg".into(), vec!["giant panda".into()])]
        );
        assert_eq!(rows("label file\n7 a.jpg\n").unwrap(), [(2, "a.jpg".into(), vec!["7".into()])]);
        assert_eq!(rows("filename\nn02510455\n").unwrap().len(), 2, "one column has no class");
        let error = rows("filename,width\na.jpg,640\n").unwrap_err();
        assert!(error.contains("line 1") && error.contains("'class'"), "{error}");
    }

    #[test]
    fn broken_lists_name_the_line() {
        let error = rows("a.jpg,1\nb.jpg,\"2\nc.jpg,3\n").unwrap_err();
        assert!(error.contains("line 2") && error.contains("quotation mark"), "{error}");
        let error = rows("# no line\n\na.jpg,1\n\n\"b.jpg,2\n").unwrap_err();
        assert!(error.contains("line 5"), "{error}");
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("labels.csv");
        for (bytes, word) in [(&b"a.jpg,1\n\xE9.jpg,2\n"[..], "line 2"), (b"\xFF\xFEa\0,\0", "UTF-8")] {
            fs::write(&path, bytes).unwrap();
            let error = List::read(&path).err().unwrap().to_string();
            assert!(error.contains(word), "{error}");
        }
        for text in ["\u{feff}a.jpg,1\nb.jpg,2\n", "a.jpg,1\r\nb.jpg,2\r\n", "a.jpg,1\rb.jpg,2"] {
            fs::write(&path, text).unwrap();
            let rows = List::read(&path).unwrap().rows;
            assert_eq!((rows.len(), rows[0].name.as_str(), rows[1].line), (2, "a.jpg", 2), "{text:?}");
        }
    }
}
