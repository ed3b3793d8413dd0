//! What a viewer begins with.

use crate::classes::Choice;
use crate::network::Network;
use crate::photos::Photos;
use crate::view::View;
use agf::Method;
use std::path::PathBuf;

/// What a viewer begins with, and what it leaves to the next one where its device is lost.
#[derive(Clone, Debug)]
pub struct Options {
    /// The network.
    pub network: Network,
    /// A photo, or a folder of them.
    pub path: Option<PathBuf>,
    /// Photos, where they are no files, or one of them is looked at already.
    pub photos: Photos,
    /// The classes to explain.
    pub choice: Choice,
    /// The methods that explain them.
    pub methods: Vec<Method>,
    /// How maps are looked at.
    pub view: View,
    /// Where files are saved.
    pub folder: PathBuf,
    /// Whether the window explains the photo, prints how long frames took meanwhile, and closes.
    pub measures_frames: bool,
    /// What is to be said first.
    pub notice: Option<String>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            network: Network::Embedded,
            path: None,
            photos: Photos::default(),
            choice: Choice::default(),
            methods: vec![Method::default()],
            view: View::default(),
            folder: "out".into(),
            measures_frames: false,
            notice: None,
        }
    }
}
