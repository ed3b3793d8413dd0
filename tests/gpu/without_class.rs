//! Explaining without a class: goldens of an independent implementation, alone, in a batch and with WebGPU's limits;
//! node by node against the reference; and what the library promises of references and neighbours.

use crate::common::compare::{assert_relative_l2, assert_similar};
use crate::common::goldens::{LOGITS_TOLERANCE, repository_path};
use crate::{gpu, limited_gpu, random_batch};
use agf::gpu::Gpu;
use agf::methods::{IntegratedGradients, Method, SmoothGrad};
use agf::models::{Architecture, LikenessError, Model, Precision, Reference, TEMPERATURE};
use agf::verify::verify;
use agf::{Batch, Error, Explained, Explainer, SessionShape, Target};
use pollster::block_on;
use safetensors::SafeTensors;
use std::collections::BTreeMap;

/// Logits and maps of a picture that is compared with other pictures.
struct Golden {
    model: Model,
    /// Whether it is compared with one neighbour, or with references.
    is_against: bool,
    size: u32,
    tolerances: BTreeMap<u32, f64>,
    logits: Vec<f32>,
    maps: BTreeMap<u32, Vec<f32>>,
    input: Vec<f32>,
    others: Vec<Vec<f32>>,
}

impl Golden {
    fn load(name: &str) -> Self {
        let bytes = std::fs::read(repository_path(&format!("tests/goldens/without_class/{name}.safetensors"))).unwrap();
        let (_, header) = SafeTensors::read_metadata(&bytes).unwrap();
        let metadata = header.metadata().clone().unwrap();
        let tensors = SafeTensors::deserialize(&bytes).unwrap();
        let values = |name: &str| -> Vec<f32> {
            let data = tensors.tensor(name).unwrap().data().to_vec();
            data.as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect()
        };
        let numbered = |prefix: &str| -> BTreeMap<u32, Vec<f32>> {
            let number = |name: &str| name.strip_prefix(prefix).and_then(|number| number.parse().ok());
            tensors.names().into_iter().filter_map(|name| Some((number(name)?, values(name)))).collect()
        };
        let alone: BTreeMap<u32, f64> = serde_json::from_str(&metadata["float32_against_float64"]).unwrap();
        let model = match metadata["weights"].as_str() {
            "embedded" => Model::embedded().unwrap(),
            _ => Model::synthetic(metadata["model"].parse().unwrap()).unwrap(),
        };
        Self {
            model,
            is_against: metadata["kind"] == "against",
            size: tensors.tensor("input").unwrap().shape()[2] as u32,
            tolerances: alone.into_iter().map(|(class, error)| (class, f64::max(1e-3, 10.0 * error))).collect(),
            logits: values("logits"),
            maps: numbered("heatmap."),
            input: values("input"),
            others: numbered("other.").into_values().collect(),
        }
    }

    fn batch(&self, picture: &[f32], count: usize) -> Batch {
        Batch::new(count as u32, self.size, self.size, picture.repeat(count))
    }

    fn explain(&self, gpu: &Gpu, count: usize) -> Vec<Explained> {
        let targets: Vec<Target> = self.maps.keys().map(|&class| Target::Class(class)).collect();
        let targets = vec![targets; count];
        let mut own = Explainer::new(gpu, &self.model, Method::default());
        let batch = self.batch(&self.input, count);
        if self.is_against {
            let (logits, _) = block_on(own.predict(&self.batch(&self.others[0], 1))).unwrap();
            let mut explainer = Explainer::new(gpu, &self.model.against().unwrap(), Method::default());
            return block_on(explainer.explain(&batch.against(logits[0].repeat(count)), &targets)).unwrap().0;
        }
        let others = Batch::new(self.others.len() as u32, self.size, self.size, self.others.concat());
        let (vectors, _) = block_on(own.embed(&others)).unwrap();
        let references: Vec<Reference> =
            vectors.iter().map(|vector| Reference::new("r", [vector.as_slice()]).unwrap()).collect();
        let model = self.model.like(&references, TEMPERATURE).unwrap();
        block_on(Explainer::new(gpu, &model, Method::default()).explain(&batch, &targets)).unwrap().0
    }
}

fn check(name: &str) {
    let golden = Golden::load(name);
    for (what, gpu, count) in
        [("alone", gpu(), 1), ("in a batch", gpu(), 3), ("with WebGPU's limits", limited_gpu(), 1)]
    {
        for explained in golden.explain(gpu, count) {
            // Of one reference the golden has (y, 0), whose softmax is that of (y / 2, -y / 2).
            let logits = match (golden.others.len(), &explained.logits[..]) {
                (1, &[a, b]) => vec![a - b, 0.0],
                (_, logits) => logits.to_vec(),
            };
            assert_relative_l2(&format!("{name} {what} logits"), &logits, &golden.logits, LOGITS_TOLERANCE);
            assert_eq!(explained.maps.len(), golden.maps.len());
            for map in &explained.maps {
                let title = format!("{name} {what} class {}", map.class);
                let tolerance = golden.tolerances[&map.class];
                let (l2, _) = assert_similar(&title, &map.values, &golden.maps[&map.class], tolerance);
                println!("{title}: relative L2 {l2:.1e} of {tolerance:.1e}");
            }
        }
    }
}

#[test]
fn golden_against_of_vgg11() {
    check("vgg11_64_against");
}

#[test]
fn golden_against_of_efficientnet_lite0() {
    check("efficientnet_lite0_against_panda");
}

#[test]
fn golden_like_three_of_resnet50() {
    check("resnet50_64_like_three");
}

#[test]
fn golden_like_two_of_efficientnet_lite0() {
    check("efficientnet_lite0_like_koala_macaw");
}

#[test]
fn golden_like_one_of_efficientnet_lite0() {
    check("efficientnet_lite0_like_one");
}

const SIDES: [u32; 2] = [40, 36];

fn model() -> Model {
    Model::synthetic(Architecture::TinyResNet).unwrap()
}

fn pictures(count: u32) -> Batch {
    random_batch(count, SIDES[0], SIDES[1])
}

fn references(model: &Model, batch: &Batch) -> Vec<Reference> {
    let (vectors, _) = block_on(Explainer::new(gpu(), model, Method::default()).embed(batch)).unwrap();
    let reference = |(index, vector): (usize, &Vec<f32>)| Reference::new(format!("r{index}"), [vector.as_slice()]);
    vectors.iter().enumerate().map(|vector| reference(vector).unwrap()).collect()
}

fn likeness(count: u32) -> Model {
    let model = model();
    model.like(&references(&model, &pictures(count)), TEMPERATURE).unwrap()
}

/// `pictures(2 count)` in two halves.
fn halves(count: u32) -> [Batch; 2] {
    let Batch { data, .. } = pictures(2 * count);
    let (first, second) = data.split_at(data.len() / 2);
    [first, second].map(|half| Batch::new(count, SIDES[0], SIDES[1], half.to_vec()))
}

/// Pictures with the logits of as many others.
fn against(count: u32) -> Batch {
    let [pictures, others] = halves(count);
    let (logits, _) = block_on(Explainer::new(gpu(), &model(), Method::default()).predict(&others)).unwrap();
    pictures.against(logits.concat())
}

#[test]
fn every_method_passes_verification() {
    for method in Method::ALL {
        let cases = [(likeness(1), pictures(1)), (likeness(3), pictures(2)), (model().against().unwrap(), against(2))];
        for (gpu, (model, batch)) in [gpu(), limited_gpu(), gpu()].into_iter().zip(cases) {
            let verification = block_on(verify(gpu, &model, method, &batch)).unwrap();
            let failure = verification.first_failure.map(|index| &verification.checked[index]);
            assert!(verification.passed(), "{method}: {failure:#?}, {} stray words", verification.stray_words);
        }
    }
}

#[test]
fn half_precision_passes_verification() {
    let model = model().with_precision(Precision::F16Weights).unwrap();
    let likeness = model.like(&references(&model, &pictures(3)), TEMPERATURE).unwrap();
    let verification = block_on(verify(gpu(), &likeness, &Method::default(), &pictures(2))).unwrap();
    assert!(verification.passed(), "{:?}", verification.first_failure.map(|index| &verification.checked[index]));
}

/// With variations or without, whatever the cut of batches.
#[test]
fn pictures_keep_their_neighbours_in_every_batch() {
    let path = Method::IntegratedGradients(IntegratedGradients { steps: 5, baseline: 0.0 });
    let noise = Method::SmoothGrad(SmoothGrad { samples: 3, noise: 0.2, seed: 1 });
    let batch = against(3);
    let classes = batch.neighbours.len() / 3;
    for method in [Method::default(), path, noise] {
        let mut explainer = Explainer::new(gpu(), &model().against().unwrap(), method.clone());
        explainer.set_audit(true);
        let targets = vec![vec![Target::Rank(0), Target::Class(3)]; 3];
        let (together, _) = block_on(explainer.explain(&batch, &targets)).unwrap();
        let length = batch.data.len() / 3;
        for (index, expected) in together.iter().enumerate() {
            let alone = Batch::new(1, SIDES[0], SIDES[1], batch.data[index * length..][..length].to_vec())
                .against(batch.neighbours[index * classes..][..classes].to_vec());
            let (alone, _) = block_on(explainer.explain(&alone, &targets[..1])).unwrap();
            assert!(alone[0] == *expected, "{method}: picture {index}");
        }
    }
}

#[test]
fn nothing_sets_a_picture_apart_from_itself() {
    let batch = pictures(2);
    // Of an explanation: a prediction's forward pass may take another algorithm, and its last digits are others.
    let mut explainer = Explainer::new(gpu(), &model(), Method::default());
    let (explained, _) = block_on(explainer.explain(&batch, &vec![vec![Target::Rank(0)]; 2])).unwrap();
    let logits: Vec<Vec<f32>> = explained.into_iter().map(|picture| picture.logits).collect();
    let batch = batch.against(logits.concat());
    for method in [Method::default(), Method::FullGrad, "lrp".parse().unwrap()] {
        let mut explainer = Explainer::new(gpu(), &model().against().unwrap(), method.clone());
        let (explained, _) = block_on(explainer.explain(&batch, &vec![vec![Target::Rank(0)]; 2])).unwrap();
        for picture in explained {
            assert!(picture.logits.iter().all(|logit| *logit == 0.0), "{method}");
            assert_eq!(picture.maps[0].nan_count() + picture.maps[0].infinite_count(), 0, "{method}");
            let is_zero = picture.maps[0].values.iter().all(|value| *value == 0.0);
            assert_eq!(is_zero, method != Method::FullGrad, "{method}: the gradient of a logit is not zero");
        }
    }
}

#[test]
fn neighbours_must_be_there_exactly_where_they_are_asked_for() {
    let targets = vec![vec![Target::Rank(0)]; 2];
    let refused = |model: &Model, batch: &Batch| {
        let result = block_on(Explainer::new(gpu(), model, Method::default()).explain(batch, &targets));
        let Err(error @ Error::Batch { .. }) = result else { panic!("it was not refused") };
        error.to_string()
    };
    let asked = model().against().unwrap();
    assert!(refused(&asked, &pictures(2)).contains("with 0 logits of neighbours, expected 10 for each picture"));
    assert!(refused(&asked, &pictures(2).against(vec![0.0; 19])).contains("19"));
    assert!(refused(&model(), &against(2)).contains("expected 0 for each picture"));
}

#[test]
fn vectors_are_the_same_alone_in_a_batch_and_in_a_hosts_session() {
    let batch = pictures(3);
    let mut explainer = Explainer::new(gpu(), &model(), Method::default());
    let (vectors, _) = block_on(explainer.embed(&batch)).unwrap();
    assert_eq!(vectors.iter().map(Vec::len).collect::<Vec<_>>(), [24; 3]);
    let mut host = Explainer::new(gpu(), &model().embedding().unwrap(), Method::default());
    let shape = SessionShape { count: 3, height: SIDES[0], width: SIDES[1], slots: 0 };
    let session = block_on(host.session(shape)).unwrap();
    session.write_pictures(&batch).unwrap();
    block_on(session.run()).unwrap();
    let read: Vec<Vec<f32>> = block_on(session.read()).unwrap().into_iter().map(|answer| answer.logits).collect();
    assert!(read == vectors);
    let length = batch.data.len() / 3;
    let last = Batch::new(1, SIDES[0], SIDES[1], batch.data[2 * length..].to_vec());
    assert!(block_on(explainer.embed(&last)).unwrap().0 == vectors[2..]);
    // Networks that are asked something have the vectors of the network itself.
    let mut asked = Explainer::new(gpu(), &likeness(2), Method::default());
    assert!(block_on(asked.embed(&batch)).unwrap().0 == vectors);
}

#[test]
fn one_plan_serves_every_set_of_references() {
    let [first, second] = halves(2).map(|batch| references(&model(), &batch));
    let batch = pictures(2);
    let targets = vec![vec![Target::Class(0), Target::Class(1)]; 2];
    for method in [Method::default(), "lrp-ab".parse().unwrap()] {
        let likeness = model().like(&first, TEMPERATURE).unwrap();
        let mut explainer = Explainer::new(gpu(), &likeness, method.clone());
        let (before, _) = block_on(explainer.explain(&batch, &targets)).unwrap();
        let shape = SessionShape { count: 2, height: SIDES[0], width: SIDES[1], slots: 2 };
        let session = block_on(explainer.session(shape)).unwrap();
        explainer.set_references(&second, TEMPERATURE).unwrap();
        let (after, _) = block_on(explainer.explain(&batch, &targets)).unwrap();
        let fresh = model().like(&second, TEMPERATURE).unwrap();
        let (expected, _) = block_on(Explainer::new(gpu(), &fresh, method).explain(&batch, &targets)).unwrap();
        assert!(after == expected && after != before);
        let again = block_on(explainer.session(shape)).unwrap();
        let buffers = [&session, &again].map(|session| session.map(0).unwrap().buffer);
        assert!(std::ptr::eq(buffers[0], buffers[1]), "a plan was made");
        let error = explainer.set_references(&second[..1], TEMPERATURE).unwrap_err();
        assert!(matches!(error, Error::Likeness(LikenessError::Count { found: 1, wanted: 2 })));
    }
}

/// A host that has its pictures on the GPU writes the neighbours alone.
#[test]
fn a_hosts_session_takes_neighbours() {
    let batch = against(2);
    let mut explainer = Explainer::new(gpu(), &model().against().unwrap(), Method::default());
    let targets = vec![vec![Target::Rank(0)]; 2];
    let (expected, _) = block_on(explainer.explain(&batch, &targets)).unwrap();
    let shape = SessionShape { count: 2, height: SIDES[0], width: SIDES[1], slots: 1 };
    let session = block_on(explainer.session(shape)).unwrap();
    let reversed: Vec<f32> = batch.neighbours.rchunks(10).flatten().copied().collect();
    let run = |neighbours: &[f32]| {
        session.write_pictures(&batch).unwrap();
        session.write_targets(0, &[Target::Rank(0); 2]).unwrap();
        session.write_neighbours(neighbours).unwrap();
        block_on(session.run()).unwrap();
        block_on(session.read()).unwrap()
    };
    assert!(run(&reversed) != expected);
    assert!(run(&batch.neighbours) == expected);
    assert!(session.write_neighbours(&[0.0; 3]).is_err());
    let mut plain = Explainer::new(gpu(), &model(), Method::default());
    assert!(matches!(block_on(plain.session(shape)).unwrap().write_neighbours(&[]), Err(Error::Batch { .. })));
}
