//! A flux-recv configuration (`fluxRecvVersion: 1`), taken as it is: `api`, and endpoints of `source`,
//! `keyPath`, `registryHost` and `gcr`. Every event becomes a notification of Flux at once.

use std::path::PathBuf;
use std::sync::Arc;

use super::endpoint::Endpoint;
use super::fields::Fields;
use super::keys::{self, Use};
use super::rule::Rule;
use super::{Across, Config, Overrides, Waits, override_apis, read_endpoints};
use crate::action::Action;
use crate::flux::FluxAccess;
use crate::key::Key;
use crate::kubernetes::access::Access;
use crate::rule::When;
use crate::source::{PathAlone, Setting};

/// The largest body, in bytes: flux-recv had no limit, and nothing in its files could raise one.
const MAX_BODY: usize = 4 * 1024 * 1024;

pub(super) fn read(mut fields: Fields<'_>, overrides: &Overrides) -> Config {
    fields.report().take_null();
    if fields.number("fluxRecvVersion", 0, u64::MAX).is_some_and(|version| version != 1) {
        fields.mistake("fluxRecvVersion", "must be 1: there is no other");
    }
    if fields.has("version") {
        fields.mistake("version", "fluxRecvVersion is there too: a file has one format");
    }
    fields.node("version");
    let mut flux = FluxAccess::default();
    if let Some(api) = fields.string("api") {
        flux.set_api(&api).unwrap_or_else(|why| fields.mistake("api", why));
    }
    let mut kubernetes = Access::default();
    override_apis(&mut kubernetes, &mut flux, overrides, fields.report());
    let endpoints = read_endpoints(&mut fields, &mut Across::default(), endpoint);
    fields.finish();
    Config::assemble(None::<PathBuf>, kubernetes, flux, Waits::default(), endpoints)
}

fn endpoint(mut fields: Fields<'_>, index: usize, across: &mut Across) -> Option<Endpoint> {
    let keys: Vec<_> = key(&mut fields).into_iter().collect();
    // It stands in the path's digest for every source, and only some of them read it.
    let registry_host = fields.string("registryHost").unwrap_or_default();
    let digests: Vec<_> = keys.iter().map(|key| key.path_digest(registry_host.as_bytes())).collect();
    across.unique.paths(&fields, index, None, &digests, "keyPath");
    let source = Endpoint::source(&mut fields)?;
    let setting = Setting { flux_recv: true, ..Setting::default() };
    let receiver = (source.configure)(&mut fields, &setting);
    // flux-recv took no notice of a signature from Bitbucket's cloud, which may be made with another secret.
    let path_alone = if source.name == "BitbucketCloud" { PathAlone::Ignoring } else { PathAlone::Refused };
    if receiver.proof().is_none() || path_alone == PathAlone::Ignoring {
        fields.warn("source", "whoever knows the path can call it, so treat the URL as a secret");
    }
    fields.finish();
    let rule = Rule::new(1, When::default(), Arc::new([Action::flux_notify()]));
    Some(Endpoint {
        name: format!("{}-{index}", source.name),
        source,
        receiver,
        keys,
        digests,
        path_alone,
        max_body: MAX_BODY,
        rate: None,
        allow_from: None,
        rules: vec![rule],
        flux_recv: true,
    })
}

/// The key file's bytes, untouched, of any length, with a warning for what version 1 would refuse.
fn key(fields: &mut Fields<'_>) -> Option<Key> {
    let name = fields.required("keyPath")?;
    let bytes = match keys::read_file(fields, &name, Use::Endpoint) {
        Ok(bytes) => bytes,
        Err(why) => {
            fields.mistake("keyPath", why);
            return None;
        }
    };
    if bytes.last() == Some(&b'\n') {
        fields.warn(
            "keyPath",
            "the newline at the end belongs to the key, as flux-recv has it; version 1 drops it",
        );
    }
    if bytes.len() < Key::SHORTEST {
        let text =
            format!("the key has {} bytes; version 1 refuses fewer than {}", bytes.len(), Key::SHORTEST);
        fields.warn("keyPath", text);
    }
    Some(Key::new(bytes))
}
