//! Key files and key variables.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use zeroize::Zeroizing;

use super::fields::Fields;
use super::report::{FieldPath, Report};
use crate::key::Key;

/// Keys shorter than this are worth a warning, in bytes.
const WEAK: usize = 20;

/// The largest file with a secret that is read, in bytes: what is larger is no key.
pub(crate) const LARGEST: u64 = 64 * 1024;

/// The room beyond a file's size with which reading it to its end never moves the buffer, in bytes.
const READ_AHEAD: u64 = 64;

/// What keys are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Use {
    /// An endpoint: it needs one, and the key names its path.
    Endpoint,
    /// Signing what is sent: a key may be left out.
    Signing,
}

impl Use {
    /// What makes such a key.
    fn keygen(self) -> &'static str {
        match self {
            Self::Endpoint => "boathook keygen",
            Self::Signing => "boathook keygen --webhook",
        }
    }
}

/// Reads keys from `keyPath` (one or several files) or `keyEnv`. Returns them with the name of the field they
/// came from; every mistake goes to the report.
pub(super) fn read(fields: &mut Fields<'_>, used: Use) -> (Vec<Key>, &'static str) {
    let has = (fields.names_field("keyPath"), fields.names_field("keyEnv"));
    let paths = fields.strings("keyPath");
    let variable = fields.string("keyEnv");
    match has {
        (true, true) => fields.mistake("keyEnv", "keyPath is there too: use one of them"),
        (false, false) if used == Use::Endpoint => {
            let text =
                "keyPath is missing: name a key file next to the configuration (boathook keygen --out FILE)";
            fields.report().mistake(fields.path(), text);
        }
        _ => {}
    }
    let field = if has.0 { "keyPath" } else { "keyEnv" };
    let several = paths.as_ref().is_some_and(|paths| paths.len() > 1);
    let files = paths.unwrap_or_default().into_iter().enumerate().filter_map(|(i, name)| {
        let path = fields.path().field("keyPath");
        let path = if several { path.index(i) } else { path };
        let checked = read_file(fields, &name, used)
            .and_then(|bytes| check(bytes, &name, used, &path, fields.report()));
        checked.map_err(|why| fields.report().mistake(&path, why)).ok()
    });
    let mut keys: Vec<_> = files.collect();
    if let Some(name) = variable {
        let path = fields.path().field("keyEnv");
        let key = std::env::var_os(&name)
            .ok_or_else(|| {
                format!("the environment has no variable {}: set it to the key", name.escape_debug())
            })
            .and_then(|value| {
                check(Zeroizing::new(value.into_encoded_bytes()), &name, used, &path, fields.report())
            });
        keys.extend(key.map_err(|why| fields.report().mistake(&path, why)));
    }
    (keys, field)
}

/// Reads one key file's bytes as they are.
pub(super) fn read_file(fields: &Fields<'_>, name: &str, used: Use) -> Result<Zeroizing<Vec<u8>>, String> {
    let file = fields.report().watched_file(name);
    let shown = file.display();
    let bytes = read_secret(&file).map_err(|error| {
        let way_out = if error.kind() == std::io::ErrorKind::NotFound {
            format!(": make it with `{} --out {shown}`", used.keygen())
        } else {
            String::new()
        };
        format!("the key file {shown} cannot be read: {error}{way_out}")
    })?;
    if bytes.len() as u64 > LARGEST {
        return Err(format!("the key file {shown} has more than {LARGEST} bytes: it is no key"));
    }
    Ok(bytes)
}

/// Reads a file that is small if it is what it should be: never more than one byte too many. What was read is zeroed
/// when it is dropped.
pub(crate) fn read_secret(file: &Path) -> std::io::Result<Zeroizing<Vec<u8>>> {
    let open = File::open(file)?;
    // Room for all of it and for what tells that this is the end: a buffer that grew would leave its bytes behind.
    let room = open.metadata()?.len().min(LARGEST) + READ_AHEAD;
    let mut bytes = Zeroizing::new(Vec::with_capacity(usize::try_from(room).unwrap_or_default()));
    open.take(LARGEST + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn check(
    mut bytes: Zeroizing<Vec<u8>>,
    name: &str,
    used: Use,
    path: &FieldPath,
    report: &Report,
) -> Result<Key, String> {
    let name = name.escape_debug();
    if trim_newline(&mut bytes) && used == Use::Endpoint {
        report.warn(
            path,
            format!(
                "the newline at the end of {name} is not part of the key: the path is the SHA-256 without it, which \
                 `boathook url` prints and `sha256sum` of the file does not"
            ),
        );
    }
    if bytes.is_empty() {
        return Err(format!("the key in {name} is empty: make one with `{}`", used.keygen()));
    }
    if bytes.len() < Key::SHORTEST {
        return Err(format!(
            "the key in {name} has {} bytes, and fewer than {} can be guessed: make one with `{}`",
            bytes.len(),
            Key::SHORTEST,
            used.keygen()
        ));
    }
    if bytes.len() < WEAK {
        report.warn(path, format!("the key in {name} has fewer than {WEAK} bytes"));
    }
    Ok(Key::new(bytes))
}

/// Drops one trailing newline (`\n` or `\r\n`); returns whether there was one.
pub(crate) fn trim_newline(bytes: &mut Vec<u8>) -> bool {
    if bytes.last() != Some(&b'\n') {
        return false;
    }
    bytes.pop();
    if bytes.last() == Some(&b'\r') {
        bytes.pop();
    }
    true
}
