//! Certificates for a double that speaks https: a CA, a server certificate for 127.0.0.1, a client certificate.

use rcgen::{BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair};
use std::sync::Arc;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{RootCertStore, ServerConfig};

/// How [`super::Double::start_tls`] authenticates.
#[derive(Clone, Copy, Debug, Default)]
pub struct TlsOptions {
    /// 401 for a client that shows no certificate of the double's CA.
    pub client_certificate: bool,
}

/// PEM texts.
pub struct Certificates {
    pub ca: String,
    server_certificate: String,
    server_key: String,
    pub client_certificate: String,
    pub client_key: String,
}

impl Certificates {
    /// Makes new ones.
    pub fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let ca = params.self_signed(&key).unwrap().pem();
        let issuer = Issuer::new(params, key);
        let (server_certificate, server_key) = leaf(
            &issuer,
            &["127.0.0.1", "localhost", "kubernetes.default.svc"],
            ExtendedKeyUsagePurpose::ServerAuth,
        );
        let (client_certificate, client_key) =
            leaf(&issuer, &["boathook"], ExtendedKeyUsagePurpose::ClientAuth);
        Self { ca, server_certificate, server_key, client_certificate, client_key }
    }

    /// The server's side. A client certificate is looked at when it is shown; whether it must be is decided later,
    /// since the API server answers 401 rather than ending the handshake.
    pub fn acceptor(&self) -> TlsAcceptor {
        let provider = Arc::new(ring::default_provider());
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(self.ca.as_bytes()).unwrap()).unwrap();
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider))
            .allow_unauthenticated()
            .build()
            .unwrap();
        let certificate = CertificateDer::from_pem_slice(self.server_certificate.as_bytes()).unwrap();
        let key = PrivateKeyDer::from_pem_slice(self.server_key.as_bytes()).unwrap();
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_client_cert_verifier(verifier)
            .with_single_cert(vec![certificate], key)
            .unwrap();
        TlsAcceptor::from(Arc::new(config))
    }
}

fn leaf(issuer: &Issuer<'_, KeyPair>, names: &[&str], usage: ExtendedKeyUsagePurpose) -> (String, String) {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let mut params = CertificateParams::new(names).unwrap();
    params.extended_key_usages = vec![usage];
    let key = KeyPair::generate().unwrap();
    let certificate = params.signed_by(&key, issuer).unwrap().pem();
    (certificate, key.serialize_pem())
}
