//! Masks: which pixels of the network's input belong to which class.

use crate::image::{ImageError, LabelMap, Placement};
use std::collections::BTreeSet;

/// A pixel that is neither object nor background.
pub const VOID: u8 = u8::MAX;

/// How masks of eight and of sixteen bits mark such pixels.
const VOID_VALUES: [u16; 2] = [u8::MAX as u16, u16::MAX];

/// Why a mask cannot be used.
#[derive(Debug, thiserror::Error)]
pub(super) enum MaskError {
    /// It cannot be read.
    #[error(transparent)]
    Image(#[from] ImageError),
    /// It is not as large as its photo.
    #[error(
        "{name}: the mask has {} x {} pixels (height x width), its photo {} x {}; they must be equal",
        mask.0, mask.1, photo.0, photo.1
    )]
    Size { name: String, mask: (u32, u32), photo: (u32, u32) },
    /// Values that belong to no class.
    #[error(
        "{name}: the mask has the values {values}, but its photo {}; \
         {} (0 is background, 255 beside other values is ignored)",
        classes_of(*classes), what_to_do(*classes)
    )]
    Values { name: String, values: String, classes: usize },
    /// Nothing to be found.
    #[error(
        "{name}: the mask has no pixel of value {value} in the part of the photo that the network sees; \
         a map cannot be scored by it"
    )]
    NoObject { name: String, value: u16 },
}

fn classes_of(count: usize) -> String {
    if count == 1 { "one class".into() } else { format!("{count} classes") }
}

fn what_to_do(classes: usize) -> &'static str {
    match classes {
        1 => "give the object one value, or list a class for each",
        _ => "value k belongs to the k-th class of the list",
    }
}

/// Reads a mask at the centres of the input's pixels: 0 is background, k the k-th of `classes` classes, [`VOID`]
/// neither.
///
/// The value of a single class may be any. 255, or 65535 in 16 bits, is void beside other values than 0.
pub(super) fn read(bytes: &[u8], name: &str, classes: usize, placement: &Placement) -> Result<Vec<u8>, MaskError> {
    let map = LabelMap::from_bytes(bytes, name)?;
    let (mask, photo) = ((map.height, map.width), (placement.photo_height, placement.photo_width));
    if mask != photo {
        return Err(MaskError::Size { name: name.into(), mask, photo });
    }
    let objects = objects(&map.values, classes).map_err(|values| {
        let values = values.iter().take(10).map(u16::to_string).collect::<Vec<_>>().join(", ");
        MaskError::Values { name: name.into(), values, classes }
    })?;
    let mask: Vec<u8> = seen(&map, placement).map(|value| class_of(value, &objects)).collect();
    for (class, &value) in (1..).zip(&objects) {
        if !mask.contains(&class) {
            return Err(MaskError::NoObject { name: name.into(), value });
        }
    }
    Ok(mask)
}

/// The value of each class; all values of the mask where they do not fit the classes.
fn objects(values: &[u16], classes: usize) -> Result<Vec<u16>, BTreeSet<u16>> {
    let found: BTreeSet<u16> = values.iter().copied().filter(|&value| value != 0).collect();
    let mut labels = found.iter().copied().filter(|value| !VOID_VALUES.contains(value));
    if classes != 1 {
        let of_classes: Vec<u16> = (1..).take(classes).collect();
        return if labels.all(|value| of_classes.contains(&value)) { Ok(of_classes) } else { Err(found) };
    }
    match (labels.next(), labels.next(), found.len()) {
        (Some(label), None, _) => Ok(vec![label]),
        (None, None, 0) => Ok(vec![1]),
        (None, None, 1) => Ok(found.into_iter().collect()),
        _ => Err(found),
    }
}

fn class_of(value: u16, objects: &[u16]) -> u8 {
    match (1..VOID).zip(objects).find(|(_, object)| **object == value) {
        Some((class, _)) => class,
        None if value == 0 => 0,
        None => VOID,
    }
}

/// The values at the centres of the input's pixels, row by row.
fn seen<'a>(map: &'a LabelMap, placement: &'a Placement) -> impl Iterator<Item = u16> + 'a {
    let value = |(x, y): (u32, u32)| map.values.get(y as usize * map.width as usize + x as usize).copied();
    // Padding is no object.
    let at = move |column, row| placement.photo_pixel(column, row).and_then(value).unwrap_or_default();
    (0..placement.crop_height).flat_map(move |row| (0..placement.crop_width).map(move |column| at(column, row)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_one_class_may_be_any_but_void() {
        for (values, expected) in [
            (&[0, 1][..], Some(1)),
            (&[0, 255], Some(255)),
            (&[0, 1, 255], Some(1)),
            (&[0, 15, 255, 0xFFFF], Some(15)),
            (&[0, 0xFFFF], Some(0xFFFF)),
            (&[7], Some(7)),
            (&[0], Some(1)),
            (&[0, 1, 2], None),
            (&[0, 17, 80, 255], None),
            (&[0, 255, 0xFFFF], None),
        ] {
            assert_eq!(objects(values, 1).ok(), expected.map(|value| vec![value]), "{values:?}");
        }
        assert_eq!(objects(&[0, 2, 255], 2).unwrap(), [1, 2]);
        assert!(objects(&[0, 1, 3], 2).is_err());
    }

    fn placement(height: u32, width: u32, crop_top: i32, crop_height: u32) -> Placement {
        Placement {
            photo_height: height,
            photo_width: width,
            resized_height: height,
            resized_width: width,
            crop_top,
            crop_left: 0,
            crop_height,
            crop_width: width,
        }
    }

    /// A PNG file of grey levels of 8 or 16 bits.
    fn png(width: u32, depth: png::BitDepth, data: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::new();
        let sample = if depth == png::BitDepth::Sixteen { 2 } else { 1 };
        let mut encoder = png::Encoder::new(&mut bytes, width, data.len() as u32 / width / sample);
        encoder.set_depth(depth);
        encoder.write_header().unwrap().write_image_data(data).unwrap();
        bytes
    }

    #[test]
    fn sixteen_bits_are_not_rounded_and_void_is_kept() {
        let deep = png(3, png::BitDepth::Sixteen, &[0, 0, 0, 1, 0, 255]);
        assert_eq!(read(&deep, "m", 1, &placement(1, 3, 0, 1)).unwrap(), [0, 1, VOID]);
        let plain = png(3, png::BitDepth::Eight, &[0, 255, 0]);
        assert_eq!(read(&plain, "m", 1, &placement(1, 3, 0, 1)).unwrap(), [0, 1, 0]);
        let two = png(3, png::BitDepth::Eight, &[2, 1, 255]);
        assert_eq!(read(&two, "m", 2, &placement(1, 3, 0, 1)).unwrap(), [2, 1, VOID]);
    }

    #[test]
    fn masks_without_an_object_are_refused() {
        let empty = png(2, png::BitDepth::Eight, &[0; 4]);
        let error = read(&empty, "m.png", 1, &placement(2, 2, 0, 2)).unwrap_err().to_string();
        assert!(error.contains("m.png") && error.contains("no pixel of value 1"), "{error}");
        let above = png(2, png::BitDepth::Eight, &[9, 9, 0, 0]);
        assert!(read(&above, "m.png", 1, &placement(2, 2, 0, 1)).is_ok());
        assert!(matches!(read(&above, "m.png", 1, &placement(2, 2, 1, 1)), Err(MaskError::NoObject { value: 9, .. })));
        let one_of_two = png(2, png::BitDepth::Eight, &[1, 1, 0, 0]);
        assert!(matches!(read(&one_of_two, "m", 2, &placement(2, 2, 0, 2)), Err(MaskError::NoObject { value: 2, .. })));
        let soft = png(2, png::BitDepth::Eight, &[0, 90, 180, 255]);
        let error = read(&soft, "m.png", 1, &placement(2, 2, 0, 2)).unwrap_err().to_string();
        assert!(error.contains("90, 180, 255") && error.contains("one class; give the object one value"), "{error}");
        let error = read(&soft, "m.png", 2, &placement(2, 2, 0, 2)).unwrap_err().to_string();
        assert!(error.contains("2 classes; value k belongs to the k-th class"), "{error}");
        assert!(matches!(read(&above, "m", 1, &placement(3, 2, 0, 3)), Err(MaskError::Size { .. })));
    }
}
