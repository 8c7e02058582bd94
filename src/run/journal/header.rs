//! What a file begins with: looked at before the database opens it.

use redb::StorageBackend;

use super::failure::Failure;

/// What redb files begin with.
const MAGIC: &[u8; 9] = b"redb\x1a\x0a\xa9\x0d\x0a";
/// Where the format of the two commit slots stands, and the one that is known.
const SLOTS: [usize; 2] = [64, 192];
const SLOT_FORMAT: u8 = 3;

/// Looks at a file before it is opened.
pub(super) fn look(bytes: &impl StorageBackend) -> Result<(), Failure> {
    let mut header = [0; 256];
    let length = bytes.len()?;
    if length < header.len() as u64 {
        return Ok(());
    }
    bytes.read(0, &mut header)?;
    if header.iter().all(|byte| *byte == 0) && is_empty(bytes, length)? {
        // The process ended while it made the file: there never was anything in it.
        bytes.set_len(0)?;
    }
    let [first, second] = SLOTS.map(|slot| header.get(slot).copied().unwrap_or_default());
    if header.starts_with(MAGIC) && first == second && first > SLOT_FORMAT && first < 32 {
        // The database would say that such a file is corrupt.
        return Err(Failure::Newer(format!("redb's file format {first}")));
    }
    Ok(())
}

fn is_empty(bytes: &impl StorageBackend, length: u64) -> Result<bool, Failure> {
    let mut block = [0; 4096];
    for offset in (0..length).step_by(block.len()) {
        let size = usize::try_from(length - offset).unwrap_or(usize::MAX).min(block.len());
        let (block, _) = block.split_at_mut(size);
        bytes.read(offset, block)?;
        if block.iter().any(|byte| *byte != 0) {
            return Ok(false);
        }
    }
    Ok(true)
}
