//! boathook turns signed webhooks from code hosts and image registries into Kubernetes changes.
//!
//! # The way of a delivery
//!
//! ```text
//! request → server (limits) → source: verify, then decode → event → rules → runs → journal → 202
//!                                                                            │
//!                             settle, supersede ◀────────────────────────────┘
//!                                    │
//!             step: find targets → patch through the Kubernetes or Flux client → outcome
//! ```
//!
//! One way: no module on the left knows one on its right.
//!
//! # Layout
//!
//! * [`cli`]: one file per command.
//! * [`config`]: the YAML file, read into a configuration that is valid by construction; reloading.
//! * [`server`]: the listener, its limits, and the hook route read top to bottom.
//! * [`source`]: one file per sender; signature schemes; the list of sources.
//! * [`event`], [`image`]: what happened, in our own words; image references.
//! * [`rule`]: filters, tag policies, globs, templates.
//! * [`run`]: runs from acceptance to outcome: waiting, superseding, retries, the worker.
//! * [`action`]: one file per action.
//! * [`kubernetes`], [`flux`]: the clients; workload kinds; patches as pure functions.
//! * [`metrics`]: what is counted, and the page that tells it.
//! * [`probe`]: looking from outside whether something works.
//! * [`notify`]: telling others how runs ended, with retries.
//! * [`key`], [`text`], [`clock`]: secrets that do not print, text from outside that is safe to print, waiting.
//! * [`cidr`], [`rate`]: ranges of addresses; how often something may happen.

#![forbid(unsafe_code)]

pub mod action;
pub mod cidr;
#[allow(clippy::doc_markdown, rustdoc::bare_urls, reason = "the comments of options are what --help prints")]
pub mod cli;
pub mod clock;
pub mod config;
pub mod event;
pub mod flux;
pub mod image;
pub mod key;
pub mod kubernetes;
pub mod metrics;
pub mod notify;
pub mod outside;
pub mod probe;
pub mod rate;
pub mod rule;
pub mod run;
pub mod server;
pub mod source;
pub mod text;
