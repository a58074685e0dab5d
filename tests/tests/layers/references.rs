//! Which modules a source text refers to. Comments do not count, nor does what stands below `#[cfg(test)]`.

/// A path as written: `crate`, `super` or `self` and what follows.
pub(crate) type Path = Vec<String>;

/// Every such path in a file, groups taken apart: `crate::{a::B, c}` is `crate::a::B` and `crate::c`.
pub(crate) fn references(source: &str) -> Vec<Path> {
    let code = code(source);
    let mut found = Vec::new();
    for root in ["crate", "super", "self"] {
        let start = format!("{root}::");
        for (at, _) in code.match_indices(&start) {
            if stands_alone(&code[..at]) {
                let mut reader = Reader {
                    rest: &code[at + start.len()..],
                };
                reader.tree(&[root.to_owned()], &mut found);
            }
        }
    }
    found
}

/// The modules that a file declares in files of their own, in order, without its tests.
pub(crate) fn declared(source: &str) -> Vec<String> {
    let code = code(source);
    let declarations = code.lines().filter_map(|line| {
        let line = line.trim().strip_suffix(';')?;
        let (before, name) = line.rsplit_once(' ')?;
        let visible = before.strip_suffix("mod")?.trim();
        (visible.is_empty() || visible.starts_with("pub")).then(|| name.to_owned())
    });
    declarations.collect()
}

/// The text without comments and without its tests.
fn code(source: &str) -> String {
    let lines = source
        .lines()
        .take_while(|line| line.trim() != "#[cfg(test)]")
        .map(|line| line.split("//").next().unwrap_or_default());
    lines.collect::<Vec<_>>().join("\n")
}

/// Whether a path may begin here: not inside a word, not within another path, not a macro's `$crate`.
fn stands_alone(before: &str) -> bool {
    !before.ends_with(|last: char| is_word(last) || last == ':' || last == '$')
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Reads what follows a `::`.
struct Reader<'a> {
    rest: &'a str,
}

impl Reader<'_> {
    fn tree(&mut self, prefix: &[String], found: &mut Vec<Path>) {
        let mut path = prefix.to_vec();
        loop {
            self.skip_space();
            if self.take("{") {
                return self.group(&path, found);
            }
            let word = self.word();
            if word.is_empty() {
                break;
            }
            path.push(word);
            if !self.take("::") {
                break;
            }
        }
        found.push(path);
    }

    fn group(&mut self, prefix: &[String], found: &mut Vec<Path>) {
        while !self.rest.is_empty() {
            self.tree(prefix, found);
            // On to the next comma of this group: over ` as name`, `*` and spaces.
            let next = self.rest.find([',', '}']).unwrap_or(self.rest.len());
            self.rest = &self.rest[next..];
            self.take(",");
            self.skip_space();
            if self.take("}") {
                return;
            }
        }
    }

    fn word(&mut self) -> String {
        let end = self.rest.find(|c| !is_word(c)).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest;
        word.to_owned()
    }

    fn take(&mut self, mark: &str) -> bool {
        match self.rest.strip_prefix(mark) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn skip_space(&mut self) {
        self.rest = self.rest.trim_start();
    }
}
