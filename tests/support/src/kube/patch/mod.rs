//! The four patch formats.

pub mod apply;
pub mod json;
pub mod merge;
pub mod strategic;
