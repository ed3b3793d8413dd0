//! The relevance methods that come with the crate: a file of rules each.

use super::{RuleList, RulesError};

macro_rules! presets {
    ($($(#[$doc:meta])* $variant:ident $name:literal $summary:literal,)*) => {
        /// A relevance method that comes with the crate, as a file of rules in `presets/`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Preset {
            $($(#[$doc])* $variant,)*
        }

        impl Preset {
            /// Every preset.
            pub const ALL: &'static [Preset] = &[$(Preset::$variant,)*];

            /// The method's name.
            pub const fn name(self) -> &'static str {
                match self { $(Preset::$variant => $name,)* }
            }

            /// What it is, in a few words.
            pub const fn summary(self) -> &'static str {
                match self { $(Preset::$variant => $summary,)* }
            }

            /// The file.
            pub const fn text(self) -> &'static str {
                match self { $(Preset::$variant => include_str!(concat!("presets/", $name, ".toml")),)* }
            }
        }
    };
}

presets! {
    /// Attribution Guided Factorization (Gur, Ali, Wolf, AAAI 2021).
    Agf "agf" "Attribution Guided Factorization",
    /// Layer-wise relevance propagation, alpha 1 and beta 0 (Bach et al., PLOS ONE 2015).
    Lrp "lrp" "Layer-wise relevance propagation, alpha 1 beta 0",
    /// Layer-wise relevance propagation, alpha 2 and beta 1.
    LrpAb "lrp-ab" "Layer-wise relevance propagation, alpha 2 beta 1",
    /// Contrastive LRP (Gu, Yang, Tresp, ACCV 2018).
    Clrp "clrp" "LRP of the class less that of all others",
    /// Softmax-gradient LRP (Iwana, Kuroki, Uchida, 2019).
    Sglrp "sglrp" "LRP of the class less that of all others, by the softmax gradient",
    /// Relative attributing propagation (Nam et al., AAAI 2020).
    Rap "rap" "Relative attributing propagation",
}

impl Preset {
    /// The rules.
    ///
    /// # Errors
    /// None with the files of this crate, which its tests parse.
    pub fn rules(self) -> Result<RuleList, RulesError> {
        Ok(RuleList { name: self.name(), ..RuleList::parse(self.name(), self.text())? })
    }
}
