//! Columns for a person's eyes.

use std::fmt;

use crate::text::printable;

/// The widest that a cell may be, in characters.
const WIDEST: usize = 100;

/// Rows of cells; each column is as wide as its widest cell, and nothing in a cell can break the line.
#[derive(Debug, Default)]
pub(super) struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table with this head.
    pub(super) fn new<const N: usize>(head: [&str; N]) -> Self {
        let mut table = Self::default();
        table.row(head);
        table
    }

    /// Adds a row.
    pub(super) fn row<const N: usize>(&mut self, cells: [&str; N]) {
        self.rows.push(cells.iter().map(|cell| printable(cell, WIDEST)).collect());
    }

    fn width(&self, column: usize) -> usize {
        let cells = self.rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for row in &self.rows {
            let cells = row.iter().enumerate();
            let padded = cells.map(|(column, cell)| format!("{cell:<width$}", width = self.width(column)));
            writeln!(f, "{}", padded.collect::<Vec<_>>().join("  ").trim_end())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_they_must_be() {
        let mut table = Table::new(["ID", "REASON"]);
        table.row(["72d3162e", ""]);
        table.row(["7", "a\nb"]);
        assert_eq!(table.to_string(), "ID        REASON\n72d3162e\n7         a\\nb\n");
        table.row(["8", &"x".repeat(500)]);
        assert_eq!(table.to_string().lines().map(|line| line.chars().count()).max(), Some(10 + WIDEST + 1));
    }
}
