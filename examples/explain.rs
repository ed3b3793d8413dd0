//! A photo in, an overlay of what speaks for and against a class out.
//!
//!     cargo run --release --example explain -- samples/panda_macaw.jpg "giant panda" overlay.png

use agf::gpu::{Gpu, Selection};
use agf::image::{Colormap, Framing, Map, Photo, Range, overlay, prepare, write_png};
use agf::methods::Method;
use agf::models::Model;
use agf::{Batch, Explainer, Target};
use std::error::Error;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [photo, class, output] = &arguments[..] else {
        eprintln!("three arguments are needed: PHOTO CLASS OUTPUT.png");
        return ExitCode::FAILURE;
    };
    match pollster::block_on(explain(photo, class, output)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

async fn explain(photo: &str, class: &str, output: &str) -> Result<(), Box<dyn Error>> {
    let gpu = Gpu::open(&Selection::default()).await?;
    let model = Model::embedded()?;
    let class = model.labels().find(class)?;

    // The network sees a resized crop; `placement` remembers which part of the photo that is.
    let photo = Photo::open(photo)?;
    let input = prepare(&photo, &model.input_spec(), Framing::Standard)?;
    let batch = Batch::new(1, input.height, input.width, input.tensor);

    let mut explainer = Explainer::new(&gpu, &model, Method::default());
    let (explained, cost) = explainer.explain(&batch, &[vec![Target::Class(class)]]).await?;
    let map = &explained[0].maps[0];

    let values = Map::new(&map.values, map.height, map.width)?;
    write_png(output, &overlay(&photo, &values, &input.placement, Colormap::default(), Range::Auto)?)?;
    println!("{} in {output}, {:.0} ms on {}", model.labels().name(class), cost.gpu_ms, gpu.summary().name);
    Ok(())
}
