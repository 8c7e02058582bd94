//! Files that Kubernetes replaces while the process runs: the token, and the certificates.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use hyper::body::Bytes;
use reqwest::header::HeaderValue;
use zeroize::Zeroizing;

use crate::config::keys::{LARGEST, read_secret};

/// What tells one state of a file from another.
type Mark = Option<(u64, u64, i64, i64)>;

/// A file that is read again when it has changed.
#[derive(Debug)]
pub(super) struct Watched {
    path: PathBuf,
    mark: Mark,
}

impl Watched {
    /// A file that has not been read yet.
    pub(super) fn new(path: &Path) -> Self {
        Self { path: path.to_owned(), mark: None }
    }

    /// Whether the file has changed since the last time that this was asked; true the first time.
    pub(super) fn changed(&mut self) -> bool {
        let about = std::fs::metadata(&self.path).ok();
        let mark = about.map(|a| (a.ino(), a.size(), a.ctime(), a.ctime_nsec()));
        let changed = mark != self.mark || mark.is_none();
        self.mark = mark;
        changed
    }
}

/// Reads a token or a private key; it is zeroed when it is dropped.
pub(crate) fn read(file: &Path) -> Result<Zeroizing<Vec<u8>>, String> {
    let shown = file.display();
    let bytes = read_secret(file).map_err(|error| format!("{shown} cannot be read: {error}"))?;
    if bytes.len() as u64 > LARGEST {
        return Err(format!("{shown} has more than {LARGEST} bytes"));
    }
    Ok(bytes)
}

/// The bearer token. When reading it fails the last good one stays: a projected volume is replaced in several
/// steps, and the old token is valid for a while.
#[derive(Debug)]
pub(super) struct Token {
    file: Watched,
    header: Option<HeaderValue>,
}

impl Token {
    pub(super) fn new(path: &Path) -> Self {
        Self { file: Watched::new(path), header: None }
    }

    /// The `Authorization` header of now. With `anew` the file is read even if it looks unchanged.
    pub(super) fn header(&mut self, anew: bool) -> Result<HeaderValue, String> {
        if self.file.changed() || anew || self.header.is_none() {
            match read(&self.file.path).and_then(|bytes| bearer(&bytes)) {
                Ok(header) => self.header = Some(header),
                Err(why) if self.header.is_some() => log::warn!("the last token stays in use: {why}"),
                Err(why) => return Err(why),
            }
        }
        self.header.clone().ok_or_else(|| "there is no token".to_owned())
    }
}

fn bearer(bytes: &[u8]) -> Result<HeaderValue, String> {
    let token = bytes.trim_ascii();
    if token.is_empty() {
        return Err("the token file is empty".to_owned());
    }
    // All copies of the header share these bytes, which are zeroed with the last of them.
    let value = Bytes::from_owner(Zeroizing::new([b"Bearer ", token].concat()));
    let mut header =
        HeaderValue::from_maybe_shared(value).map_err(|_| "the token is no text for a header".to_owned())?;
    header.set_sensitive(true);
    Ok(header)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_read_again_when_it_changes_and_kept_when_it_goes() {
        let file = std::env::temp_dir().join(format!("boathook-token-{}", std::process::id()));
        std::fs::write(&file, "one\n").unwrap();
        let mut token = Token::new(&file);
        assert_eq!(token.header(false).unwrap(), "Bearer one");
        std::fs::write(&file, "another").unwrap();
        assert_eq!(token.header(false).unwrap(), "Bearer another");
        std::fs::write(&file, "").unwrap();
        assert_eq!(token.header(false).unwrap(), "Bearer another");
        std::fs::remove_file(&file).unwrap();
        assert_eq!(token.header(true).unwrap(), "Bearer another");
        assert!(Token::new(&file).header(false).is_err());
    }
}
