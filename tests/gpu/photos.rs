//! The embedded model on the sample photos: what it sees, and that a class's map lies in the class's half of a
//! two-class photo.

use crate::common::goldens::repository_path;
use crate::gpu;
use agf::image::{Framing, Map, Photo, Placement, prepare};
use agf::methods::agf::Ablations;
use agf::models::Model;
use agf::{Batch, Explainer, Target};

fn load(model: &Model, name: &str) -> (Batch, Placement) {
    let photo = Photo::open(repository_path(&format!("samples/{name}.jpg"))).unwrap();
    let prepared = prepare(&photo, &model.input_spec(), Framing::Standard).unwrap();
    let batch = Batch::new(1, prepared.height, prepared.width, prepared.tensor);
    (batch, prepared.placement)
}

#[test]
fn photos_are_named_correctly() {
    let model = Model::embedded().unwrap();
    let mut explainer = Explainer::new(gpu(), &model, Ablations::default());
    let expected: [(&str, &[usize]); 6] = [
        ("panda", &[388]),
        ("macaw", &[88]),
        ("koala", &[105]),
        ("espresso", &[967]),
        ("tabby_cat", &[281, 282, 285]),
        ("german_shepherd", &[235]),
    ];
    for (name, classes) in expected {
        let (batch, _) = load(&model, name);
        let (logits, _) = pollster::block_on(explainer.predict(&batch)).unwrap();
        let best = (0..logits[0].len()).max_by(|&a, &b| logits[0][a].total_cmp(&logits[0][b])).unwrap();
        assert!(classes.contains(&best), "{name} is taken for {best}, {}", model.labels().name(best as u32));
    }
}

#[test]
fn maps_lie_in_the_half_of_their_class() {
    let model = Model::embedded().unwrap();
    let mut explainer = Explainer::new(gpu(), &model, Ablations::default());
    let photos = [
        ("panda_macaw", [388, 88]),
        ("bison_polarbear", [347, 296]),
        ("koala_macaw", [105, 88]),
        ("shepherd_chelsea", [235, 281]),
    ];
    for (name, classes) in photos {
        let (batch, placement) = load(&model, name);
        let mask = image::open(repository_path(&format!("samples/{name}_mask.png"))).unwrap().to_luma8();
        let targets = vec![classes.map(Target::Class).to_vec()];
        let (explained, _) = pollster::block_on(explainer.explain(&batch, &targets)).unwrap();
        for (half, map) in (1..).zip(&explained[0].maps) {
            let on_photo = placement.to_photo(&Map::new(&map.values, map.height, map.width).unwrap());
            let (mut inside, mut all) = (0.0, 0.0);
            for (x, y, pixel) in mask.enumerate_pixels() {
                let value = f64::from(on_photo.get(x, y).unwrap_or(0.0).max(0.0));
                all += value;
                inside += if pixel.0[0] == half { value } else { 0.0 };
            }
            let share = inside / all;
            println!("{name} class {}: {:.2} % in its half", map.class, 100.0 * share);
            assert!(share >= 0.98, "{name} class {}: only {share} of the positive part is in its half", map.class);
        }
    }
}
