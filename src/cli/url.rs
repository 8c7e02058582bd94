//! `boathook url`: the address to give to the sender.

use std::path::PathBuf;

use argh::FromArgs;
use zeroize::Zeroizing;

use super::{Exit, complain, print};
use crate::config::trim_newline;
use crate::key::Key;

/// Print the path, or the whole URL, of the hook that a key names.
#[derive(FromArgs)]
#[argh(
    subcommand,
    name = "url",
    usage = "--key FILE [--base URL]",
    example = "{command_name} --key github.key --base https://hooks.example.com",
    note = "One newline at the end of the file is not part of the key, except in a\nflux-recv configuration, whose paths `boathook check` prints."
)]
pub(super) struct Url {
    /// the key file
    #[argh(option)]
    key: PathBuf,
    /// what to put before the path, such as https://hooks.example.com
    #[argh(option)]
    base: Option<String>,
}

impl Url {
    pub(super) fn run(self) -> Exit {
        let mut bytes = match std::fs::read(&self.key).map(Zeroizing::new) {
            Ok(bytes) => bytes,
            Err(error) => {
                complain(&format!("the key file {} cannot be read: {error}", self.key.display()));
                return Exit::Failed;
            }
        };
        if trim_newline(&mut bytes) {
            complain(
                "note: the newline at the end of the file is not part of the key, so `sha256sum` of the file prints \
                 another digest (only a flux-recv configuration counts it: `boathook check` prints its paths)",
            );
        }
        if bytes.is_empty() {
            complain(&format!(
                "the key file {} is empty: make a key with `boathook keygen`",
                self.key.display()
            ));
            return Exit::Failed;
        }
        let path = Key::new(bytes).path_digest(b"").expose_path();
        let base = self.base.unwrap_or_default();
        print(&format!("{}{path}\n", base.trim_end_matches('/')));
        Exit::Done
    }
}
