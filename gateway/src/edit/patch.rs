//! An edit as a unified diff, for files that are not ours to write: `git apply` and `patch -p1` take it.

use std::path::{Component, Path};

use similar::TextDiff;

/// The diff from `before` to `after`; empty when they are the same.
pub fn unified(path: &Path, before: &str, after: &str) -> String {
    let name = name(path);
    // As git does: a tab ends a name with a space in it.
    let end = if name.contains(' ') { "\t" } else { "" };
    let (old, new) = (format!("a/{name}{end}"), format!("b/{name}{end}"));
    let diff = TextDiff::from_lines(before, after);
    diff.unified_diff().header(&old, &new).to_string()
}

/// The path as given, from the folder where the patch will be applied. Both tools refuse names that lead out of that
/// folder, and quote odd ones; of those only the last part is kept, or the usual name.
fn name(path: &Path) -> String {
    let is_plain = |name: &str| !name.contains(|c: char| c.is_control() || c == '"' || c == '\\');
    let parts: Option<Vec<&str>> = path
        .components()
        .filter(|part| !matches!(part, Component::RootDir | Component::CurDir))
        .map(|part| match part {
            Component::Normal(name) => name.to_str().filter(|name| is_plain(name)),
            _ => None,
        })
        .collect();
    let whole = parts.filter(|parts| !parts.is_empty());
    let last = || path.file_name()?.to_str().filter(|name| is_plain(name));
    whole.map_or_else(
        || last().unwrap_or("routes.toml").to_owned(),
        |parts| parts.join("/"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_patch_names_the_file_from_the_folder_where_it_is_applied() {
        for (path, expected) in [
            ("routes.toml", "routes.toml"),
            ("./conf/routes.toml", "conf/routes.toml"),
            ("/etc/banyan/routes.toml", "etc/banyan/routes.toml"),
            ("../conf/routes.toml", "routes.toml"),
            ("a\nb/r.toml", "r.toml"),
            ("a\nb", "routes.toml"),
        ] {
            assert_eq!(name(Path::new(path)), expected, "{path:?}");
        }
        assert_eq!(unified(Path::new("x"), "same\n", "same\n"), "");
    }
}
