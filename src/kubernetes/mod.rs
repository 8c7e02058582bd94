//! The Kubernetes API: how it is reached, what is read of workloads, which patches change them.
//!
//! Requests that change something are made by pure functions in [`patch`], so that `explain` shows exactly what
//! the worker sends.

pub mod access;
pub mod any;
pub mod blocked;
pub mod client;
pub(crate) mod credentials;
pub mod discovery;
pub mod dns;
pub mod error;
pub mod event;
pub mod exposure;
pub mod kind;
pub mod object;
pub mod owner;
pub mod patch;
mod patched;
mod pods;
pub mod reasons;
pub mod review;
pub mod right;
pub mod rollout;
mod selector;
mod symptom;

pub use self::access::Access;
pub use self::any::AnyObject;
pub use self::client::Client;
pub use self::error::ApiError;
pub use self::kind::{Kind, Workload};
pub use self::object::Object;
pub use self::patch::PatchRequest;
pub use self::patched::Patched;
pub use self::selector::Selector;
