//! The database: tables of numbered records, and the format that they are in.

use std::ops::RangeInclusive;
use std::panic::{AssertUnwindSafe, catch_unwind};

use redb::{
    Database, ReadOnlyTable, ReadableDatabase as _, ReadableTable as _, StorageBackend, TableDefinition,
    TableError, WriteTransaction,
};

use super::failure::{Failure, unpanicked};
use super::{Table, Write, header};

/// The format of the records. A boathook refuses what has a higher one.
pub(super) const FORMAT: u64 = 1;

/// What of the file is kept in memory. With a quarter of it a commit of 64 deliveries takes a third longer: what it
/// changes is written, dropped and read again before it ends.
const CACHE: usize = 256 * 1024;

/// All tables are of one type: the code for them is in the binary once.
type Definition = TableDefinition<'static, u64, &'static [u8]>;
type Open<'transaction> = redb::Table<'transaction, u64, &'static [u8]>;

/// What the file says of itself. No format may change how this table is read.
const META: Definition = TableDefinition::new("meta");
/// In [`META`]: the format, in decimal digits.
const FORMAT_KEY: u64 = 0;
/// In [`META`]: what is written to see whether there is room.
const PROBE_KEYS: RangeInclusive<u64> = 1..=16;
/// As much as a large delivery's record. All of them together are room for many deliveries: with room for one the
/// disk would be full again at the next but one.
const PROBE: &[u8] = &[b' '; 16 * 1024];

fn definition(table: Table) -> Definition {
    TableDefinition::new(match table {
        Table::Pending => "pending",
        Table::Progress => "progress",
        Table::Ended => "ended",
        Table::Holds => "holds",
        Table::Notices => "notices",
    })
}

/// A database that is open.
pub(super) struct Store {
    /// `None` once it is closed.
    database: Option<Database>,
    /// Whether the format stands in it.
    marked: bool,
}

impl Store {
    /// Opens what is there; begins a database where there is nothing.
    pub(super) fn open(bytes: impl StorageBackend) -> Result<Self, Failure> {
        unpanicked(|| {
            header::look(&bytes)?;
            // The checksums of all pages are compared, not only after a crash: it takes 1 ms for 2 MB, and what is
            // damaged is known before any of it is read.
            let mut builder = Database::builder();
            builder.set_cache_size(CACHE).set_check_integrity_on_open(true);
            let database = builder.create_with_backend(bytes).map_err(Failure::of)?;
            let mut store = Self { database: Some(database), marked: false };
            store.marked = store.check_format()?;
            Ok(store)
        })
    }

    /// Opens a database of whatever format.
    #[cfg(test)]
    pub(super) fn open_any(bytes: impl StorageBackend) -> Self {
        Self { database: Some(Database::builder().create_with_backend(bytes).unwrap()), marked: true }
    }

    fn database(&self) -> Result<&Database, Failure> {
        self.database.as_ref().ok_or_else(|| Failure::Refused(std::io::Error::other("the journal is closed")))
    }

    /// Whether the format stands there, and is one that is known.
    fn check_format(&self) -> Result<bool, Failure> {
        let Some(meta) = self.table(META)? else { return Ok(false) };
        let Some(format) = meta.get(FORMAT_KEY).map_err(Failure::of)? else { return Ok(false) };
        let format = std::str::from_utf8(format.value()).ok().and_then(|digits| digits.parse::<u64>().ok());
        match format {
            Some(format) if format > FORMAT => Err(Failure::Newer(format!("format {format}"))),
            Some(_) => Ok(true),
            None => Err(Failure::Damaged("its format is not a number".into())),
        }
    }

    fn table(&self, table: Definition) -> Result<Option<ReadOnlyTable<u64, &'static [u8]>>, Failure> {
        match self.database()?.begin_read().map_err(Failure::of)?.open_table(table) {
            Ok(table) => Ok(Some(table)),
            Err(TableError::TableDoesNotExist(_)) => Ok(None),
            Err(error) => Err(Failure::of(error)),
        }
    }

    /// Hands out every record, table by table, and says how many bytes they have.
    pub(super) fn each(&self, each: &mut impl FnMut(Table, u64, &[u8])) -> Result<u64, Failure> {
        let mut bytes = 0;
        for name in Table::ALL {
            let Some(table) = unpanicked(|| self.table(definition(name)))? else { continue };
            let mut records = unpanicked(|| table.iter().map_err(Failure::of))?;
            // A panic in what the caller does is the caller's.
            while let Some((key, value)) = unpanicked(|| records.next().transpose().map_err(Failure::of))? {
                bytes += value.value().len() as u64;
                each(name, key.value(), value.value());
            }
        }
        Ok(bytes)
    }

    pub(super) fn read(&self, table: Table, key: u64) -> Result<Option<Vec<u8>>, Failure> {
        unpanicked(|| {
            let Some(table) = self.table(definition(table))? else { return Ok(None) };
            let value = table.get(key).map_err(Failure::of)?;
            Ok(value.map(|value| value.value().to_vec()))
        })
    }

    pub(super) fn newest(
        &self,
        table: Table,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Vec<(u64, Vec<u8>)>, Failure> {
        unpanicked(|| {
            let Some(table) = self.table(definition(table))? else { return Ok(Vec::new()) };
            let below = match before {
                Some(before) => table.range(..before),
                None => table.range::<u64>(..),
            };
            let newest = below.map_err(Failure::of)?.rev().take(limit);
            newest
                .map(|record| {
                    record.map(|(key, value)| (key.value(), value.value().to_vec())).map_err(Failure::of)
                })
                .collect()
        })
    }

    /// Does what it is given in one transaction, which is on the disk when this returns.
    ///
    /// After a failure the transaction may be on the disk or not, and the store must be opened again.
    pub(super) fn commit(
        &mut self,
        work: impl FnOnce(&mut Tables<'_>) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let marked = self.marked;
        unpanicked(|| {
            let transaction = self.database()?.begin_write().map_err(Failure::of)?;
            if !marked {
                let mut meta = transaction.open_table(META).map_err(Failure::of)?;
                meta.insert(FORMAT_KEY, FORMAT.to_string().as_bytes()).map_err(Failure::of)?;
            }
            let mut tables = Tables::of(&transaction);
            work(&mut tables)?;
            drop(tables);
            transaction.commit().map_err(Failure::of)
        })?;
        self.marked = true;
        Ok(())
    }

    /// Finds out whether there is room to go on for a while.
    pub(super) fn probe(&mut self) -> Result<(), Failure> {
        self.commit(|tables| tables.probe(Some(PROBE)))?;
        self.commit(|tables| tables.probe(None))
    }

    /// Gives back what is free inside the file.
    pub(super) fn compact(&mut self) -> Result<(), Failure> {
        let database = self.database.as_mut();
        unpanicked(|| database.map_or(Ok(false), |database| database.compact().map_err(Failure::of)))?;
        Ok(())
    }

    /// Writes a database of another format.
    #[cfg(test)]
    pub(super) fn mark(&mut self, format: &str) {
        let database = self.database().unwrap();
        let transaction = database.begin_write().unwrap();
        transaction.open_table(META).unwrap().insert(FORMAT_KEY, format.as_bytes()).unwrap();
        transaction.commit().unwrap();
    }
}

impl Drop for Store {
    /// A database in which something panicked may do so again.
    fn drop(&mut self) {
        let database = self.database.take();
        if catch_unwind(AssertUnwindSafe(|| drop(database))).is_err() {
            log::debug!("the journal's database panicked when it was closed");
        }
    }
}

/// The tables of a transaction, opened as they are needed.
pub(super) struct Tables<'transaction> {
    transaction: &'transaction WriteTransaction,
    pending: Option<Open<'transaction>>,
    progress: Option<Open<'transaction>>,
    ended: Option<Open<'transaction>>,
    holds: Option<Open<'transaction>>,
    notices: Option<Open<'transaction>>,
}

impl<'transaction> Tables<'transaction> {
    fn of(transaction: &'transaction WriteTransaction) -> Self {
        Self { transaction, pending: None, progress: None, ended: None, holds: None, notices: None }
    }

    fn table(&mut self, table: Table) -> Result<&mut Open<'transaction>, Failure> {
        let slot = match table {
            Table::Pending => &mut self.pending,
            Table::Progress => &mut self.progress,
            Table::Ended => &mut self.ended,
            Table::Holds => &mut self.holds,
            Table::Notices => &mut self.notices,
        };
        match slot {
            Some(open) => Ok(open),
            None => Ok(slot.insert(self.transaction.open_table(definition(table)).map_err(Failure::of)?)),
        }
    }

    /// Replaces or removes a record.
    pub(super) fn put(&mut self, table: Table, key: u64, value: Option<&[u8]>) -> Result<(), Failure> {
        let table = self.table(table)?;
        match value {
            Some(value) => table.insert(key, value).map(drop),
            None => table.remove(key).map(drop),
        }
        .map_err(Failure::of)
    }

    /// The same, and says what was there.
    pub(super) fn exchange(&mut self, write: &Write) -> Result<Option<Vec<u8>>, Failure> {
        let table = self.table(write.table)?;
        let before = match &write.value {
            Some(value) => table.insert(write.key, value.as_slice()),
            None => table.remove(write.key),
        };
        Ok(before.map_err(Failure::of)?.map(|value| value.value().to_vec()))
    }

    fn probe(&mut self, value: Option<&[u8]>) -> Result<(), Failure> {
        let mut meta = self.transaction.open_table(META).map_err(Failure::of)?;
        PROBE_KEYS.into_iter().try_for_each(|key| {
            match value {
                Some(value) => meta.insert(key, value).map(drop),
                None => meta.remove(key).map(drop),
            }
            .map_err(Failure::of)
        })
    }
}
