//! Pictures in, pictures out: the two ends of an explanation.
//!
//! **Photo -> tensor.** [`Photo`] decodes a file to upright 8 bit RGB, [`prepare`] resizes, crops
//! and normalises it as the network's [`InputSpec`] asks, and records in a [`Placement`] which
//! part of the photo the network saw.
//!
//! **Heat map -> overlay, panel, .npy.** A signed map over the network input, seen through
//! [`Map`], becomes colours ([`heatmap`]), colours on the photo ([`overlay`]), a captioned
//! comparison of classes ([`panel`]) or numbers ([`write_npy`]). [`write_png`] stores a picture.
//!
//! A [`Chart`] shows curves, as a picture or as SVG.
//!
//! Every failure is an [`ImageError`].

mod chart;
mod colormap;
mod comparison;
mod decode;
mod drawing;
mod error;
mod format;
mod jpeg;
mod label_map;
mod map;
mod npy;
mod overlay;
mod panel;
mod photo;
mod placement;
mod prepare;
mod resample;
mod text;
#[cfg(not(target_arch = "wasm32"))]
mod tiff;
mod write;

pub use crate::models::{ChannelOrder, Filter, InputSpec, Resize};
pub use ::image::RgbImage;
pub use chart::{Chart, Line};
pub use colormap::{Colormap, NOT_FINITE_COLOR};
pub use comparison::{ComparisonRow, comparison};
pub use error::{ImageError, NpyProblem};
pub use format::{PICTURE_ENDINGS, UNREAD_ENDINGS};
pub use label_map::LabelMap;
pub use map::{Map, Range};
pub use npy::{NpyInputs, write_npy};
pub(crate) use overlay::MAX_OPACITY;
pub use overlay::{heatmap, overlay};
pub use panel::{PanelEntry, PanelPicture, panel};
#[cfg(feature = "evaluation")]
pub(crate) use photo::read_file;
pub use photo::{MAX_DECODED_BYTES, MAX_SIDE, Photo};
pub use placement::{PhotoMap, Placement};
pub use prepare::{Framing, Prepared, prepare};
#[doc(hidden)]
pub use write::write_atomically;
pub use write::{is_written_by_us, write_png};
