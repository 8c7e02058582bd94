//! What reading a configuration found: mistakes, warnings, and the files that were read.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::path::{Path, PathBuf};

use super::locate::{Place, locate};
pub use super::watched::Watched;
use crate::text::printable;

/// How many bytes are read to find lines: each costs a reading of the whole file, and thousands of findings in a
/// large file shall not take minutes. In a file of the usual size every finding has its line.
const SEARCHED: usize = 4 * 1024 * 1024;

/// The longest text of a finding, and the longest path, in characters: they may quote what stands in the file.
const LONGEST: (usize, usize) = (2000, 300);

/// Where in the configuration a value stands: `endpoints[2].rules[0].when.image`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FieldPath(pub(super) Vec<Segment>);

/// One step of a [`FieldPath`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Segment {
    Field(String),
    Index(usize),
}

impl FieldPath {
    /// The path of a field of the mapping at this path.
    #[must_use]
    pub fn field(&self, name: &str) -> Self {
        self.join(Segment::Field(name.to_owned()))
    }

    /// The path of an item of the list at this path.
    #[must_use]
    pub fn index(&self, index: usize) -> Self {
        self.join(Segment::Index(index))
    }

    fn join(&self, segment: Segment) -> Self {
        let mut path = self.0.clone();
        path.push(segment);
        Self(path)
    }
}

impl fmt::Display for FieldPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, segment) in self.0.iter().enumerate() {
            match segment {
                Segment::Field(name) if i == 0 => write!(f, "{}", name.escape_debug())?,
                Segment::Field(name) => write!(f, ".{}", name.escape_debug())?,
                Segment::Index(index) => write!(f, "[{index}]")?,
            }
        }
        Ok(())
    }
}

/// Collects what is wrong or unwise while a configuration is read, so that all of it is told at once.
#[derive(Debug, Default)]
pub struct Report {
    mistakes: RefCell<Vec<Finding>>,
    warnings: RefCell<Vec<Finding>>,
    files: RefCell<Vec<Watched>>,
    directory: PathBuf,
    takes_null: Cell<bool>,
}

#[derive(Debug)]
struct Finding {
    path: FieldPath,
    text: String,
}

impl Report {
    /// A report on a configuration whose relative file names start from `directory`.
    pub fn new(directory: &Path) -> Self {
        Self { directory: directory.to_owned(), ..Self::default() }
    }

    /// The configuration cannot be used: what is wrong, and the way out.
    pub fn mistake(&self, path: &FieldPath, text: impl Into<String>) {
        self.mistakes.borrow_mut().push(Finding { path: path.clone(), text: text.into() });
    }

    /// The configuration can be used but is unwise here.
    pub fn warn(&self, path: &FieldPath, text: impl Into<String>) {
        self.warnings.borrow_mut().push(Finding { path: path.clone(), text: text.into() });
    }

    /// From now on a field that is `null` is as good as left out, as flux-recv has it.
    pub(super) fn take_null(&self) {
        self.takes_null.set(true);
    }

    /// Whether a field that is `null` is as good as left out.
    pub(super) fn takes_null(&self) -> bool {
        self.takes_null.get()
    }

    /// How many mistakes there are so far.
    pub fn mistakes(&self) -> usize {
        self.mistakes.borrow().len()
    }

    /// Resolves a file name against the configuration's directory.
    pub fn file(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    /// Resolves a file name and remembers the file, as it is now, as one whose change makes the configuration be
    /// read again: to be called before it is read.
    pub fn watched_file(&self, name: &str) -> PathBuf {
        let path = self.file(name);
        self.files.borrow_mut().push(Watched::now(path.clone()));
        path
    }

    /// Gives each finding its line and ends the report.
    pub fn finish(self, file: &Path, text: &str) -> Findings {
        let mut searches = SEARCHED / text.len().max(1);
        let mut place = |findings: RefCell<Vec<Finding>>| {
            let tell = |Finding { path, text: what }| {
                let place = if searches > 0 { locate(text, &path) } else { None };
                searches = searches.saturating_sub(1);
                Told { file: file.to_owned(), place, field: path.to_string(), text: what }
            };
            let mut told: Vec<_> = findings.into_inner().into_iter().map(tell).collect();
            told.sort_by_key(|told| (told.place.is_none(), told.place));
            told
        };
        Findings {
            mistakes: place(self.mistakes),
            warnings: place(self.warnings),
            files: self.files.into_inner(),
        }
    }
}

/// All that was found, in the order of the file.
#[derive(Debug)]
pub struct Findings {
    /// What makes the configuration unusable.
    pub mistakes: Vec<Told>,
    /// What is legal but unwise.
    pub warnings: Vec<Told>,
    /// The files that were read, as they were before they were read.
    pub files: Vec<Watched>,
}

/// One finding as a person reads it: `config.yaml:12: endpoints[0].source: …`.
#[derive(Debug)]
pub struct Told {
    file: PathBuf,
    place: Option<Place>,
    field: String,
    text: String,
}

impl Told {
    /// A finding about a file as a whole, such as one that cannot be read.
    pub fn whole(file: &Path, place: Option<Place>, text: impl Into<String>) -> Self {
        Self { file: file.to_owned(), place, field: String::new(), text: text.into() }
    }
}

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file.display())?;
        if let Some(place) = self.place {
            write!(f, ":{}:{}", place.line, place.column)?;
        }
        f.write_str(": ")?;
        if !self.field.is_empty() {
            write!(f, "{}: ", printable(&self.field, LONGEST.1))?;
        }
        f.write_str(&printable(&self.text, LONGEST.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_in_the_file_neither_steers_a_terminal_nor_floods_it() {
        let text = "endpoints:\n- name: a\n";
        let report = Report::new(Path::new(""));
        let path = FieldPath::default().field("endpoints").index(0).field("name");
        report.mistake(&path, format!("no file \u{1b}[31m\u{202e}\n{}", "x".repeat(5000)));
        let told = report.finish(Path::new("c.yaml"), text).mistakes.remove(0).to_string();
        assert!(told.starts_with(r"c.yaml:2:9: endpoints[0].name: no file \u{1b}[31m\u{202e}\nx"), "{told}");
        assert!(told.len() < 2100 && told.ends_with('…'), "{told}");
        let whole = Told::whole(Path::new("c.yaml"), None, "\u{85}").to_string();
        assert_eq!(whole, r"c.yaml: \u{85}");
    }
}
