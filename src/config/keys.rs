//! Key files and key variables.

use std::io::Read;

use super::fields::Fields;
use crate::key::Key;

/// Keys shorter than this are worth a warning, in bytes.
const WEAK: usize = 20;

/// The largest key file that is read, in bytes: what is larger is no key.
const LARGEST: u64 = 64 * 1024;

/// Reads an endpoint's keys from `keyPath` (one or several files) or `keyEnv`. Returns them with the name of
/// the field they came from; every mistake goes to the report.
pub(super) fn read(fields: &mut Fields<'_>) -> (Vec<Key>, &'static str) {
    let has = (fields.names_field("keyPath"), fields.names_field("keyEnv"));
    let paths = fields.strings("keyPath");
    let variable = fields.string("keyEnv");
    match has {
        (true, true) => fields.mistake("keyEnv", "keyPath is there too: use one of them"),
        (false, false) => {
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
        let bytes = read_file(fields, &name).map_err(|why| fields.report().mistake(&path, why)).ok()?;
        let checked = check(bytes, &name, fields, &path).map_err(|why| fields.report().mistake(&path, why));
        checked.ok()
    });
    let mut keys: Vec<_> = files.collect();
    if let Some(name) = variable {
        let path = fields.path().field("keyEnv");
        let key = std::env::var_os(&name)
            .ok_or_else(|| {
                format!("the environment has no variable {}: set it to the key", name.escape_debug())
            })
            .and_then(|value| check(value.into_encoded_bytes(), &name, fields, &path));
        keys.extend(key.map_err(|why| fields.report().mistake(&path, why)));
    }
    (keys, field)
}

/// Reads one key file's bytes as they are.
pub(super) fn read_file(fields: &Fields<'_>, name: &str) -> Result<Vec<u8>, String> {
    let file = fields.report().watched_file(name);
    let mut bytes = Vec::new();
    let opened = std::fs::File::open(&file);
    let read = opened.and_then(|open| open.take(LARGEST + 1).read_to_end(&mut bytes));
    read.map_err(|error| {
        let way_out = if error.kind() == std::io::ErrorKind::NotFound {
            format!(": make it with `boathook keygen --out {}`", file.display())
        } else {
            String::new()
        };
        format!("the key file {} cannot be read: {error}{way_out}", file.display())
    })?;
    if bytes.len() as u64 > LARGEST {
        return Err(format!("the key file {} has more than {LARGEST} bytes: it is no key", file.display()));
    }
    Ok(bytes)
}

fn check(
    mut bytes: Vec<u8>,
    name: &str,
    fields: &Fields<'_>,
    path: &super::report::FieldPath,
) -> Result<Key, String> {
    let name = name.escape_debug();
    if trim_newline(&mut bytes) {
        fields.report().warn(
            path,
            format!(
                "the newline at the end of {name} is not part of the key: the path is the SHA-256 without it, which \
                 `boathook url` prints and `sha256sum` of the file does not"
            ),
        );
    }
    if bytes.is_empty() {
        return Err(format!("the key in {name} is empty: make one with `boathook keygen`"));
    }
    if bytes.len() < Key::SHORTEST {
        return Err(format!(
            "the key in {name} has {} bytes, and fewer than {} can be guessed: make one with `boathook keygen`",
            bytes.len(),
            Key::SHORTEST
        ));
    }
    if bytes.len() < WEAK {
        fields.report().warn(path, format!("the key in {name} has fewer than {WEAK} bytes"));
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
