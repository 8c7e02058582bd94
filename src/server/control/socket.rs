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

/// Why there is no control socket.
#[derive(Debug)]
pub enum NoSocket {
    /// Another relay has it, and so the state directory.
    Taken(String),
    /// It cannot be made, on a file system without sockets for one.
    Impossible(String),
}

/// Listens on the control socket of a state directory.
pub async fn bind(directory: &Path) -> Result<(UnixListener, Socket), NoSocket> {
    let path = state::socket(directory).map_err(NoSocket::Impossible)?;
    if is_answered(&path).await {
        let why =
            format!("another relay answers at {}: a state directory is one relay's own", path.display());
        return Err(NoSocket::Taken(why));
    }
    make(directory, &path).map_err(|error| {
        NoSocket::Impossible(format!("the control socket {} cannot be made: {error}", path.display()))
    })
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
    DirBuilder::new().mode(0o700).recursive(true).create(directory)?;
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
