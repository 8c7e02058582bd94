//! boathook turns signed webhooks from code hosts and image registries into Kubernetes changes.

#![forbid(unsafe_code)]

pub mod config;
pub mod event;
pub mod image;
pub mod key;
pub mod rule;
pub mod source;
