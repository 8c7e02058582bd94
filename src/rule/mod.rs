//! Which events a rule wants, and what its texts become: filters, tag policies, globs, templates.
//! Pure code: nothing here reads a file or a socket.

pub mod name;
mod template;
mod values;

pub use template::Template;
pub use values::{Values, Variable};
