//! A file that lists an upstream's endpoints, followed. The folder is watched, not the file: whoever writes it renames
//! another over it, and a `ConfigMap` swaps a link beside it. A look every few seconds finds what no event tells.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use notify::event::{AccessKind, AccessMode};
use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher as _};
use tokio::sync::{mpsc, watch};

use super::{Discovery, Finding, Source};

/// Writes that come within this time are one.
const SETTLE: Duration = Duration::from_millis(50);

/// How often the file is looked at without an event.
const LOOK: Duration = Duration::from_secs(5);

/// The file of a discovery.
#[derive(Debug)]
pub(super) struct Listed {
    path: PathBuf,
    trouble: Mutex<Option<String>>,
    /// Its task ends when it is dropped.
    kept: watch::Sender<()>,
}

impl Listed {
    pub(super) fn new(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            trouble: Mutex::default(),
            kept: watch::Sender::new(()),
        }
    }

    pub(super) fn trouble(&self) -> Option<String> {
        let trouble = self.trouble.lock();
        trouble.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Said once, not at every look.
    fn set_trouble(&self, upstream: &str, why: Option<String>) {
        let trouble = why.map(|why| format!("{why}; the last good endpoints stay"));
        let mut held = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        let before = std::mem::replace(&mut *held, trouble.clone());
        drop(held);
        match (before, trouble) {
            (before, Some(trouble)) if before.as_ref() != Some(&trouble) => {
                tracing::warn!(upstream, "{trouble}");
            }
            (Some(_), None) => {
                let path = self.path.display();
                tracing::info!(upstream, %path, "the endpoints file can be read again");
            }
            _ => {}
        }
    }

    /// Looks after every change, until the discovery is gone or the process ends.
    pub(super) fn follow(&self, discovery: &Arc<Discovery>, finding: &Finding) {
        let discovery = Arc::downgrade(discovery);
        let (mut kept, stopping) = (self.kept.subscribe(), finding.tasks.stopping());
        let (path, read) = (self.path.clone(), Arc::clone(&finding.read));
        finding.tasks.spawn("endpoints file", async move {
            let following = async {
                let (changed, mut wakes) = mpsc::channel(1);
                let mut watcher = None;
                let mut last = None;
                loop {
                    // Its folder may come later than we do.
                    if watcher.is_none() {
                        watcher = watch_folder(&path, changed.clone());
                    }
                    let (read, path) = (Arc::clone(&read), path.clone());
                    let Ok(found) = tokio::task::spawn_blocking(move || read(&path)).await else {
                        return;
                    };
                    let Some(discovery) = discovery.upgrade() else {
                        return;
                    };
                    discovery.looked(found, &mut last);
                    drop(discovery);
                    if tokio::time::timeout(LOOK, wakes.recv()).await.is_ok() {
                        tokio::time::sleep(SETTLE).await;
                        let _ = wakes.try_recv();
                    }
                }
            };
            tokio::select! { () = following => {}, _ = kept.changed() => {}, () = stopping => {} }
        });
    }
}

impl Discovery {
    fn looked(
        self: &Arc<Self>,
        found: Result<Vec<Source>, String>,
        last: &mut Option<Vec<Source>>,
    ) {
        let Some(listed) = &self.listed else { return };
        let found = found.and_then(|found| match &found[..] {
            [] => Err(format!("{}: lists no endpoint", listed.path.display())),
            _ => Ok(found),
        });
        self.read(found.is_ok());
        match found {
            Ok(found) => {
                listed.set_trouble(&self.list.upstream, None);
                if last.as_ref() != Some(&found) {
                    self.set_sources(&found);
                    *last = Some(found);
                }
            }
            Err(why) => listed.set_trouble(&self.list.upstream, Some(why)),
        }
    }
}

fn watch_folder(path: &Path, changed: mpsc::Sender<()>) -> Option<RecommendedWatcher> {
    let folder = match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    };
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<Event>| {
        if event.is_ok_and(|event| is_change(event.kind)) {
            // One that waits is enough: whoever takes it reads the newest text.
            let _ = changed.try_send(());
        }
    });
    let watched = watcher
        .as_mut()
        .map(|watcher| watcher.watch(folder, RecursiveMode::NonRecursive));
    matches!(watched, Ok(Ok(())))
        .then(|| watcher.ok())
        .flatten()
}

/// Who only reads changes nothing: we do so ourselves at each look.
fn is_change(kind: EventKind) -> bool {
    match kind {
        EventKind::Access(kind) => kind == AccessKind::Close(AccessMode::Write),
        _ => true,
    }
}
