//! A file's text, and where in it something stands.

use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// A file that was read: its text, and its name as the operator gave it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// As shown in messages; paths in the file start at its folder.
    pub path: PathBuf,
    /// What it says.
    pub text: String,
}

/// A place as editors count: lines and columns from 1, columns in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// From 1.
    pub line: usize,
    /// From 1.
    pub column: usize,
}

impl Source {
    /// Reads a file; the error names it and says what to do.
    pub fn read(path: &Path) -> io::Result<Self> {
        let bytes = std::fs::read(path).map_err(|error| cannot_read(path, &error))?;
        let text = String::from_utf8(bytes).map_err(|error| not_text(path, error.as_bytes()))?;
        Ok(Self {
            path: path.to_owned(),
            text,
        })
    }

    /// Where a byte stands. An offset behind the end, or within a character, counts as the place before it.
    pub fn position(&self, offset: usize) -> Position {
        position(&self.text, offset)
    }

    /// The folder at which the file's relative paths start.
    pub fn folder(&self) -> &Path {
        self.path.parent().unwrap_or_else(|| Path::new(""))
    }

    /// The range, cut so that it lies within the text and splits no character.
    pub(super) fn within(&self, span: &Range<usize>) -> Range<usize> {
        let start = self.text.floor_char_boundary(span.start);
        let end = self.text.floor_char_boundary(span.end.max(start));
        start..end
    }
}

fn position(text: &str, offset: usize) -> Position {
    let before = &text[..text.floor_char_boundary(offset)];
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    Position {
        line: before.matches('\n').count() + 1,
        column: before[line_start..].chars().count() + 1,
    }
}

fn cannot_read(path: &Path, error: &io::Error) -> io::Error {
    let shown = path.display();
    let said = match error.kind() {
        io::ErrorKind::NotFound => format!(
            "{shown}: there is no such file; name another with --config, or write a first one: \
             banyan init --legacy URL"
        ),
        io::ErrorKind::IsADirectory => format!("{shown}: is a folder, not a file"),
        io::ErrorKind::PermissionDenied => {
            format!("{shown}: this process may not read it; check its owner and mode")
        }
        _ => format!("{shown}: cannot be read: {error}"),
    };
    io::Error::new(error.kind(), said)
}

fn not_text(path: &Path, bytes: &[u8]) -> io::Error {
    let valid = match str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => str::from_utf8(&bytes[..error.valid_up_to()]).unwrap_or_default(),
    };
    let Position { line, column } = position(valid, valid.len());
    io::Error::new(
        io::ErrorKind::InvalidData,
        format!(
            "{}:{line}:{column}: a byte here is not UTF-8; save the file as UTF-8",
            path.display()
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(text: &str) -> Source {
        Source {
            path: PathBuf::from("routes.toml"),
            text: text.to_owned(),
        }
    }

    #[test]
    fn columns_count_characters_and_nothing_lies_outside() {
        let source = source("a\ncaf\u{e9} = 1\n");
        let at = |offset| {
            let Position { line, column } = source.position(offset);
            (line, column)
        };
        assert_eq!(at(0), (1, 1));
        assert_eq!(at(2), (2, 1));
        assert_eq!(at(5), (2, 4));
        assert_eq!(at(6), (2, 4), "within a character");
        assert_eq!(at(7), (2, 5));
        assert_eq!(at(9999), (3, 1));
        assert_eq!(source.within(&(6..9999)), 5..source.text.len());
    }

    #[test]
    fn what_cannot_be_read_is_said_with_the_files_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("routes.toml");
        let missing = Source::read(&path).unwrap_err().to_string();
        assert!(missing.contains("no such file") && missing.contains("banyan init"));
        std::fs::write(&path, b"version = 1\nx = \"\xff\"\n").unwrap();
        let broken = Source::read(&path).unwrap_err().to_string();
        assert!(broken.contains("routes.toml:2:6: "), "{broken}");
        assert!(Source::read(folder.path()).is_err());
    }
}
