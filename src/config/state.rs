//! The state directory: where the journal is, and the socket over which commands talk to the running relay.

use std::path::{Path, PathBuf};

use super::read_text;

/// The control socket's name in the state directory.
const SOCKET: &str = "boathook.sock";

/// The longest path that the address of a unix socket has room for, in bytes (`sun_path`, without its end).
const LONGEST_SOCKET: usize = 107;

/// The control socket of a relay with this state directory; fails if its path is too long for one.
pub fn socket(state: &Path) -> Result<PathBuf, String> {
    let path = state.join(SOCKET);
    let length = path.as_os_str().len();
    if length > LONGEST_SOCKET {
        return Err(format!(
            "too long by {} bytes: the path of the socket in it, {SOCKET}, may have {LONGEST_SOCKET}",
            length - LONGEST_SOCKET
        ));
    }
    Ok(path)
}

/// The state directory that a configuration file names. Nothing else in it needs to be right, nor its keys
/// readable: a relay that runs is looked for with what it was started with.
pub fn named_in(file: &Path) -> Result<Option<PathBuf>, String> {
    let text = read_text(file)?;
    let value: serde_yaml::Value =
        serde_yaml::from_str(&text).map_err(|error| format!("this is not valid YAML: {error}"))?;
    Ok(value.get("state").and_then(serde_yaml::Value::as_str).map(PathBuf::from))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_socket_has_107_bytes() {
        let state = |length: usize| PathBuf::from(format!("/{}", "s".repeat(length - 1)));
        let longest = LONGEST_SOCKET - SOCKET.len() - 1;
        assert_eq!(socket(&state(longest)), Ok(state(longest).join("boathook.sock")));
        let why = socket(&state(longest + 2)).unwrap_err();
        assert!(why.starts_with("too long by 2 bytes"), "{why}");
    }
}
