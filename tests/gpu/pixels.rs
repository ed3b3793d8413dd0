//! Ranking and masking on the GPU against the same written down plainly, with fresh random maps: ties, zeros of both
//! signs, NaN.

use crate::common::random::Random;
use crate::common::read_back;
use crate::{gpu, limited_gpu, random_batch};
use agf::evaluation::pixels::{Copy, Pixels, Place, Rule};
use agf::gpu::Gpu;
use agf::models::{Architecture, Model};
use agf::{Error, Explainer, Session, SessionShape, Target};

/// NaN below everything, the two zeros equal.
fn order(value: f32) -> f64 {
    if value.is_nan() { f64::NEG_INFINITY } else { f64::from(value).max(-1e300) + 0.0 }
}

fn expected_places(map: &[f32]) -> Vec<Place> {
    let count = |is_counted: &dyn Fn(usize) -> bool| (0..map.len()).filter(|&other| is_counted(other)).count() as u32;
    let place = |pixel: usize| {
        let own = order(map[pixel]);
        let value = |other: usize| order(map[other]);
        let before = count(&|other| value(other) == own && other < pixel);
        Place {
            from_lowest: count(&|other| value(other) < own) + before,
            from_highest: count(&|other| value(other) > own) + before,
            lower: count(&|other| value(other) < own),
            equal: count(&|other| value(other) == own),
        }
    };
    (0..map.len()).map(place).collect()
}

/// Maps of every kind: all different, many ties, odd values, constant.
fn maps(random: &mut Random, pixels: usize) -> Vec<Vec<f32>> {
    let as_f32 = |values: Vec<f64>, factor: f64| values.into_iter().map(|value| (value * factor) as f32).collect();
    let spread: Vec<f32> = as_f32(random.values(pixels), 1e-3);
    let coarse: Vec<f32> = as_f32(random.coarse(pixels), 2.0);
    let odd =
        [f32::NAN, -f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 0.0, -0.0, 1e-42, -1e-42, f32::MAX, f32::MIN, 1.0];
    let mixed = (0..pixels).map(|_| odd[random.uniform(0.0, odd.len() as f64) as usize]).collect();
    vec![spread, coarse, mixed, vec![-3.5; pixels]]
}

fn is_range(map: &[f32], range: [f32; 2]) -> bool {
    let ascending = |a: &&f32, b: &&f32| order(**a).total_cmp(&order(**b));
    let ends = [map.iter().min_by(ascending), map.iter().max_by(ascending)];
    ends.into_iter().zip(range).all(|(end, found)| end.is_some_and(|&end| order(end) == order(found)))
}

fn load_and_rank(pixels: &Pixels, maps: &[&[f32]]) {
    pollster::block_on(pixels.load_maps(maps)).unwrap();
    pollster::block_on(pixels.rank(maps.len() as u32)).unwrap();
}

#[test]
fn places_of_pixels_are_those_of_a_stable_sort() {
    let mut random = Random::new();
    for gpu in [gpu(), limited_gpu()] {
        for (height, width) in [(1, 1), (3, 5), (16, 64), (37, 41)] {
            let maps = maps(&mut random, height as usize * width as usize);
            let pixels = pollster::block_on(Pixels::new(gpu, height, width, 5)).unwrap();
            let views: Vec<&[f32]> = maps.iter().map(Vec::as_slice).collect();
            load_and_rank(&pixels, &views);
            let places = pollster::block_on(pixels.places(4)).unwrap();
            assert_eq!(places.len(), 4);
            let ranges = pollster::block_on(pixels.ranges(4)).unwrap();
            assert!(maps.iter().zip(&ranges).all(|(map, range)| is_range(map, *range)), "{maps:?} {ranges:?}");
            for (index, (map, places)) in maps.iter().zip(&places).enumerate() {
                assert!(*places == expected_places(map), "{height}x{width}, map {index}: {map:?} {places:?}");
            }
        }
    }
}

/// A large map, against the standard library's stable sort.
#[test]
fn a_large_map_is_ranked_as_by_the_standard_library() {
    let (height, width) = (224, 224);
    let mut random = Random::new();
    let mut map: Vec<f32> = random.values(height * width).into_iter().map(|value| value as f32).collect();
    map.iter_mut().step_by(3).for_each(|value| *value = 0.0);
    let mut ascending: Vec<usize> = (0..map.len()).collect();
    ascending.sort_by(|&a, &b| map[a].total_cmp(&map[b]));
    let mut descending: Vec<usize> = (0..map.len()).collect();
    descending.sort_by(|&a, &b| map[b].total_cmp(&map[a]));
    let pixels = pollster::block_on(Pixels::new(gpu(), 224, 224, 1)).unwrap();
    load_and_rank(&pixels, &[&map]);
    let places = &pollster::block_on(pixels.places(1)).unwrap()[0];
    for (place, (&low, &high)) in ascending.iter().zip(&descending).enumerate() {
        assert_eq!(places[low].from_lowest as usize, place);
        assert_eq!(places[high].from_highest as usize, place);
    }
}

/// What a session explained is copied as it is, to where it is asked for.
#[test]
fn maps_are_copied_from_a_session() {
    let (height, width) = (33, 36);
    let model = Model::synthetic(Architecture::TinyVgg).unwrap();
    for gpu in [gpu(), limited_gpu()] {
        let pixels = pollster::block_on(Pixels::new(gpu, height, width, 4)).unwrap();
        let mut explainer = Explainer::new(gpu, &model, agf::methods::Method::default());
        let shape = SessionShape { count: 2, height, width, slots: 2 };
        let session = pollster::block_on(explainer.session(shape)).unwrap();
        session.write_pictures(&random_batch(2, height, width)).unwrap();
        (0..2).for_each(|slot| session.write_targets(slot, &[Target::Rank(slot), Target::Rank(3)]).unwrap());
        pollster::block_on(session.run()).unwrap();
        let explained = pollster::block_on(session.read()).unwrap();
        let logits: Vec<&Vec<f32>> = explained.iter().map(|picture| &picture.logits).collect();
        assert_eq!(pollster::block_on(session.read_logits()).unwrap().iter().collect::<Vec<_>>(), logits);
        for (slot, first) in [(1, 2), (0, 0)] {
            pollster::block_on(pixels.copy_maps(&session, slot, first)).unwrap();
        }
        let expected = [0, 1].map(|slot| [0, 1].map(|picture: usize| explained[picture].maps[slot].values.clone()));
        assert_eq!(pollster::block_on(pixels.maps(4)).unwrap(), expected.concat());
        pollster::block_on(pixels.rank(4)).unwrap();
        let places = pollster::block_on(pixels.places(4)).unwrap();
        assert_eq!(places, expected.concat().iter().map(|map| expected_places(map)).collect::<Vec<_>>());

        let refused = |slot, first| pollster::block_on(pixels.copy_maps(&session, slot, first)).unwrap_err();
        assert!(matches!(refused(2, 0), Error::Slot { slot: 2, slots: 2 }));
        assert!(matches!(refused(0, 3), Error::Batch { .. }));
        let smaller = pollster::block_on(Pixels::new(gpu, height, width - 1, 4)).unwrap();
        assert!(matches!(pollster::block_on(smaller.copy_maps(&session, 0, 0)), Err(Error::Batch { .. })));
    }
}

/// The session's input: `[pictures][pixels]` of four values.
fn input_of(gpu: &Gpu, session: &Session) -> Vec<f32> {
    let input = session.input().unwrap();
    read_back(gpu, input.buffer, input.offset, input.bytes)
}

/// What a copy's pixel must be: the picture's or the replacement's.
fn is_replaced(place: &Place, rule: Rule) -> bool {
    match rule {
        Rule::Whole => false,
        Rule::Lowest(count) => place.from_lowest < count,
        Rule::Highest(count) => place.from_highest < count,
        Rule::AllButHighest(count) => place.from_highest >= count,
    }
}

#[test]
fn copies_replace_exactly_the_ranked_pixels() {
    let (height, width, size) = (33, 36, 33 * 36);
    let mut random = Random::new();
    for gpu in [gpu(), limited_gpu()] {
        let maps = maps(&mut random, size);
        let batch = random_batch(2, height, width);
        let pixels = pollster::block_on(Pixels::new(gpu, height, width, 4)).unwrap();
        let views: Vec<&[f32]> = maps.iter().map(Vec::as_slice).collect();
        let color = [0.25, -0.5, 9.0];
        let mut explainer =
            Explainer::new(gpu, &Model::synthetic(Architecture::TinyVgg).unwrap(), agf::methods::Method::default());
        let session =
            pollster::block_on(explainer.session(SessionShape { count: 9, height, width, slots: 0 })).unwrap();
        pollster::block_on(async {
            pixels.load_maps(&views).await.unwrap();
            pixels.rank(views.len() as u32).await.unwrap();
            pixels.load_pictures(&batch).await.unwrap();
            pixels.replace_by_color(color).await.unwrap();
        });
        let mut draw = || random.uniform(0.0, size as f64 + 1.0) as u32;
        let rules =
            [Rule::Whole, Rule::Lowest(draw()), Rule::Highest(draw()), Rule::AllButHighest(draw()), Rule::Highest(0)];
        let copies: Vec<Copy> =
            (0..8).map(|at| Copy { picture: at % 2, map: at % 4, rule: rules[at as usize % 5] }).collect();
        pollster::block_on(pixels.write_copies(&copies, &session)).unwrap();
        let found = input_of(gpu, &session);
        for (copy, found) in copies.iter().zip(found.chunks(4 * size)) {
            let places = expected_places(&maps[copy.map as usize]);
            for (pixel, (place, found)) in places.iter().zip(found.chunks(4)).enumerate() {
                for channel in 0..3 {
                    let value = batch.data[(copy.picture as usize * 3 + channel) * size + pixel];
                    let wanted = if is_replaced(place, copy.rule) { color[channel] } else { value };
                    assert_eq!(found[channel], wanted, "{copy:?}, pixel {pixel}, channel {channel}");
                }
            }
        }
        let missing = [Copy { picture: 0, map: 4, rule: Rule::Whole }];
        assert!(pollster::block_on(pixels.write_copies(&missing, &session)).is_err());
    }
}

#[test]
fn blurred_replacements_are_gaussian_means() {
    let (height, width, radius, deviation) = (33, 40, 4_i64, 2.5);
    for gpu in [gpu(), limited_gpu()] {
        let batch = random_batch(2, height, width);
        let pixels = pollster::block_on(Pixels::new(gpu, height, width, 2)).unwrap();
        let mut explainer =
            Explainer::new(gpu, &Model::synthetic(Architecture::TinyVgg).unwrap(), agf::methods::Method::default());
        let session =
            pollster::block_on(explainer.session(SessionShape { count: 2, height, width, slots: 0 })).unwrap();
        pollster::block_on(async {
            pixels.load_pictures(&batch).await.unwrap();
            pixels.replace_by_blurred(radius as u32, deviation).await.unwrap();
            let ramp: Vec<f32> = (0..height * width).map(|pixel| pixel as f32).collect();
            pixels.load_maps(&[&ramp]).await.unwrap();
            pixels.rank(1).await.unwrap();
            let copies = [0, 1].map(|picture| Copy { picture, map: 0, rule: Rule::AllButHighest(0) });
            pixels.write_copies(&copies, &session).await.unwrap();
        });
        let found = input_of(gpu, &session);
        let size = (height * width) as usize;
        let (rows, columns) = (i64::from(height), i64::from(width));
        let weight = |step: i64| (-0.5 * (step as f64 / f64::from(deviation)).powi(2)).exp();
        for (at, quad) in found.chunks(4).enumerate() {
            let (picture, row, column) = (at / size, (at % size) as i64 / columns, (at % size) as i64 % columns);
            for (channel, &value) in quad.iter().take(3).enumerate() {
                let plane = &batch.data[(picture * 3 + channel) * size..][..size];
                let (mut sum, mut total) = (0.0, 0.0);
                for down in -radius..=radius {
                    for right in -radius..=radius {
                        let y = (row + down).clamp(0, rows - 1);
                        let x = (column + right).clamp(0, columns - 1);
                        sum += weight(down) * weight(right) * f64::from(plane[(y * columns + x) as usize]);
                        total += weight(down) * weight(right);
                    }
                }
                let difference = (f64::from(value) - sum / total).abs();
                assert!(difference <= 2e-6, "pixel {at}, channel {channel}: {value} and {}", sum / total);
            }
        }
    }
}
