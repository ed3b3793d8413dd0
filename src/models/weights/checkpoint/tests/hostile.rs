//! Files made to exhaust memory or the stack, to reach beyond their end, or damaged. Each is one error, at once.

use super::*;

const FLOAT: &[u8] = b"ctorch\nFloatStorage\n";
const TENSOR: &[u8] = b"ctorch._utils\n_rebuild_tensor_v2\n";

/// An archive of stored entries.
fn zip(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let (mut file, mut directory) = (Vec::new(), Vec::new());
    for (name, data) in entries {
        let place = file.len() as u32;
        let sizes = [0, data.len() as u32, data.len() as u32].map(u32::to_le_bytes).concat();
        let name_length = (name.len() as u16).to_le_bytes();
        file.extend(
            [b"PK\x03\x04\x14\0\0\0\0\0\0\0\0\0", &sizes[..], &name_length, &[0; 2], name.as_bytes(), data].concat(),
        );
        directory.extend([b"PK\x01\x02\x14\0\x14\0\0\0\0\0\0\0\0\0", &sizes[..], &name_length, &[0; 12]].concat());
        directory.extend([&place.to_le_bytes()[..], name.as_bytes()].concat());
    }
    let count = (entries.len() as u16).to_le_bytes();
    let places = [directory.len() as u32, file.len() as u32].map(u32::to_le_bytes).concat();
    let end = [b"PK\x05\x06\0\0\0\0", &count[..], &count, &places, &[0; 2]].concat();
    [file, directory, end].concat()
}

fn archive(pickle: &[u8], storage: &[u8]) -> Vec<u8> {
    zip(&[("archive/data.pkl", pickle), ("archive/data/0", storage)])
}

fn text(text: &str) -> Vec<u8> {
    [b"X", &(text.len() as u32).to_le_bytes()[..], text.as_bytes()].concat()
}

fn integer(number: i64) -> Vec<u8> {
    [&[0x8A, 8], &number.to_le_bytes()[..]].concat()
}

fn tuple(numbers: &[i64]) -> Vec<u8> {
    [b"(".to_vec(), numbers.iter().flat_map(|&number| integer(number)).collect(), b"t".to_vec()].concat()
}

/// A pickle of {"a": a tensor} over the storage `key` of `count` elements.
fn of_tensor(key: &str, count: i64, offset: i64, shape: &[i64], strides: &[i64]) -> Vec<u8> {
    let storage = [b"(", &text("storage")[..], FLOAT, &text(key), &text("cpu"), &integer(count), b"tQ"].concat();
    let arguments = [b"(", &storage[..], &integer(offset), &tuple(shape), &tuple(strides), b"\x89)t"].concat();
    [b"\x80\x02}", &text("a")[..], TENSOR, &arguments, b"Rs."].concat()
}

fn values(file: &[u8]) -> Vec<f32> {
    TensorFile::parse(file, "x").unwrap().read(&["a".into()]).unwrap().remove(0)
}

#[test]
fn views_of_a_storage_are_bounded_by_it() {
    let storage: Vec<u8> = [1.0_f32, 2.0, 3.0, 4.0, 5.0, 6.0].iter().flat_map(|value| value.to_le_bytes()).collect();
    let file = |count, offset, shape: &[i64], strides: &[i64]| {
        archive(&of_tensor("0", count, offset, shape, strides), &storage)
    };
    assert_eq!(values(&file(6, 0, &[2, 3], &[3, 1])), [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
    assert_eq!(values(&file(6, 1, &[2, 2], &[1, 3])), [2.0, 5.0, 3.0, 6.0]);
    assert_eq!(values(&file(6, 5, &[], &[])), [6.0]);
    assert_eq!(values(&file(6, 4, &[3], &[0])), [5.0; 3]);
    assert!(values(&file(6, 0, &[0, 3], &[3, 1])).is_empty());
    for (count, offset, shape, strides) in [
        (6, 0, &[7][..], &[1][..]),
        (6, 5, &[2], &[1]),
        (6, 0, &[2, 3], &[4, 1]),
        (7, 0, &[1], &[1]),
        (i64::MAX, 0, &[1], &[1]),
        (6, i64::MAX, &[1], &[1]),
        (6, 0, &[1 << 40], &[0]),
        (6, 0, &[1 << 32, 1 << 32], &[0, 0]),
        (6, 0, &[2, 2], &[i64::MAX, i64::MAX]),
        (6, 0, &[i64::MAX], &[i64::MAX]),
        (6, 0, &[-1], &[1]),
        (6, -1, &[1], &[1]),
        (-1, 0, &[1], &[1]),
        (6, 0, &[2], &[1, 1]),
        (6, 0, &[1; 17], &[1; 17]),
    ] {
        let found = refusal(&file(count, offset, shape, strides));
        assert!(matches!(found, CheckpointError::Damaged(_)), "{count} {offset} {shape:?} {strides:?}: {found}");
    }
}

#[test]
fn keys_of_storages_are_names_and_never_paths() {
    let storage = [0; 8];
    for key in ["1", "../data/0", "/etc/passwd", "", "0\0", "./0", "0/"] {
        let found = refusal(&archive(&of_tensor(key, 2, 0, &[2], &[1]), &storage));
        assert!(found.to_string().contains("not there"), "{key}: {found}");
    }
}

#[test]
fn nesting_does_not_need_a_stack() {
    let within = |open: &[u8], close: &[u8], depth: usize| {
        [b"\x80\x02", &open.repeat(depth)[..], b"N", &close.repeat(depth), b"."].concat()
    };
    for pickle in [
        within(b"", b"\x85", 1_000_000),
        within(b"", b"q\x00h\x00\x86", 200_000),
        within(b"(", b"t", 1000),
        b"\x80\x02]q\x00h\x00a.".to_vec(),
        [b"\x80\x02}q\x00", &text("model")[..], b"h\x00s."].concat(),
    ] {
        let found = refusal(&archive(&pickle, &[]));
        assert_eq!(found, CheckpointError::NoTensors);
    }
    let found = refusal(&archive(&within(b"(", b"t", 100_000), &[]));
    assert!(matches!(found, CheckpointError::TooMuch { most: 1024, .. }), "{found}");
}

#[test]
fn there_is_a_most_of_everything() {
    let repeated = |bytes: &[u8], count: usize| [b"\x80\x02", &bytes.repeat(count)[..]].concat();
    let pairs = [b"\x80\x02]q\x00(", &b"NN\x86".repeat(100_000)[..], b"e"].concat();
    let dictionaries = [&pairs[..], &b"ccollections\nOrderedDict\nh\x00\x85R".repeat(100)[..]].concat();
    let keeping: Vec<u8> = (0..=1_u32 << 21).flat_map(|index| [&b"r"[..], &index.to_le_bytes()].concat()).collect();
    let memo = [&b"\x80\x02N"[..], &keeping].concat();
    for (pickle, what) in [
        (repeated(b"N", 1 << 22), "values"),
        (repeated(b"h\x00", 1 << 20), "comes back"),
        (repeated(b"\x85", 1), "take"),
        (memo, "values to come back to"),
        (dictionaries, "values"),
        ([b"\x80\x02c", &b"m".repeat(5000)[..], b"\nx\n."].concat(), "name"),
        (b"\x80\x02X\xFF\xFF\xFF\xFF".to_vec(), "bytes of a pickle"),
        (b"\x80\x02X\x00\x00\x00\x01".to_vec(), "cut off"),
        (
            repeated(&[b'X', 0, 0, 16, 0].iter().copied().chain(vec![b'a'; 1 << 20]).collect::<Vec<u8>>(), 33),
            "bytes of a pickle",
        ),
    ] {
        let found = refusal(&archive(&pickle, &[])).to_string();
        assert!(found.contains(what), "{what}: {found}");
    }
}

#[test]
fn nothing_is_executed() {
    let pickle = [b"\x80\x02}", &text("a")[..], b"cposix\nsystem\n", &text("touch executed"), b"\x85Rs."].concat();
    assert_eq!(refusal(&archive(&pickle, &[])), CheckpointError::NoTensors);
    let root = [b"\x80\x02cposix\nsystem\n", &text("touch executed")[..], b"\x85R."].concat();
    assert_eq!(refusal(&archive(&root, &[])), CheckpointError::WholeModule { class: "posix.system".into() });
    assert!(!std::path::Path::new("executed").exists());
}

#[test]
fn opcodes_of_other_writers_are_named() {
    for opcode in 0..=255_u8 {
        let pickle = [0x80, 2, opcode];
        let found = refusal(&archive(&pickle, &[]));
        let known = b"\x80(N\x88\x89KMJ\x8AGXcqrhj)\x85\x86\x87t]ae}suQR\x81b.";
        let is_known = !matches!(found, CheckpointError::Opcode { opcode: named, at: 2 } if named == opcode);
        assert_eq!(is_known, known.contains(&opcode), "{opcode:#x}: {found}");
    }
}

#[test]
fn archives_that_are_not_what_they_say() {
    let pickle = of_tensor("0", 2, 0, &[2], &[1]);
    let whole = archive(&pickle, &[0; 8]);
    assert_eq!(values(&whole), [0.0; 2]);
    let place = |pattern: &[u8]| whole.windows(pattern.len()).rposition(|bytes| bytes == pattern).unwrap();
    let edited = |at: usize, bytes: &[u8]| {
        let mut file = whole.clone();
        file[at..at + bytes.len()].copy_from_slice(bytes);
        refusal(&file).to_string()
    };
    let (entry, end) = (place(b"PK\x01\x02"), place(b"PK\x05\x06"));
    for (at, bytes, words) in [
        (entry + 10, &[8, 0][..], "compressed"),
        (entry + 8, &[1, 0], "encrypted"),
        (entry + 24, &[0xFF, 0xFF, 0xFF, 0x7F], "compressed"),
        (entry + 20, &[0xFF, 0xFF, 0xFF, 0x7F, 0xFF, 0xFF, 0xFF, 0x7F], "beyond the end"),
        (entry + 42, &[0xFF, 0xFF, 0xFF, 0x7F], "ends before"),
        (entry + 42, &[1, 0, 0, 0], "not where it should be"),
        (entry + 28, &[0xFF, 0xFF], "cut off"),
        (entry, b"PK\x01\x03", "not where it should be"),
        (end + 12, &[0xFF, 0xFF, 0xFF, 0x7F], "bytes of a zip directory"),
        (end + 16, &[0xFF, 0xFF, 0xFF, 0x7F], "ends before"),
    ] {
        let found = edited(at, bytes);
        assert!(found.contains(words), "{at} {words}: {found}");
    }
    assert_eq!(refusal(&zip(&[("readme", b"x")])), CheckpointError::Archive);
    assert_eq!(refusal(&zip(&[("a/data.pkl", &pickle), ("b/data.pkl", &pickle)])), CheckpointError::Archive);
    assert!(refusal(&zip(&[("a/data.pkl", &pickle), ("a/data.pkl", &pickle)])).to_string().contains("twice"));
    let big = zip(&[("a/data.pkl", &pickle), ("a/data/0", &[0; 8]), ("a/byteorder", b"big")]);
    assert_eq!(refusal(&big), CheckpointError::BigEndian);
}

#[test]
fn pickles_of_other_programs() {
    for pickle in [&b"\x80\x02}."[..], b"\x80\x04N.", b"\x80\x02K\x01."] {
        assert_eq!(refusal(pickle), CheckpointError::Foreign);
    }
    let legacy = std::fs::read(sample("legacy.pth")).unwrap();
    // Behind the text: the opcode that keeps it, where it is kept, and the truth.
    let order = b"little_endian";
    let at = legacy.windows(order.len()).position(|bytes| bytes == order).unwrap() + order.len() + 2;
    assert_eq!(legacy[at], 0x88);
    let mut big = legacy;
    big[at] = 0x89;
    assert_eq!(refusal(&big), CheckpointError::BigEndian);
}

/// Dictionaries as Python 2 wrote them, with their items as a list of pairs.
#[test]
fn dictionaries_of_python_2() {
    let tensor = of_tensor("0", 2, 0, &[2], &[1]);
    let tensor =
        tensor.strip_prefix(&[b"\x80\x02}", &text("a")[..]].concat()[..]).unwrap().strip_suffix(b"s.").unwrap();
    let pickle = [b"\x80\x02ccollections\nOrderedDict\n](](", &text("a")[..], tensor, b"ee\x85R."].concat();
    assert_eq!(values(&archive(&pickle, &[0, 0, 128, 63, 0, 0, 0, 64])), [1.0, 2.0]);
}

/// Samples with a byte changed or the end cut off are read or refused, and their values are those of the file.
#[test]
fn damage_anywhere() {
    let mut refused = 0;
    for name in ["zip.pth", "zip64.pth", "zip_views.pth", "legacy_views.pth", "legacy_optimiser.pth.tar"] {
        let whole = std::fs::read(sample(name)).unwrap();
        let mut read = |bytes: &[u8]| match TensorFile::parse(bytes, name) {
            Ok(file) => {
                let names: Vec<String> = file.shapes().keys().map(|name| (*name).to_owned()).collect();
                for name in names {
                    match file.read(&[name]) {
                        Ok(values) => assert!(values[0].len() <= bytes.len()),
                        Err(WeightsError::ElementType { .. }) => {}
                        Err(error) => panic!("{error}"),
                    }
                }
            }
            Err(error) => {
                refused += 1;
                assert!(error.to_string().len() < 2000, "{error}");
            }
        };
        for at in 0..whole.len() {
            read(&whole[..at]);
            for change in [0xFF, 0x01, 0x80] {
                let mut bytes = whole.clone();
                bytes[at] ^= change;
                read(&bytes);
            }
        }
    }
    assert!(refused > 10_000, "{refused}");
}
