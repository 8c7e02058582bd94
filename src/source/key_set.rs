//! Placeholder, replaced by the registries' author.
/// A key set.
#[derive(Debug)]
pub struct KeySet;
