//! Opening the journal: waiting for a predecessor, and getting past a file that is damaged.

use std::io;
use std::path::Path;
use std::time::Duration;

use super::Table;
use super::disk::{Disk, Place as _};
use super::failure::{Failure, OpenError};
use super::store::Store;

/// Above which size is a file made smaller that holds a quarter of that, or less?
const LARGE: u64 = 4 * 1024 * 1024;

/// Opens the journal in a directory, and hands out every record that it holds.
pub(super) fn open(
    directory: &Path,
    patience: Duration,
    mut each: impl FnMut(Table, u64, &[u8]),
) -> Result<(Disk, Store), OpenError> {
    let mut disk = Disk::claim(directory, patience)?;
    let path = disk.path().to_owned();
    let mut store = match load(&mut disk) {
        Err(Failure::Damaged(reason)) => {
            disk.set_aside(&reason).map_err(|error| explain(error.into(), &path))?;
            load(&mut disk)
        }
        other => other,
    }
    .map_err(|failure| explain(failure, &path))?;
    let bytes = store.each(&mut each).map_err(|failure| match failure {
        // What was handed out may not be all: nobody can go on from there.
        Failure::Damaged(reason) => match disk.set_aside(&reason) {
            Ok(aside) => OpenError::Broken { path: path.clone(), aside, reason },
            Err(error) => OpenError::Refused { path: path.clone(), error },
        },
        failure => explain(failure, &path),
    })?;
    let size = disk.size();
    if size > LARGE && bytes < size / 4 {
        store = compacted(store, &mut disk).map_err(|failure| explain(failure, &path))?;
    }
    Ok((disk, store))
}

fn load(disk: &mut Disk) -> Result<Store, Failure> {
    Store::open(disk.open()?)
}

/// Makes the file smaller. Where that fails the journal is as good as before.
fn compacted(mut store: Store, disk: &mut Disk) -> Result<Store, Failure> {
    let Err(failure) = store.compact() else { return Ok(store) };
    log::warn!("the journal {} cannot be compacted: {failure}", disk.path().display());
    drop(store);
    load(disk)
}

fn explain(failure: Failure, path: &Path) -> OpenError {
    let path = path.to_owned();
    match failure {
        Failure::Refused(error) => OpenError::Refused { path, error },
        Failure::Newer(format) => OpenError::Newer { path, format },
        Failure::Damaged(reason) => OpenError::Refused { path, error: io::Error::other(reason) },
    }
}

#[cfg(test)]
mod tests;
