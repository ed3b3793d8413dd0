//! WordNet numbers, as ImageNet's folders and lists of labels name classes.

use std::collections::HashMap;
use std::sync::LazyLock;

static IDS: LazyLock<HashMap<&'static str, u32>> =
    LazyLock::new(|| include_str!("../../weights/imagenet_synsets.txt").lines().zip(0..).collect());

/// The ImageNet class with a WordNet number such as `n02510455`.
pub fn synset_class(synset: &str) -> Option<u32> {
    IDS.get(synset.trim()).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn synsets_have_the_order_of_the_classes() {
        assert_eq!(IDS.len(), 1000);
        let known = [("n01440764", Some(0)), ("n02510455", Some(388)), (" n15075141 ", Some(999)), ("n00000000", None)];
        for (synset, class) in known {
            assert_eq!(synset_class(synset), class, "{synset}");
        }
    }
}
