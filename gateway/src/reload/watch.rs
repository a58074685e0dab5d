//! Notices that the file was saved. The folder is watched, not the file: editors rename, and a `ConfigMap` swaps a link
//! beside it. A look every few seconds finds what no event tells, on network file systems for example.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use chassis::tasks::Tasks;
use notify::event::{AccessKind, AccessMode};
use notify::{Event, EventKind, RecursiveMode, Watcher as _};

use super::{Cause, Reloader};

/// Writes that come within this time are one.
const SETTLE: Duration = Duration::from_millis(50);

/// How often the file is looked at without an event.
const LOOK: Duration = Duration::from_secs(10);

/// Reloads on every change until the process ends.
pub fn watch(reloader: &Arc<Reloader>, tasks: &Tasks) {
    let (changed, mut wakes) = tokio::sync::mpsc::channel(1);
    let state = reloader.state_file();
    let watcher = notify::recommended_watcher(move |event: notify::Result<Event>| {
        if event.is_ok_and(|event| is_change(&event, &state)) {
            // One that waits is enough: whoever takes it reads the newest text.
            let _ = changed.try_send(());
        }
    });
    let folder = match reloader.path().parent() {
        Some(folder) if folder != Path::new("") => folder.to_owned(),
        _ => Path::new(".").to_owned(),
    };
    let watched = watcher.and_then(|mut watcher| {
        watcher.watch(&folder, RecursiveMode::NonRecursive)?;
        Ok(watcher)
    });
    if let Err(error) = &watched {
        tracing::warn!(%error, "the file's folder cannot be watched; it is looked at every 10 s");
    }
    let (reloader, stopping) = (Arc::clone(reloader), tasks.stopping());
    tasks.spawn("file watch", async move {
        let _watching = watched;
        let looking = async {
            loop {
                if tokio::time::timeout(LOOK, wakes.recv()).await.is_ok() {
                    tokio::time::sleep(SETTLE).await;
                    let _ = wakes.try_recv();
                }
                let reloader = Arc::clone(&reloader);
                let reload = move || reloader.reload(Cause::Saved);
                if tokio::task::spawn_blocking(reload).await.is_err() {
                    return;
                }
            }
        };
        tokio::select! { () = looking => {}, () = stopping => {} }
    });
}

/// Whether somebody changed something beside the file. Who only reads changes nothing: we do so ourselves at each look.
/// Nor is what we write of our state an edit.
fn is_change(event: &Event, state: &Path) -> bool {
    let is_written = match event.kind {
        EventKind::Access(kind) => kind == AccessKind::Close(AccessMode::Write),
        _ => true,
    };
    let is_state = |path: &PathBuf| {
        let name = |path: &Path| {
            path.file_name()
                .map(|name| name.to_string_lossy().into_owned())
        };
        match (name(path), name(state)) {
            (Some(path), Some(state)) => path.starts_with(&state),
            _ => false,
        }
    };
    is_written && (event.paths.is_empty() || !event.paths.iter().all(is_state))
}

#[cfg(test)]
mod tests {
    use super::*;
    use notify::event::{CreateKind, DataChange, ModifyKind, RenameMode};

    #[test]
    fn only_what_may_be_an_edit_wakes() {
        let state = Path::new("banyan.db");
        let event = |kind, name: &str| Event::new(kind).add_path(Path::new("folder").join(name));
        let wakes = |kind, name| is_change(&event(kind, name), state);
        let written = EventKind::Modify(ModifyKind::Data(DataChange::Any));
        let opened = EventKind::Access(AccessKind::Open(AccessMode::Any));
        let closed = EventKind::Access(AccessKind::Close(AccessMode::Write));
        let read = EventKind::Access(AccessKind::Close(AccessMode::Read));
        assert!(wakes(written, "routes.toml") && wakes(closed, "routes.toml"));
        assert!(wakes(EventKind::Create(CreateKind::Any), "..data"));
        assert!(wakes(
            EventKind::Modify(ModifyKind::Name(RenameMode::To)),
            "routes.toml"
        ));
        assert!(!wakes(opened, "routes.toml") && !wakes(read, "routes.toml"));
        assert!(!wakes(written, "banyan.db-wal") && !wakes(written, "banyan.db"));
    }
}
