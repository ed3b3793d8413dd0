//! Grid-pointing (Böhle, Fritz, Schiele, CVPR 2021): mosaics of photos of different classes. Of each class's map, how
//! much of the positive part lies in the class's cell?

use super::Scores;
use super::bench::{Bench, Round};
use super::dataset::Item;
use crate::error::Error;
use crate::random::philox;

/// The share of each cell's class in its cell.
pub(super) const SERIES: &str = "share in the cell";

pub(super) async fn evaluate(
    bench: &mut Bench,
    round: &Round<'_>,
    [rows, columns]: [u32; 2],
) -> Result<Vec<Scores>, Error> {
    let (height, width) = (bench.height / rows, bench.width / columns);
    let explained = bench.explain(round.samples).await?;
    let scores = explained.iter().map(|picture| {
        let maps = (0..).zip(&picture.maps);
        let shares = maps.map(|(cell, map)| share(&map.values, width, height, columns, cell)).collect();
        Scores::from([(SERIES.to_owned(), shares)])
    });
    Ok(scores.collect())
}

/// The share of a map's positive part that lies in a cell; 0 where nothing is positive.
fn share(map: &[f32], cell_width: u32, cell_height: u32, columns: u32, cell: u32) -> f64 {
    let width = cell_width * columns;
    let (mut inside, mut all) = (0.0, 0.0);
    for (pixel, &value) in (0..).zip(map) {
        let positive = f64::from(value.max(0.0));
        let of_cell = pixel / width / cell_height * columns + pixel % width / cell_width;
        all += positive;
        inside += if of_cell == cell { positive } else { 0.0 };
    }
    let share = inside / all;
    if share.is_finite() { share } else { 0.0 }
}

/// `count` mosaics: indices of items of different classes each, for rows and columns of cells. Items are dealt in
/// shuffled rounds, so that all appear about equally often. Empty where there are too few classes.
pub fn mosaics(items: &[Item], cells: [u32; 2], count: u32, seed: u64) -> Vec<Vec<usize>> {
    let usable: Vec<usize> = (0..items.len()).filter(|&index| items[index].classes.len() == 1).collect();
    let classes: std::collections::HashSet<u32> = usable.iter().map(|&index| items[index].classes[0]).collect();
    let size = cells[0] as usize * cells[1] as usize;
    let mut mosaics = Vec::new();
    if classes.len() < size {
        return mosaics;
    }
    let mut deck: Vec<usize> = Vec::new();
    let mut rounds = 0;
    while mosaics.len() < count as usize {
        let mut mosaic: Vec<usize> = Vec::with_capacity(size);
        while mosaic.len() < size {
            let is_new = |index: &usize| mosaic.iter().all(|&other| items[other].classes != items[*index].classes);
            match deck.iter().position(is_new) {
                Some(position) => mosaic.push(deck.remove(position)),
                None => {
                    deck.extend(shuffled(&usable, seed, rounds));
                    rounds += 1;
                }
            }
        }
        mosaics.push(mosaic);
    }
    mosaics
}

/// The items in an order that depends on seed and round.
fn shuffled(items: &[usize], seed: u64, round: u32) -> Vec<usize> {
    let key = [seed as u32, (seed >> 32) as u32];
    let mut order: Vec<(u32, usize)> =
        (0..).zip(items).map(|(at, &item)| (philox([at, round, 0, 1], key)[0], item)).collect();
    order.sort_unstable();
    order.into_iter().map(|(_, item)| item).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_of_the_positive_part() {
        // 2 x 2 cells of 1 x 2 pixels (height x width).
        let map = [1.0, -5.0, 2.0, 1.0, 0.0, 4.0, -1.0, 0.0];
        let shares: Vec<f64> = (0..4).map(|cell| share(&map, 2, 1, 2, cell)).collect();
        assert_eq!(shares, [0.125, 0.375, 0.5, 0.0]);
        // 1 x 2 cells of 2 x 2 pixels.
        assert_eq!([0, 1].map(|cell| share(&map, 2, 2, 2, cell)), [0.625, 0.375]);
        // 1 x 3 cells of 1 x 3 pixels, and of 2 x 1.
        let map = [1.0, 0.0, 0.0, 2.0, 0.0, 1.0, 0.0, 3.0, 1.0];
        assert_eq!([0, 1, 2].map(|cell| share(&map, 3, 1, 3, cell)), [0.125, 0.375, 0.5]);
        assert_eq!([0, 1, 2].map(|cell| share(&map[..6], 1, 2, 3, cell)), [0.75, 0.0, 0.25]);
        assert_eq!(share(&[-1.0; 8], 2, 1, 2, 0), 0.0);
        assert_eq!(share(&[f32::NAN; 8], 2, 1, 2, 0), 0.0);
    }

    #[test]
    fn mosaics_have_different_classes_and_use_all_photos() {
        let item = |class: u32| Item { name: String::new(), photo: "x".into(), classes: vec![class], mask: None };
        let mut items: Vec<Item> = [0, 0, 0, 1, 2, 3, 4, 4].map(item).to_vec();
        items.push(Item { classes: Vec::new(), ..item(0) });
        let found = mosaics(&items, [2, 2], 16, 7);
        assert_eq!(found.len(), 16);
        assert_eq!(found, mosaics(&items, [2, 2], 16, 7));
        for seed in [8, 7 | 1 << 32] {
            assert_ne!(found, mosaics(&items, [2, 2], 16, seed), "{seed}");
        }
        let alone = mosaics(&items, [1, 1], 16, 7);
        assert_ne!(alone[..8], alone[8..], "two rounds");
        assert_eq!(mosaics(&items, [1, 5], 2, 7).len(), 2, "as many cells as classes");
        let mut uses = vec![0; items.len()];
        for mosaic in &found {
            let mut classes: Vec<u32> = mosaic.iter().map(|&index| items[index].classes[0]).collect();
            classes.sort_unstable();
            classes.dedup();
            assert_eq!(classes.len(), 4, "{mosaic:?}");
            mosaic.iter().for_each(|&index| uses[index] += 1);
        }
        assert!(uses[..8].iter().all(|&uses| uses >= 4) && uses[8] == 0, "{uses:?}");
        assert!(mosaics(&items, [3, 3], 1, 7).is_empty());
        assert!(mosaics(&items, [1, 2], 3, 7).iter().all(|mosaic| mosaic.len() == 2));
    }
}
