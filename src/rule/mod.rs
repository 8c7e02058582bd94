//! Which events a rule wants, and what its texts become: filters, tag policies, globs, templates.
//! Pure code: nothing here reads a file or a socket.

mod glob;
mod image_pattern;
pub mod name;
mod policy;
#[cfg(test)]
mod samples;
mod shown;
mod subject;
mod template;
mod values;
mod when;

pub use glob::Glob;
pub use image_pattern::ImagePattern;
pub use policy::{Comparison, TagPolicy};
pub use subject::Subject;
pub use template::Template;
pub use values::{Values, Variable};
pub use when::{Verdict, When};
