//! Likeness in the place of classes: a sample is asked how like each of its references it is, and no class is used.

use super::dataset::Item;
use super::sample::Sample;
use crate::error::Error;
use crate::explainer::Explainer;
use crate::gpu::Gpu;
use crate::map::Explained;
use crate::methods::Method;
use crate::models::{Model, Reference, TEMPERATURE};
use crate::{Batch, Target};

/// Where the references of a sample come from, one for each of its classes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Likeness {
    /// The photos themselves that a mosaic is made of.
    Own,
    /// Another photo of each class.
    Other,
}

impl Likeness {
    /// The name on the command line and in records.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Own => "own",
            Self::Other => "other",
        }
    }
}

/// For each item another photo of each of its classes, which shows that class alone: the next one in their order.
/// `None` where a class has none, and for items without a class.
pub fn others(items: &[Item]) -> Vec<Option<Vec<usize>>> {
    let other = |index: usize, class: u32| {
        let after = (index + 1..items.len()).chain(0..index);
        after.into_iter().find(|&other| items[other].classes == [class])
    };
    let of_item = |(index, item): (usize, &Item)| {
        let others: Option<Vec<usize>> = item.classes.iter().map(|&class| other(index, class)).collect();
        others.filter(|others| !others.is_empty())
    };
    items.iter().enumerate().map(of_item).collect()
}

/// A network that is asked for likeness.
pub(super) struct Asked {
    gpu: Gpu,
    embedder: Explainer,
    model: Model,
    /// The network with references in the end, and how many.
    likeness: Option<(usize, Explainer)>,
    /// Rows and columns of references.
    size: [u32; 2],
}

impl Asked {
    /// For references of this many rows and columns.
    pub fn new(gpu: &Gpu, model: &Model, size: [u32; 2]) -> Self {
        let embedder = Explainer::new(gpu, model, Method::default());
        Self { gpu: gpu.clone(), embedder, model: model.clone(), likeness: None, size }
    }

    /// Asked on another device.
    pub fn on(self, gpu: &Gpu) -> Self {
        Self::new(gpu, &self.model, self.size)
    }

    /// Explains how like each of its references a sample of `height` x `width` is, reference by reference.
    pub async fn explain(
        &mut self,
        method: &Method,
        sample: &Sample,
        [height, width]: [u32; 2],
    ) -> Result<Explained, Error> {
        let count = sample.references.len();
        let [rows, columns] = self.size;
        let references = Batch::new(count as u32, rows, columns, sample.references.concat());
        let (vectors, _) = self.embedder.embed(&references).await?;
        let reference = |(index, vector): (usize, &Vec<f32>)| Reference::new(index.to_string(), [vector.as_slice()]);
        let references: Vec<Reference> = vectors.iter().enumerate().map(reference).collect::<Result<_, _>>()?;
        let explainer = match &mut self.likeness {
            Some((known, explainer)) if *known == count => {
                explainer.set_references(&references, TEMPERATURE)?;
                explainer
            }
            other => {
                let model = self.model.like(&references, TEMPERATURE)?;
                &mut other.insert((count, Explainer::new(&self.gpu, &model, method.clone()))).1
            }
        };
        explainer.set_method(method.clone());
        let batch = Batch::new(1, height, width, sample.tensor.clone());
        let targets = vec![(0..count as u32).map(Target::Class).collect()];
        let (explained, _) = explainer.explain(&batch, &targets).await?;
        Ok(explained.into_iter().next().unwrap_or(Explained { logits: Vec::new(), maps: Vec::new() }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_other_photos_of_the_class_alone() {
        let item =
            |classes: &[u32]| Item { name: String::new(), photo: "x".into(), classes: classes.to_vec(), mask: None };
        let items = [&[1][..], &[2], &[1, 2], &[1], &[3], &[]].map(item);
        let expected = [Some(vec![3]), None, Some(vec![3, 1]), Some(vec![0]), None, None];
        assert_eq!(others(&items), expected);
    }
}
