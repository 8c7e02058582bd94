//! The connection that requests go through: what is trusted, and what shows who asks.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rustls::crypto::ring::{default_provider, sign::any_supported_type};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{Error, InconsistentKeys};
use zeroize::Zeroizing;

use crate::kubernetes::access::{Access, Address};
use crate::kubernetes::credentials;
use crate::kubernetes::dns::Localhost;

const CONNECT_TIME: Duration = Duration::from_secs(5);

/// How long one request may take.
const REQUEST_TIME: Duration = Duration::from_secs(30);

/// How long an unused connection is kept: after that its memory goes back.
const POOL_IDLE: Duration = Duration::from_secs(20);

/// An HTTP client for this access.
pub(super) fn connectable(access: &Access) -> Result<reqwest::Client, String> {
    let mut client = reqwest::Client::builder()
        // An image without files has no roots, and the API's certificate is signed by none of them anyway.
        .tls_backend_preconfigured(tls(access)?)
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .dns_resolver(Arc::new(Localhost))
        .connect_timeout(CONNECT_TIME)
        .timeout(REQUEST_TIME)
        .pool_idle_timeout(POOL_IDLE);
    if let Address::Unix(path) = &access.api {
        client = client.unix_socket(path.clone());
    }
    client.build().map_err(crate::outside::told)
}

fn tls(access: &Access) -> Result<rustls::ClientConfig, String> {
    let mut roots = rustls::RootCertStore::empty();
    if let Some(file) = &access.ca_file {
        let shown = file.display();
        let bytes = std::fs::read(file).map_err(|error| format!("{shown} cannot be read: {error}"))?;
        for certificate in CertificateDer::pem_slice_iter(&bytes) {
            let certificate = certificate.map_err(|error| format!("{shown} is not PEM: {error}"))?;
            roots
                .add(certificate)
                .map_err(|error| format!("{shown} has a certificate that is not valid: {error}"))?;
        }
        if roots.is_empty() {
            return Err(format!("{shown} has no certificate"));
        }
    }
    let tls = rustls::ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_root_certificates(roots);
    let Some((certificate, key)) = &access.client_files else { return Ok(tls.with_no_client_auth()) };
    let identity = identity(certificate, key)?;
    Ok(tls.with_client_cert_resolver(Arc::new(SingleCertAndKey::from(identity))))
}

/// The client certificate with its key. rustls would take the key's bytes and not zero them; from a reference it makes
/// its own form of it.
fn identity(certificate: &Path, key: &Path) -> Result<CertifiedKey, String> {
    let shown = certificate.display();
    let bytes = std::fs::read(certificate).map_err(|error| format!("{shown} cannot be read: {error}"))?;
    let chain = CertificateDer::pem_slice_iter(&bytes)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| format!("{shown} is not PEM: {error}"))?;
    let private = PrivateKeyDer::from_pem_slice(&credentials::read(key)?)
        .map_err(|error| format!("{} has no key: {error}", key.display()))?;
    let unfit = |error| format!("{shown} and {} do not go together: {error}", key.display());
    let private = Zeroizing::new(private);
    let identity = CertifiedKey::new(chain, any_supported_type(&private).map_err(unfit)?);
    match identity.keys_match() {
        Ok(()) | Err(Error::InconsistentKeys(InconsistentKeys::Unknown)) => Ok(identity),
        Err(error) => Err(unfit(error)),
    }
}
