//! The files that open an https API, looked at when the configuration is read, so that a wrong one is told then
//! and not by the first change that fails. They are not watched: the client reads them again by itself.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use zeroize::Zeroizing;

use super::report::{FieldPath, Report};
use crate::kubernetes::access::{Access, Address};
use crate::kubernetes::client::Client;
use crate::kubernetes::credentials;

/// The largest file with certificates that is read, in bytes: bundles of all public authorities have a quarter of it.
const LARGEST: u64 = 1024 * 1024;

/// Checks the files of an https address, whose fields stand below `section`. Those of `in-cluster` are the
/// pod's: a configuration can be checked outside of it.
pub(super) fn check(access: &Access, section: &FieldPath, report: &Report) {
    if !matches!(access.api, Address::Https(_)) {
        return;
    }
    let before = report.mistakes();
    let told = |field: &str, checked: Result<(), String>| {
        checked.unwrap_or_else(|why| report.mistake(&section.field(field), why));
    };
    if let Some(file) = &access.token_file {
        told("tokenFile", token(file));
    }
    if let Some(file) = &access.ca_file {
        told("caFile", certificates(file));
    }
    if let Some((certificate, key)) = &access.client_files {
        told("clientCertFile", certificates(certificate));
        told("clientKeyFile", private_key(key));
        // Each is right by itself: what is left is whether they go together.
        if report.mistakes() == before {
            told("clientCertFile", Client::new(access).map(|_| ()));
        }
    }
}

fn token(file: &Path) -> Result<(), String> {
    let bytes = credentials::read(file)?;
    let token = bytes.trim_ascii();
    if token.is_empty() {
        return Err(format!("{} is empty, where a bearer token is needed", file.display()));
    }
    if !token.iter().all(u8::is_ascii_graphic) {
        return Err(format!(
            "{} is no bearer token: it holds more than one line of ASCII text",
            file.display()
        ));
    }
    Ok(())
}

fn certificates(file: &Path) -> Result<(), String> {
    let bytes = read(file)?;
    let mut roots = rustls::RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&bytes) {
        let certificate = certificate.map_err(|error| format!("{} is not PEM: {error}", file.display()))?;
        roots
            .add(certificate)
            .map_err(|error| format!("{} has a certificate that is not valid: {error}", file.display()))?;
    }
    if roots.is_empty() {
        return Err(format!("{} has no certificate in PEM (-----BEGIN CERTIFICATE-----)", file.display()));
    }
    Ok(())
}

fn private_key(file: &Path) -> Result<(), String> {
    let key = PrivateKeyDer::from_pem_slice(&credentials::read(file)?).map(Zeroizing::new);
    key.map(|_| ()).map_err(|error| format!("{} has no private key in PEM: {error}", file.display()))
}

fn read(file: &Path) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let read = File::open(file).and_then(|open| open.take(LARGEST + 1).read_to_end(&mut bytes));
    read.map_err(|error| format!("{} cannot be read: {error}", file.display()))?;
    if bytes.len() as u64 > LARGEST {
        return Err(format!("{} has more than {LARGEST} bytes", file.display()));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use crate::config::report::Watched;
    use crate::config::{Config, Overrides};

    #[test]
    fn they_are_resolved_and_checked_but_not_watched() {
        let directory = std::env::temp_dir().join(format!("boathook-credentials-{}", std::process::id()));
        std::fs::create_dir_all(&directory).unwrap();
        let file = directory.join("c.yaml");
        std::fs::write(&file, "version: 1\nkubernetes: {api: \"https://h\", caFile: ca.pem}\n").unwrap();
        let findings = Config::load(&file, &Overrides::default()).findings;
        let told = format!("{} cannot be read", directory.join("ca.pem").display());
        assert!(findings.mistakes.iter().any(|mistake| mistake.to_string().contains(&told)), "{findings:?}");
        let watched: Vec<_> = findings.files.iter().map(Watched::path).collect();
        assert_eq!(watched, [file]);
        std::fs::remove_dir_all(&directory).unwrap();
    }
}
