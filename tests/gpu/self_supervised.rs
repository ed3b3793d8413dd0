//! A network that was trained without labels is explained: tests/self_supervised/, made by tools/self_supervised.py. It
//! was told by which angle pictures were turned, and only the object on them says so; its maps must lie there.

use crate::common::goldens::repository_path;
use crate::gpu;
use agf::image::{Framing, LabelMap, Photo, prepare};
use agf::methods::Method;
use agf::models::{Architecture, Labels, Model, Reference, TEMPERATURE};
use agf::nearest::Directions;
use agf::{Batch, Explainer, Map, Target};
use pollster::block_on;

const SIDE: u32 = 64;
const KINDS: [&str; 4] = ["house", "fir", "flag", "mug"];

fn model(name: &str) -> Model {
    let path = |ending: &str| repository_path(&format!("tests/self_supervised/{name}.{ending}"));
    let model = Model::open(Architecture::TinyResNet, &path("safetensors")).unwrap();
    model.with_labels(Labels::open(&path("txt")).unwrap()).unwrap()
}

/// Two pictures of each kind, kind after kind, and the places of their objects.
fn pictures(model: &Model) -> (Batch, Vec<Vec<bool>>) {
    let (mut data, mut masks) = (Vec::new(), Vec::new());
    let names = KINDS.iter().flat_map(|kind| [1, 2].map(|number| format!("{kind}{number}")));
    for name in names {
        let path = |ending: &str| repository_path(&format!("tests/self_supervised/{name}{ending}.png"));
        let photo = Photo::open(path("")).unwrap();
        data.extend(prepare(&photo, &model.input_spec(), Framing::Native).unwrap().tensor);
        let mask = std::fs::read(path("_mask")).unwrap();
        masks.push(LabelMap::from_bytes(&mask, &name).unwrap().values.iter().map(|value| *value == 1).collect());
    }
    (Batch::new(masks.len() as u32, SIDE, SIDE, data), masks)
}

/// How much of the positive part of a map lies on the object, over how much of the picture it takes.
fn concentration(map: &Map, mask: &[bool]) -> f64 {
    let positive = |value: &f32| f64::from(value.max(0.0));
    let on = map.values.iter().zip(mask).filter(|(_, is_object)| **is_object).map(|(value, _)| positive(value));
    let share = on.sum::<f64>() / map.values.iter().map(positive).sum::<f64>();
    share / (mask.iter().filter(|is_object| **is_object).count() as f64 / mask.len() as f64)
}

fn check(name: &str, class_of: impl Fn(usize) -> u32) {
    let model = model(name);
    let (batch, masks) = pictures(&model);
    let targets: Vec<Vec<Target>> = (0..masks.len()).map(|index| vec![Target::Class(class_of(index))]).collect();
    let (explained, _) = block_on(Explainer::new(gpu(), &model, Method::default()).explain(&batch, &targets)).unwrap();
    let mut total = 0.0;
    for (index, (picture, mask)) in explained.iter().zip(&masks).enumerate() {
        let best = Target::Rank(0);
        assert_eq!(best_class(&picture.logits), class_of(index), "{name}: picture {index}, {best:?}");
        let concentration = concentration(&picture.maps[0], mask);
        println!("{name}: picture {index}: {concentration:.2} times as much on the object as by chance");
        total += concentration;
    }
    let mean = total / masks.len() as f64;
    assert!(mean > 2.0, "{name}: {mean}");
}

fn best_class(logits: &[f32]) -> u32 {
    (0..).zip(logits).max_by(|a, b| a.1.total_cmp(b.1)).map_or(0, |(class, _)| class)
}

/// Every picture is upright.
#[test]
fn a_network_that_learned_rotations_looks_at_objects() {
    check("rotation", |_| 0);
}

#[test]
fn so_does_the_supervised_network_beside_it() {
    check("supervised", |index| index as u32 / 2);
}

/// What it learned tells kinds of objects apart, of which nobody told it: likeness and nearest neighbours are
/// explained.
#[test]
fn its_vectors_are_compared() {
    let model = model("rotation");
    let (batch, masks) = pictures(&model);
    let mut explainer = Explainer::new(gpu(), &model, Method::default());
    let (vectors, _) = block_on(explainer.embed(&batch)).unwrap();
    let (logits, _) = block_on(explainer.predict(&batch)).unwrap();
    let mut directions = Directions::new(vectors[0].len());
    assert!(vectors.iter().all(|vector| directions.push(vector)));
    let nearest = |index: usize| directions.nearest(&vectors[index], 1, |other| other != index)[0].index;
    let neighbours: Vec<f32> = (0..masks.len()).flat_map(|index| logits[nearest(index)].clone()).collect();
    let mut against = Explainer::new(gpu(), &model.against().unwrap(), Method::default());
    let targets = vec![vec![Target::Rank(0)]; masks.len()];
    let (explained, _) = block_on(against.explain(&batch.clone().against(neighbours), &targets)).unwrap();
    assert!(explained.iter().all(|picture| picture.maps[0].values.iter().any(|value| *value != 0.0)));

    let reference = |index: usize| Reference::new(KINDS[index / 2], [vectors[index].as_slice()]).unwrap();
    let likeness = model.like(&[0, 2, 4, 6].map(reference), TEMPERATURE).unwrap();
    let (explained, _) =
        block_on(Explainer::new(gpu(), &likeness, Method::default()).explain(&batch, &targets)).unwrap();
    for (index, picture) in explained.iter().enumerate().step_by(2) {
        assert_eq!(picture.maps[0].class as usize, index / 2, "a picture is most like itself");
        assert!(concentration(&picture.maps[0], &masks[index]) > 1.0, "picture {index}");
    }
}
