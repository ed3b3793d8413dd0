//! Logits of neighbours, of any sizes.

use agf::{Batch, Error, Explainer};

use crate::decode::Picture;
use crate::lasting::Lasting;

/// The network's own logits of pictures, whose tensors are taken: each alone, as their sizes may differ. `explainer`
/// may be one that is asked against neighbours, with `classes` logits.
pub(super) fn own(
    explainer: &mut Lasting<Explainer>,
    pictures: &mut [Picture],
    classes: u32,
) -> Result<Vec<Vec<f32>>, Error> {
    let mut logits = Vec::with_capacity(pictures.len());
    for of_one_size in pictures.chunk_by_mut(|a, b| size(a) == size(b)) {
        let count = of_one_size.len() as u32;
        let [height, width] = of_one_size.first().map_or([0, 0], size);
        let data = of_one_size.iter_mut().flat_map(|picture| std::mem::take(&mut picture.prepared.tensor)).collect();
        // Against nothing, so that the difference is the network's own answer.
        let batch = Batch::new(count, height, width, data).against(vec![0.0; count as usize * classes as usize]);
        logits.extend(explainer.run(async |explainer| explainer.predict(&batch).await)?.0);
    }
    Ok(logits)
}

fn size(picture: &Picture) -> [u32; 2] {
    [picture.prepared.height, picture.prepared.width]
}
