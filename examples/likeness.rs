//! Which pixels of a photo are like each of several other photos? No class is used.
//!
//!     cargo run --release --example likeness -- samples/koala_macaw.jpg samples/koala.jpg samples/macaw.jpg

use agf::gpu::{Gpu, Selection};
use agf::image::{Colormap, Framing, Map, Photo, Range, overlay, prepare, write_png};
use agf::models::{Model, Reference, TEMPERATURE};
use agf::{Batch, Explainer, Method, Target};
use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    pollster::block_on(explain(&std::env::args().skip(1).collect::<Vec<_>>()))
}

async fn explain(paths: &[String]) -> Result<(), Box<dyn Error>> {
    let [path, references @ ..] = paths else { return Err("arguments are needed: PHOTO REFERENCE...".into()) };
    let gpu = Gpu::open(&Selection::default()).await?;
    let model = Model::embedded()?;
    let photo = Photo::open(path)?;
    let input = prepare(&photo, &model.input_spec(), Framing::Standard)?;

    // The network itself says in which direction each reference lies.
    let mut network = Explainer::new(&gpu, &model, Method::default());
    let mut directions = Vec::new();
    for path in references {
        let input = prepare(&Photo::open(path)?, &model.input_spec(), Framing::Standard)?;
        let (vectors, _) = network.embed(&Batch::new(1, input.height, input.width, input.tensor)).await?;
        directions.push(Reference::new(path, vectors.iter().map(Vec::as_slice))?);
    }

    // References take the place of the classes: every method explains them.
    let likeness = model.like(&directions, TEMPERATURE)?;
    let mut explainer = Explainer::new(&gpu, &likeness, Method::default());
    let targets = (0..references.len() as u32).map(Target::Class).collect();
    let batch = Batch::new(1, input.height, input.width, input.tensor);
    let (explained, _) = explainer.explain(&batch, &[targets]).await?;
    for map in &explained[0].maps {
        let (values, output) = (Map::new(&map.values, map.height, map.width)?, format!("like_{}.png", map.class));
        write_png(&output, &overlay(&photo, &values, &input.placement, Colormap::default(), Range::Auto)?)?;
        println!("{output}: like {}", likeness.labels().name(map.class));
    }
    Ok(())
}
