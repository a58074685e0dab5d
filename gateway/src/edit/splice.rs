//! Replaces ranges of a text, and finds where its lines end.

use std::ops::Range;

/// Ranges that are replaced, none over another.
pub(super) struct Splices<'t> {
    text: &'t str,
    made: Vec<(Range<usize>, String)>,
}

impl<'t> Splices<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Self {
            text,
            made: Vec::new(),
        }
    }

    pub(super) fn replace(&mut self, range: Range<usize>, with: impl Into<String>) {
        self.made.push((range, with.into()));
    }

    pub(super) fn insert(&mut self, at: usize, text: impl Into<String>) {
        self.replace(at..at, text);
    }

    /// The text with all of them.
    pub(super) fn apply(mut self) -> String {
        self.made.sort_by_key(|(range, _)| range.start);
        let mut edited = self.text.to_owned();
        for (range, with) in self.made.iter().rev() {
            edited.replace_range(range.clone(), with);
        }
        edited
    }
}

/// Where the line begins in which `at` stands.
pub(super) fn line_start(text: &str, at: usize) -> usize {
    text[..at].rfind('\n').map_or(0, |newline| newline + 1)
}

/// Where the line ends in which `at` stands: before its line ending.
pub(super) fn line_end(text: &str, at: usize) -> usize {
    let end = text[at..].find('\n').map_or(text.len(), |found| at + found);
    if text[at..end].ends_with('\r') {
        end - 1
    } else {
        end
    }
}

/// The line ending of the line that ends there; of the last line, what the first one has.
pub(super) fn line_ending(text: &str, end: usize) -> &'static str {
    let rest = &text[end..];
    let first = || {
        text.split_once('\n')
            .is_some_and(|(line, _)| line.ends_with('\r'))
    };
    if rest.starts_with("\r\n") || (rest.is_empty() && first()) {
        "\r\n"
    } else {
        "\n"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_end_before_their_line_endings() {
        let text = "ab\r\ncd\nef";
        let line = |at| &text[line_start(text, at)..line_end(text, at)];
        assert_eq!(
            [line(0), line(2), line(5), line(9)],
            ["ab", "ab", "cd", "ef"]
        );
        assert_eq!(line_ending(text, 2), "\r\n");
        assert_eq!(line_ending(text, 6), "\n");
        assert_eq!(line_ending(text, 9), "\r\n");
        assert_eq!(line_ending("", 0), "\n");
    }

    #[test]
    fn replacements_do_not_move_each_other() {
        let mut splices = Splices::new("one two three");
        splices.replace(8..13, "3");
        splices.replace(0..3, "1");
        splices.insert(7, "!");
        assert_eq!(splices.apply(), "1 two! 3");
    }
}
