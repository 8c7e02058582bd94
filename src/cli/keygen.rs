//! `boathook keygen`: a key that cannot be guessed.

use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;

use argh::FromArgs;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::rand::{SecureRandom, SystemRandom};

use super::{Exit, complain, print};

/// Bytes of randomness in a key.
const BYTES: usize = 32;

/// Make a key: 32 random bytes, in hex and without a newline.
#[derive(FromArgs)]
#[argh(
    subcommand,
    name = "keygen",
    usage = "[--out FILE] [--webhook]",
    note = "An endpoint has such a key. With --webhook it is one for a target in notify:\nwhsec_ and base64, as Standard Webhooks has it.\n",
    note = "The file is made with mode 0600; one that is there is never overwritten."
)]
pub(super) struct Keygen {
    /// the file to write; standard output without it
    #[argh(option)]
    out: Option<PathBuf>,
    /// make a signing key of Standard Webhooks, for a target in notify
    #[argh(switch)]
    webhook: bool,
}

impl Keygen {
    pub(super) fn run(self) -> Exit {
        let mut bytes = [0u8; BYTES];
        if SystemRandom::new().fill(&mut bytes).is_err() {
            complain("the system gives no randomness");
            return Exit::Failed;
        }
        let key = if self.webhook { format!("whsec_{}", STANDARD.encode(bytes)) } else { hex::encode(bytes) };
        let Some(file) = self.out else {
            print(&key);
            return Exit::Done;
        };
        let created = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&file);
        let written = created.and_then(|mut out| {
            // Part of a key would look like one, and stand in the way of the next try.
            let undo = |_: &std::io::Error| drop(std::fs::remove_file(&file));
            out.write_all(key.as_bytes()).and_then(|()| out.sync_all()).inspect_err(undo)
        });
        match written {
            Ok(()) => Exit::Done,
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
                complain(&format!("{} is there already, and a key is never overwritten", file.display()));
                Exit::Failed
            }
            Err(error) => {
                complain(&format!("{} cannot be written: {error}", file.display()));
                Exit::Failed
            }
        }
    }
}
