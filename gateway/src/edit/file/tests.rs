use super::*;
use std::mem::ManuallyDrop;
use std::os::unix::fs::{PermissionsExt as _, symlink};

use tempfile::TempDir;

const OLD: &str = "version = 1
admin.bind = \"127.0.0.1:1\"
\
    route.a = { path = \"/\", auth = \"none\", upstream = \"m\" }
\
    upstream.m.endpoints = [\"http://127.0.0.2:80\"]
";
const NEW: &str = "the next text";

fn folder() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("routes.toml");
    fs::write(&path, OLD).unwrap();
    (folder, path)
}

fn commit(editing: &Editing) -> Result<(), WriteError> {
    editing.commit(NEW, &|_| None)
}

fn names(folder: &TempDir) -> Vec<String> {
    let entries = fs::read_dir(folder.path()).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.collect();
    names.sort();
    names
}

#[test]
fn an_edit_is_put_in_place_with_the_files_mode() {
    let (folder, path) = folder();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    let before = fs::metadata(&path).unwrap();
    commit(&Editing::open(&path).unwrap()).unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), NEW);
    let after = fs::metadata(&path).unwrap();
    assert_eq!(after.mode(), before.mode());
    assert_eq!((after.uid(), after.gid()), (before.uid(), before.gid()));
    assert_ne!(
        after.ino(),
        before.ino(),
        "a file written in place could be seen half"
    );
    assert_eq!(names(&folder), ["routes.toml"]);
}

#[test]
fn a_link_stays_one_and_the_file_behind_it_is_replaced() {
    let (folder, path) = folder();
    let elsewhere = tempfile::tempdir().unwrap();
    let link = elsewhere.path().join("link.toml");
    symlink(&path, &link).unwrap();
    commit(&Editing::open(&link).unwrap()).unwrap();
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(fs::read_to_string(&path).unwrap(), NEW);
    assert_eq!(names(&folder), ["routes.toml"]);
    assert_eq!(names(&elsewhere), ["link.toml"]);
}

#[test]
fn what_somebody_else_wrote_meanwhile_stays_and_is_said() {
    let (folder, path) = folder();
    let editing = Editing::open(&path).unwrap();
    let theirs = OLD.replace(":1", ":2");
    fs::write(&path, &theirs).unwrap();
    let said = commit(&editing).unwrap_err().to_string();
    assert!(
        said.contains("changed by somebody else")
            && said.contains("admin.bind 127.0.0.1:1 -> 127.0.0.1:2"),
        "{said}"
    );
    assert_eq!(fs::read_to_string(&path).unwrap(), theirs);
    // Saved as an editor does, by another file in its place.
    let other = folder.path().join("other");
    fs::write(&other, "no toml [").unwrap();
    fs::rename(&other, &path).unwrap();
    let said = commit(&editing).unwrap_err().to_string();
    assert!(said.contains("\n  +no toml ["), "{said}");
    assert_eq!(names(&folder), ["routes.toml"]);
    fs::remove_file(&path).unwrap();
    assert!(matches!(commit(&editing), Err(WriteError::Refused { .. })));
    assert!(!path.exists());
}

#[test]
fn two_commands_do_not_write_at_once() {
    let (_folder, path) = folder();
    let editing = Editing::open(&path).unwrap();
    let other = File::open(&path).unwrap();
    other.try_lock().unwrap();
    assert!(matches!(commit(&editing), Err(WriteError::Busy { .. })));
    drop(other);
    commit(&editing).unwrap();
}

#[test]
fn a_command_that_dies_before_the_rename_leaves_the_old_file_and_stops_nobody() {
    let (folder, path) = folder();
    let real = fs::canonicalize(&path).unwrap();
    let (held, is_locked) = hold(&real).unwrap().unwrap();
    // Not dropped: who is killed tidies nothing up.
    let _dead = ManuallyDrop::new(Staged::new(&real, "half a fi", &held, is_locked).unwrap());
    drop(held);
    assert_eq!(fs::read_to_string(&path).unwrap(), OLD);
    assert_eq!(names(&folder), [".routes.toml.banyan-edit", "routes.toml"]);
    commit(&Editing::open(&path).unwrap()).unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), NEW);
    assert_eq!(names(&folder), ["routes.toml"]);
}

#[test]
fn without_locks_a_file_of_another_command_is_not_taken_away() {
    let (folder, path) = folder();
    fs::write(folder.path().join(".routes.toml.banyan-edit"), "theirs").unwrap();
    let held = File::open(&path).unwrap();
    let error = Staged::new(&path, NEW, &held, false).err().unwrap();
    assert!(
        error.to_string().contains("from another command"),
        "{error}"
    );
    assert_eq!(names(&folder).len(), 2);
}

#[test]
fn what_is_read_only_is_left_alone_and_the_patch_is_named() {
    let (folder, path) = folder();
    let mode = |path: &Path, mode| {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    };
    for (locked, writable) in [(path.as_path(), 0o644), (folder.path(), 0o755)] {
        mode(locked, 0o555);
        let said = commit(&Editing::open(&path).unwrap())
            .unwrap_err()
            .to_string();
        mode(locked, writable);
        assert!(said.contains("--print-patch"), "{said}");
    }
    assert_eq!(fs::read_to_string(&path).unwrap(), OLD);
    assert_eq!(names(&folder), ["routes.toml"]);
}

#[test]
fn what_is_no_file_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let said = |path: &Path| Editing::open(path).unwrap_err().to_string();
    assert!(said(Path::new("/dev/zero")).contains("is not a file"));
    assert!(said(folder.path()).contains("is a folder"));
    assert!(said(&folder.path().join("x")).contains("no such file"));
    let (_kept, path) = self::folder();
    let editing = Editing::open(&path).unwrap();
    fs::remove_file(&path).unwrap();
    symlink("/dev/null", &path).unwrap();
    assert!(matches!(commit(&editing), Err(WriteError::Refused { .. })));
}
