//! What reading a configuration found: mistakes, warnings, and the files that were read.

use std::cell::RefCell;
use std::fmt;
use std::path::{Path, PathBuf};

use super::locate::{Place, locate};

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
                Segment::Field(name) if i == 0 => f.write_str(name)?,
                Segment::Field(name) => write!(f, ".{name}")?,
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
    files: RefCell<Vec<PathBuf>>,
    directory: PathBuf,
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

    /// How many mistakes there are so far.
    pub fn mistakes(&self) -> usize {
        self.mistakes.borrow().len()
    }

    /// Resolves a file name against the configuration's directory and remembers it as one to watch.
    pub fn file(&self, name: &str) -> PathBuf {
        let path = self.directory.join(name);
        self.files.borrow_mut().push(path.clone());
        path
    }

    /// Gives each finding its line and ends the report.
    pub fn finish(self, file: &Path, text: &str) -> Findings {
        let place = |findings: RefCell<Vec<Finding>>| {
            let mut told: Vec<_> = findings
                .into_inner()
                .into_iter()
                .map(|Finding { path, text: what }| {
                    let field = path.to_string();
                    Told { file: file.to_owned(), place: locate(text, &path), field, text: what }
                })
                .collect();
            told.sort_by_key(|told| told.place);
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
    /// The files that the configuration names and that were read.
    pub files: Vec<PathBuf>,
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
            write!(f, "{}: ", self.field)?;
        }
        f.write_str(&self.text)
    }
}
