//! Values of the program's flags, which has no library.

#[path = "../cli/src/values/sizes.rs"]
pub mod sizes;

/// What of the program's own the module needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ValueError {
    /// Not HxW.
    Dimensions,
    /// Neither HxW nor `native`.
    Size,
}
