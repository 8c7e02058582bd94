//! The YAML file, read into a configuration that is valid by construction.

pub mod fields;
mod locate;
pub mod report;
