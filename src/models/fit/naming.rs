//! How other programs than torchvision name the layers of a network.

use std::collections::HashMap;

use super::layer_of;
use crate::graph::parameter::Parameter;

/// The names that a program gives to a network's layers. A layer that is not listed has the recipe's name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Naming {
    /// Whose names they are.
    pub program: &'static str,
    /// What a user should know who brings such a file.
    pub caution: Option<String>,
    /// From the recipe's name of a layer to the program's.
    layers: HashMap<String, String>,
}

impl Naming {
    /// The names of the layers of `parameters`; `rename` is given the recipe's, and gives none for a layer that keeps
    /// it.
    pub fn new(program: &'static str, parameters: &[Parameter], rename: impl Fn(&str) -> Option<String>) -> Self {
        let layers = parameters.iter().filter_map(|parameter| layer_of(&parameter.name));
        let layers = layers.filter_map(|layer| Some((layer.to_owned(), rename(layer)?))).collect();
        Self { program, caution: None, layers }
    }

    /// The same names, with what a user should know who brings them.
    pub fn with_caution(self, caution: String) -> Self {
        Self { caution: Some(caution), ..self }
    }

    /// The program's name of a layer.
    pub fn layer<'a>(&'a self, name: &'a str) -> &'a str {
        self.layers.get(name).map_or(name, String::as_str)
    }
}
