//! Atomic files.

use std::fs;

use agf::image::{ImageError, Map, Photo, is_written_by_us, write_npy, write_png};

use crate::Random;

#[test]
fn a_png_reads_back_and_replaces_an_older_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("out.png");
    for size in [3, 5] {
        let picture = Random::seeded().picture(size, 4);
        write_png(&path, &picture).unwrap();
        assert_eq!(Photo::open(&path).unwrap().rgb(), &picture);
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn results_are_told_from_photos() {
    let folder = tempfile::tempdir().unwrap();
    let [result, photo, renamed] = ["a.png", "b.png", "photo.jpg"].map(|name| folder.path().join(name));
    let picture = Random::seeded().picture(20, 4);
    write_png(&result, &picture).unwrap();
    picture.save(&photo).unwrap();
    fs::copy(&result, &renamed).unwrap();
    assert!(is_written_by_us(&result) && is_written_by_us(&renamed));
    assert!(
        !is_written_by_us(&photo) && !is_written_by_us(folder.path()) && !is_written_by_us(&folder.path().join("c"))
    );
}

#[test]
fn unwritable_targets_are_errors_and_leave_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let picture = Random::seeded().picture(2, 2);
    let map = Map::new(&[1.0], 1, 1).unwrap();
    fs::write(folder.path().join("file"), "x").unwrap();
    let targets = [folder.path().join("absent/out.png"), folder.path().to_owned(), folder.path().join("file/out.png")];
    for target in targets {
        for error in [write_png(&target, &picture).unwrap_err(), write_npy(&target, &map).unwrap_err()] {
            println!("{error}");
            assert!(matches!(error, ImageError::Write { .. }));
            assert!(error.to_string().contains(target.to_str().unwrap()));
        }
    }
    let empty = agf::image::RgbImage::new(0, 0);
    let kept = folder.path().join("file");
    assert!(write_png(&kept, &empty).is_err());
    assert_eq!(fs::read(&kept).unwrap(), b"x");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn files_of_an_interrupted_run_are_in_nobodys_way() {
    let folder = tempfile::tempdir().unwrap();
    for count in 0..100 {
        let name = format!(".agf-{}-{count}.part", std::process::id());
        fs::write(folder.path().join(name), "half").unwrap();
    }
    let path = folder.path().join("out.png");
    write_png(&path, &Random::seeded().picture(2, 2)).unwrap();
    assert!(Photo::open(&path).is_ok());
}

#[cfg(unix)]
#[test]
fn pipes_and_devices_are_not_replaced() {
    let path = std::path::Path::new("/dev/null");
    assert!(write_png(path, &Random::seeded().picture(2, 2)).is_err());
    assert!(!path.metadata().unwrap().is_file());
}
