//! What is said here goes to the others, and what they say is put in force.

use std::sync::Arc;

use super::Replica;
use crate::progress::exchanged::{Adopted, Shared};
use crate::replicas::{
    BoardError, Changed, Commit, Committed, Document, Event as Told, EventId, Mark, Write,
};
use crate::store::rows::Event;

impl Replica {
    /// Puts in force what others have said since the last time.
    pub(super) async fn pull(&mut self) -> Result<(), BoardError> {
        let mut changed = self.board.changed(&self.mark).await?;
        let all = changed.anew || self.mark == Mark::default();
        if changed.anew {
            self.versions.clear();
            self.own.clear();
            self.read = EventId::default();
        }
        let told = self.board.events(&self.read).await?;
        if changed.documents.is_empty() && told.is_empty() && !all {
            self.mark = changed.mark;
            return Ok(());
        }
        let mark = changed.mark.clone();
        // What this gateway has written itself is no news.
        let (anew, versions) = (changed.anew, &self.versions);
        let news = |one: &Document| anew || versions.get(&one.name) != Some(&one.version);
        changed.documents.retain(news);
        let documents = changed.documents.iter();
        let versions = documents.map(|one| (one.name.clone(), one.version));
        let versions: Vec<(String, u64)> = versions.collect();
        let mut adopted = read(&changed);
        adopted.all = all;
        (adopted.own, adopted.events) = self.news(&told).await;
        self.adopt(adopted).await?;
        self.versions.extend(versions);
        self.mark = mark;
        if let Some(last) = told.last() {
            self.read = last.id.clone();
        }
        Ok(())
    }

    /// What was told, by this gateway and by others. Its own is news only where it did not hear that it was told: it was
    /// killed, or the answer was lost.
    async fn news(&mut self, told: &[Told]) -> (Vec<Event>, Vec<Event>) {
        let read = |one: &Told| serde_json::from_str::<Event>(&one.body).ok();
        let ours = |one: &Told| one.origin.split('.').next() == Some(&self.kept);
        let (own, others): (Vec<&Told>, Vec<&Told>) = told.iter().partition(|one| ours(one));
        let others = others.into_iter().filter_map(read).collect();
        let mut own: Vec<Event> = own.into_iter().filter_map(read).collect();
        own.retain(|event| !self.own.remove(&event.id));
        if !own.is_empty() {
            let names: Vec<String> = own.iter().map(|event| event.id.clone()).collect();
            let progress = Arc::clone(&self.progress);
            let kept = blocking(move || progress.has_kept(&names)).await;
            let kept = kept.unwrap_or_default();
            own.retain(|event| !kept.contains(&event.id));
        }
        (own, others)
    }

    /// Tells the others what was said here. Whether there is nothing left that they have not heard.
    pub(super) async fn push(&mut self) -> Result<bool, BoardError> {
        let reloader = Arc::clone(&self.reloader);
        let (unheard, events) = blocking(move || reloader.unheard())
            .await
            .unwrap_or_default();
        if unheard.is_empty() && events.is_empty() {
            return Ok(true);
        }
        let commit = Commit {
            documents: unheard.iter().filter_map(|one| self.write(one)).collect(),
            events: events
                .iter()
                .filter_map(|one| serde_json::to_string(one).ok())
                .collect(),
            ..Commit::default()
        };
        match self.board.commit(&commit).await? {
            Committed::Done(versions) => {
                self.versions.extend(versions);
                self.own.extend(events.iter().map(|event| event.id.clone()));
                let reloader = Arc::clone(&self.reloader);
                let told = events.len();
                blocking(move || reloader.heard(unheard, told)).await;
                Ok(true)
            }
            // Somebody was faster: the next round begins with what they said.
            Committed::Conflict(_) | Committed::LostLease => Ok(false),
        }
    }

    /// Over the version that was read.
    pub(super) fn write(&self, shared: &Shared) -> Option<Write> {
        let name = shared.name();
        let body = shared.body();
        let body = body.inspect_err(|error| tracing::error!(name, %error, "it cannot be shared"));
        Some(Write {
            expected: self.versions.get(&name).copied().unwrap_or_default(),
            body: body.ok()?,
            name,
        })
    }

    /// Puts it in force here. Where that fails nothing of it is known here, and another gateway judges.
    pub(super) async fn adopt(&self, adopted: Adopted) -> Result<(), BoardError> {
        let reloader = Arc::clone(&self.reloader);
        let why = match blocking(move || reloader.adopt(adopted)).await {
            Some(Ok(())) => return Ok(()),
            Some(Err(error)) => error.to_string(),
            None => "it could not be looked at".to_owned(),
        };
        self.board.release().await?;
        Err(BoardError::NotInForce(why))
    }
}

/// What documents of the board say; what this version cannot read is left alone.
pub(super) fn read(changed: &Changed) -> Adopted {
    let documents = changed.documents.iter();
    let shared = documents.filter_map(|one| {
        let read = Shared::read(&one.name, &one.body)?;
        let name = &one.name;
        read.inspect_err(|error| tracing::error!(name, %error, "what is shared cannot be read"))
            .ok()
    });
    Adopted {
        anew: changed.anew,
        era: Some(changed.mark.era().to_owned()),
        shared: shared.collect(),
        ..Adopted::default()
    }
}

/// Beside the threads that answer: it compiles, and waits for disks.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Option<T> {
    tokio::task::spawn_blocking(work).await.ok()
}
