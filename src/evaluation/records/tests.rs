use super::*;

#[test]
fn shards_share_all_pictures() {
    for (total, count) in [(0, 1), (1, 3), (7, 3), (9, 3), (10, 4)] {
        let of_shard = |index| {
            let shard = Shard { index, count };
            (0..shard.len(total)).map(move |number| shard.position(number))
        };
        let mut positions: Vec<u64> = (1..=count).flat_map(of_shard).collect();
        positions.sort_unstable();
        assert_eq!(positions, (0..total).collect::<Vec<u64>>(), "{total} in {count}");
    }
}

#[test]
fn all_shards_are_merged_or_none() {
    let root = tempfile::tempdir().unwrap();
    let settings = serde_json::json!({"pictures": 0}).as_object().cloned().unwrap_or_default();
    let folder = |name: &str, index, count| {
        let folder = root.path().join(name);
        std::fs::create_dir(&folder).unwrap();
        RecordFile::open(&folder, &settings, Shard { index, count }).map(drop).unwrap();
        folder
    };
    let [first, second, again] = [folder("a", 1, 2), folder("b", 2, 2), folder("c", 2, 2)];
    let other = folder("d", 2, 3);
    let out = root.path().join("out");
    for (folders, words) in [
        (vec![], "no folders"),
        (vec![second.clone()], "shards are missing: 1/2"),
        (vec![first.clone(), second.clone(), again], "are the same shard, 2/2"),
        (vec![first.clone(), other], "is one of 3 shards, others of 2"),
    ] {
        let error = merge(&folders, &out).unwrap_err().to_string();
        assert!(error.contains(words) && !out.exists(), "{words}: {error}");
    }
    merge(&[second, first], &out).unwrap();
    assert_eq!(RecordReader::open(&out).unwrap().settings(), &settings);
}

/// The record of a picture: a failed one where its number divides by three.
fn record(index: u64) -> Record {
    let error = index.is_multiple_of(3).then(|| "no photo".to_owned());
    let scores = Scores::from([("share".to_owned(), vec![index as f64 / 7.0, -0.1])]);
    let results = BTreeMap::from([("agf".to_owned(), scores)]);
    let results = if error.is_some() { BTreeMap::new() } else { results };
    Record { index, item: format!("{index}.jpg"), content: format!("{index:016x}"), error, results }
}

fn settings(pictures: u64) -> Settings {
    serde_json::json!({ "pictures": pictures, "seed": 7 }).as_object().cloned().unwrap_or_default()
}

fn bytes(folder: &Path) -> Vec<u8> {
    std::fs::read(folder.join(FILE)).unwrap()
}

#[test]
fn a_run_goes_on_where_another_ended() {
    let root = tempfile::tempdir().unwrap();
    let (settings, records): (_, Vec<Record>) = (settings(5), (0..5).map(record).collect());
    let whole = {
        let mut file = RecordFile::open(root.path(), &settings, Shard::WHOLE).unwrap();
        file.append(&records).unwrap();
        assert_eq!((file.done(), file.contents()[4].as_str()), (5, "0000000000000004"));
        bytes(root.path())
    };
    let ends: Vec<usize> = (0..whole.len()).filter(|&at| whole[at] == b'\n').map(|at| at + 1).collect();
    assert_eq!((ends.len(), ends[5]), (6, whole.len()));
    // A file that was cut anywhere, as by a killed run.
    for cut in 0..=whole.len() {
        std::fs::write(root.path().join(FILE), &whole[..cut]).unwrap();
        let mut file = RecordFile::open(root.path(), &settings, Shard::WHOLE).unwrap();
        let done = ends.iter().filter(|&&end| end <= cut).count().saturating_sub(1);
        assert_eq!(file.done(), done as u64, "{cut}");
        assert!(file.contents().iter().zip(&records).all(|(content, record)| *content == record.content));
        file.append(&records[done..]).unwrap();
        assert!(bytes(root.path()) == whole, "{cut}");
    }
}

#[test]
fn records_of_others_are_not_touched() {
    let root = tempfile::tempdir().unwrap();
    let open = |settings: &Settings| RecordFile::open(root.path(), settings, Shard::WHOLE).map(drop);
    RecordFile::open(root.path(), &settings(5), Shard::WHOLE).unwrap().append(&[record(0), record(2)]).unwrap();
    let before = bytes(root.path());
    let error = open(&settings(6)).unwrap_err().to_string();
    assert!(error.contains("pictures is 5 there and 6 now") && !error.contains("seed"), "{error}");
    let long = serde_json::json!({ "pictures": 5, "seed": "x".repeat(300) }).as_object().cloned().unwrap();
    let error = open(&long).unwrap_err().to_string();
    assert!(error.contains("seed is 7 there") && error.contains("xxx...") && error.len() < 700, "{}", error.len());
    let error = open(&settings(5)).unwrap_err().to_string();
    assert!(error.contains("line 3") && error.contains("picture 2 where 1 comes next"), "{error}");
    assert!(bytes(root.path()) == before);
    std::fs::write(root.path().join(FILE), "no records").unwrap();
    assert!(matches!(open(&settings(5)), Err(RecordError::Foreign { .. })));
    assert!(bytes(root.path()) == b"no records");
}

#[test]
fn merged_records_are_those_of_one_run() {
    let root = tempfile::tempdir().unwrap();
    let write = |name: &str, shard: Shard, numbers: std::ops::Range<u64>| {
        let folder = root.path().join(name);
        std::fs::create_dir_all(&folder).unwrap();
        let records: Vec<Record> = numbers.map(|number| record(shard.position(number))).collect();
        RecordFile::open(&folder, &settings(7), shard).unwrap().append(&records).unwrap();
        folder
    };
    let whole = write("whole", Shard::WHOLE, 0..7);
    let shards = [3, 1, 2].map(|index| {
        let shard = Shard { index, count: 3 };
        write(&index.to_string(), shard, 0..shard.len(7) - u64::from(index == 2))
    });
    let out = root.path().join("out");
    let error = merge(&shards, &out).unwrap_err().to_string();
    assert!(error.contains("has 1 of 2 pictures; let its run end first"), "{error}");
    assert!(!out.join(FILE).exists());
    write("2", Shard { index: 2, count: 3 }, 1..2);
    merge(&shards, &out).unwrap();
    assert!(bytes(&out) == bytes(&whole));
    let mut reader = RecordReader::open(&out).unwrap();
    for index in 0..7 {
        assert_eq!(reader.next_record().unwrap(), Some(record(index)));
    }
    assert_eq!(reader.next_record().unwrap(), None);
    let error = merge(std::slice::from_ref(&out), &out).unwrap_err().to_string();
    assert!(error.contains("is the output folder"), "{error}");
}
