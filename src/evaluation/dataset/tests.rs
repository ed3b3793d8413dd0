//! Folders in all layouts, lists in all forms, and what is refused.

use super::*;
use std::fs;

fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = root.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    root
}

fn open(root: &tempfile::TempDir) -> Result<Vec<(String, Vec<u32>, bool)>, DatasetError> {
    let dataset = Dataset::open(root.path(), None, &Labels::imagenet())?;
    Ok(dataset.items.into_iter().map(|item| (item.name, item.classes, item.mask.is_some())).collect())
}

fn items(expected: &[(&str, &[u32], bool)]) -> Vec<(String, Vec<u32>, bool)> {
    expected.iter().map(|(name, classes, mask)| ((*name).to_owned(), classes.to_vec(), *mask)).collect()
}

#[test]
fn folders_are_classes_by_synset_number_or_name() {
    let root = folder(&[
        ("n02510455/b.JPEG", ""),
        ("n02510455/a.jpg", ""),
        ("7/x.png", ""),
        ("ice bear/x.jpg", ""),
        (".hidden/x.jpg", ""),
        ("7/notes.txt", ""),
    ]);
    let expected =
        [("7/x.png", &[7][..], false), ("ice bear/x.jpg", &[296], false), ("n02510455/a.jpg", &[388], false)];
    let found = open(&root).unwrap();
    assert_eq!(found[..3], items(&expected));
    assert_eq!(found.len(), 4);
    let error = open(&folder(&[("no such thing/x.jpg", "")])).unwrap_err().to_string();
    assert!(error.contains("no such thing") && error.contains("a list of labels"), "{error}");
}

#[test]
fn lists_name_photos_in_several_forms() {
    let forms = [
        ("labels.csv", "a.jpg,388,88\n# a comment\n\nb.jpg,n01440764\n"),
        ("labels.tsv", "a.jpg\tgiant panda\tmacaw\nb.jpg\ttench\n"),
        ("labels.csv", "ImageId,PredictionString\na,n02510455 1 2 3 4\nb,n01440764 9 9 9 9\n"),
        ("labels.txt", "a.jpg 388\nb.jpg 0\n"),
        ("labels.txt", "388\n0\n"),
        ("labels.txt", "giant panda\ntench\n"),
    ];
    for (list, text) in forms {
        let found = open(&folder(&[("a.jpg", ""), ("b.jpg", ""), (list, text)])).unwrap();
        assert_eq!((found[0].1[0], &found[1].1[..]), (388, &[0][..]), "{text}");
    }
    let missing = open(&folder(&[("a.jpg", ""), ("labels.csv", "a.jpg,1\nz.jpg,2\n")])).unwrap();
    assert_eq!(missing[1], ("z.jpg".to_owned(), vec![2], false));
    for (text, words) in [
        ("a.jpg,388\nb.jpg,\n", "line 2"),
        ("a.jpg,1000\n", "0 to 999"),
        ("a.jpg,panda\n", "387"),
        ("1\n2\n3\n", "2 photos"),
    ] {
        let error = open(&folder(&[("a.jpg", ""), ("b.jpg", ""), ("labels.csv", text)])).unwrap_err().to_string();
        assert!(error.contains("labels.csv") && error.contains(words), "{error}");
    }
}

/// Names of photos and what is left out.
fn names_and_left_out(root: &tempfile::TempDir) -> (Vec<String>, Vec<LeftOut>) {
    let dataset = Dataset::open(root.path(), None, &Labels::imagenet()).unwrap();
    (dataset.items.into_iter().map(|item| item.name).collect(), dataset.left_out)
}

fn left_out(reason: &'static str, names: &[&str]) -> LeftOut {
    LeftOut { reason, names: names.iter().map(|&name| name.into()).collect() }
}

#[test]
fn photos_of_no_class_are_not_mixed_with_the_others() {
    let files = [("a.jpg", ""), ("b.jfif", ""), ("c.heic", ""), ("labels.csv", "./a.jpg,388\na.jpg,giant panda\n")];
    let (names, left) = names_and_left_out(&folder(&files));
    assert_eq!(names, ["a.jpg"]);
    let expected = [left_out(UNREAD, &["c.heic"]), left_out("not in the list of labels", &["b.jfif"])];
    assert_eq!(left, expected);
    let (names, left) = names_and_left_out(&folder(&[("7/x.png", ""), ("y.png", "")]));
    assert_eq!(
        (&names[..], left),
        (&["7/x.png".to_owned()][..], vec![left_out("in no folder of a class", &["y.png"])])
    );
    let (names, left) = names_and_left_out(&folder(&[("macaw.jpg", ""), ("IMG_7.jpg", "")]));
    assert_eq!((names.len(), left), (1, vec![left_out("not called like a class", &["IMG_7.jpg"])]));
    let (names, left) = names_and_left_out(&folder(&[("IMG_6.jpg", ""), ("IMG_7.jpg", "")]));
    assert_eq!((names.len(), left.len()), (2, 0));
}

#[test]
fn names_in_lists_are_paths_in_any_form() {
    for name in ["./a/x.jpg", "a//x.jpg", "b/../a/x.jpg", "a\\x.jpg", "a/x", "sets/a/x.jpg"] {
        let list = format!("{name},7\nb/x.jpg,8\n");
        let root = folder(&[("sets/a/x.jpg", ""), ("sets/b/x.jpg", ""), ("list.csv", &list)]);
        let (folder, list) = (root.path().join("sets"), root.path().join("list.csv"));
        let dataset = Dataset::open(&folder, Some(&list), &Labels::imagenet()).unwrap();
        let found: Vec<_> = dataset.items.iter().map(|item| (item.name.as_str(), &item.classes[..])).collect();
        assert_eq!(found, [("a/x.jpg", &[7][..]), ("b/x.jpg", &[8])], "{name}");
        let absolute = format!("{},5\n", folder.join("b/x.jpg").display());
        fs::write(&list, absolute).unwrap();
        let dataset = Dataset::open(&folder, Some(&list), &Labels::imagenet()).unwrap();
        assert_eq!((dataset.items.len(), dataset.items[0].name.as_str()), (1, "b/x.jpg"));
    }
}

#[test]
fn a_photo_outside_the_folder_is_not_one_of_the_same_name_inside() {
    let root = folder(&[("x.jpg", ""), ("labels.csv", "x.jpg,7\n../x.jpg,8\n")]);
    assert_eq!(open(&root).unwrap(), items(&[("../x.jpg", &[8], false), ("x.jpg", &[7], false)]));
}

#[test]
fn what_may_mean_two_things_is_refused() {
    let photos = [("a/x.jpg", ""), ("b/x.jpg", ""), ("c.jpg", "")];
    for (list, words) in [
        ("c.jpg,1\nx.jpg,7\n", ["line 2", "a/x.jpg, b/x.jpg"]),
        ("x,7\n", ["line 1", "a/x.jpg, b/x.jpg"]),
        ("c.jpg,1\n\n./c.jpg,2\n", ["lines 1 and 3", "c.jpg"]),
        ("z.jpg,1\nz.jpg,2\n", ["lines 1 and 2", "z.jpg"]),
        ("c.jpg,1\na/x.jpg\n", ["line 2", "no class"]),
        ("c.jpg,,1\n", ["line 1", "no class"]),
    ] {
        let error = open(&folder(&[&photos[..], &[("labels.csv", list)]].concat())).unwrap_err().to_string();
        assert!(error.contains("labels.csv") && words.iter().all(|word| error.contains(word)), "{error}");
    }
    let many: Vec<String> = (0..12).map(|index| format!("{index:02}/x.jpg")).collect();
    for (count, words) in [(10, "08/x.jpg, 09/x.jpg; write"), (12, "08/x.jpg, 09/x.jpg and 2 more; write")] {
        let photos: Vec<(&str, &str)> = many[..count].iter().map(|name| (name.as_str(), "")).collect();
        let error = open(&folder(&[&photos[..], &[("labels.csv", "x,7\n")]].concat())).unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
    }
    // A whole path goes before a part of one.
    let root = folder(&[("x.jpg", ""), ("a/x.jpg", ""), ("labels.csv", "x.jpg,1\na/x.jpg,2\n")]);
    assert_eq!(open(&root).unwrap(), items(&[("a/x.jpg", &[2], false), ("x.jpg", &[1], false)]));
    let lists = folder(&[("c.jpg", ""), ("labels.csv", "c.jpg,1"), ("labels.txt", "c.jpg 2")]);
    assert!(matches!(open(&lists).unwrap_err(), DatasetError::TwoLists(_)));
    let masks = folder(&[("c.jpg", ""), ("c_mask.png", ""), ("c_mask.bmp", "")]);
    assert!(matches!(open(&masks).unwrap_err(), DatasetError::TwoMasks(_)));
}

#[test]
fn results_are_no_photos() {
    let root = folder(&[("7/x.jpg", "")]);
    for name in ["deletion.png", "7/x.388.overlay.png", "eval-deletion/deletion.png"] {
        let path = root.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        crate::image::write_png(path, &crate::image::RgbImage::new(3, 3)).unwrap();
    }
    assert_eq!(open(&root).unwrap(), items(&[("7/x.jpg", &[7], false)]));
}

#[test]
fn masks_lie_beside_photos_or_in_a_folder() {
    let root = folder(&[("polar_bear-2.jpg", ""), ("polar_bear-2_mask.png", ""), ("some thing.jpg", "")]);
    assert_eq!(open(&root).unwrap(), items(&[("polar_bear-2.jpg", &[296], true)]));
    let root = folder(&[("gasmask.jpg", ""), ("ski_mask.jpg", ""), ("ski_mask_mask.png", "")]);
    assert_eq!(open(&root).unwrap(), items(&[("gasmask.jpg", &[570], false), ("ski_mask.jpg", &[796], true)]));
    let root = folder(&[("images/x.jpg", ""), ("images/y.jpg", ""), ("masks/x.png", "")]);
    assert_eq!(open(&root).unwrap(), items(&[("images/x.jpg", &[], true), ("images/y.jpg", &[], false)]));
    let error = open(&folder(&[("notes.txt", "")])).unwrap_err().to_string();
    assert!(error.contains("holds no photos"), "{error}");
}
