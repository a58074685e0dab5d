//! Notices that the file was saved. The folder is watched, not the file: editors rename, and a `ConfigMap` swaps a link
//! beside it. A look every few seconds finds what no event tells, on network file systems for example.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use chassis::tasks::Tasks;
use notify::RecursiveMode;
use notify_debouncer_mini::new_debouncer;

use super::{Cause, Reloader};

/// Writes that come within this time are one.
const SETTLE: Duration = Duration::from_millis(50);

/// How often the file is looked at without an event.
const LOOK: Duration = Duration::from_secs(10);

/// Reloads on every change until the process ends.
pub fn watch(reloader: &Arc<Reloader>, tasks: &Tasks) {
    let (changed, mut wakes) = tokio::sync::mpsc::channel(1);
    let debouncer = new_debouncer(SETTLE, move |_| {
        // One that waits is enough: whoever takes it reads the newest text.
        let _ = changed.try_send(());
    });
    let folder = match reloader.path().parent() {
        Some(folder) if folder != Path::new("") => folder.to_owned(),
        _ => Path::new(".").to_owned(),
    };
    let watched = debouncer.and_then(|mut debouncer| {
        debouncer
            .watcher()
            .watch(&folder, RecursiveMode::NonRecursive)?;
        Ok(debouncer)
    });
    if let Err(error) = &watched {
        tracing::warn!(%error, "the file's folder cannot be watched; it is looked at every 10 s");
    }
    let (reloader, stopping) = (Arc::clone(reloader), tasks.stopping());
    tasks.spawn("file watch", async move {
        let _watching = watched;
        let looking = async {
            loop {
                let _ = tokio::time::timeout(LOOK, wakes.recv()).await;
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
