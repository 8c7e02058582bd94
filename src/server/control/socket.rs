//! The control socket's file. It must never be there with other rights than 0600, not for an instant, and the one
//! of a predecessor that was killed is in nobody's way.

use std::fs::{self, DirBuilder, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use tokio::net::{UnixListener, UnixStream};

use crate::config::state;

/// The file, which is removed when this is dropped.
#[derive(Debug)]
pub struct Socket {
    path: PathBuf,
    file: (u64, u64),
}

/// Listens on the control socket of a state directory. Fails only if another relay has it, and so the directory:
/// on a file system without sockets hooks are served all the same.
pub async fn open(directory: &Path) -> Result<Option<(UnixListener, Socket)>, String> {
    let path = state::socket(directory)?;
    let shown = path.display();
    if is_answered(&path).await {
        return Err(format!("another relay answers at {shown}: a state directory is one relay's own"));
    }
    Ok(make(directory, &path)
        .inspect_err(|error| {
            log::error!(
                "the control socket {shown} cannot be made: {error}; `boathook deliveries`, `redeliver` and `hold` have \
                 nobody to ask"
            );
        })
        .ok())
}

/// Whether somebody listens there. Nobody does at what a killed relay has left.
async fn is_answered(path: &Path) -> bool {
    match UnixStream::connect(path).await {
        Ok(_) => true,
        // Somebody does, and is very busy.
        Err(error) => error.kind() == io::ErrorKind::WouldBlock,
    }
}

/// Binds in a directory that nobody else can look into, sets the rights, and moves the socket to its place: bound
/// in its place it would have the rights of the umask until they are set.
fn make(directory: &Path, path: &Path) -> io::Result<(UnixListener, Socket)> {
    // Short, so that wherever the socket's own path fits this one does.
    let hidden = directory.join(format!(".s{}", std::process::id()));
    // A predecessor with the same process id, as it is in containers, may have been killed just here.
    clear(&hidden)?;
    DirBuilder::new().mode(0o700).create(&hidden)?;
    let bound = bind_hidden(&hidden.join("s"), path);
    bound
        .and_then(|listener| {
            let file = identity(path)?;
            Ok((listener, Socket { path: path.to_owned(), file }))
        })
        .inspect_err(|_| drop(clear(&hidden)))
        .and_then(|made| clear(&hidden).map(|()| made))
}

fn bind_hidden(hidden: &Path, path: &Path) -> io::Result<UnixListener> {
    let listener = UnixListener::bind(hidden)?;
    fs::set_permissions(hidden, Permissions::from_mode(0o600))?;
    fs::rename(hidden, path)?;
    Ok(listener)
}

fn clear(hidden: &Path) -> io::Result<()> {
    match fs::remove_dir_all(hidden) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn identity(path: &Path) -> io::Result<(u64, u64)> {
    fs::symlink_metadata(path).map(|file| (file.dev(), file.ino()))
}

impl Drop for Socket {
    fn drop(&mut self) {
        // Not the one of a successor.
        if identity(&self.path).is_ok_and(|file| file == self.file) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A directory of this test's own.
    fn directory(name: &str) -> PathBuf {
        let directory = std::env::temp_dir().join(format!("boathook-socket-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&directory);
        fs::create_dir_all(&directory).unwrap();
        directory
    }

    #[tokio::test]
    async fn one_relay_has_it_and_it_goes_with_that_one() {
        let state = directory("one");
        let (listener, socket) = open(&state).await.unwrap().unwrap();
        let why = open(&state).await.unwrap_err();
        assert!(why.contains("another relay answers"), "{why}");
        drop(listener);
        let (_listener, successor) = open(&state).await.unwrap().unwrap();
        drop(socket);
        assert!(state.join("boathook.sock").exists(), "it is the successor's");
        drop(successor);
        assert_eq!(fs::read_dir(&state).unwrap().count(), 0);
        fs::remove_dir_all(&state).unwrap();
    }

    #[tokio::test]
    async fn what_a_killed_predecessor_left_is_in_nobodys_way() {
        let state = directory("left");
        let hidden = state.join(format!(".s{}", std::process::id()));
        fs::create_dir(&hidden).unwrap();
        drop(UnixListener::bind(hidden.join("s")).unwrap());
        drop(UnixListener::bind(state.join("boathook.sock")).unwrap());
        assert!(open(&state).await.unwrap().is_some());
        assert!(!hidden.exists());
        fs::remove_dir_all(&state).unwrap();
    }

    #[tokio::test]
    async fn hooks_need_no_socket() {
        let state = directory("file");
        fs::create_dir_all(state.join("boathook.sock/full")).unwrap();
        assert!(open(&state).await.unwrap().is_none());
        assert_eq!(fs::read_dir(&state).unwrap().count(), 1, "nothing is left behind");
        fs::remove_dir_all(&state).unwrap();
    }
}
