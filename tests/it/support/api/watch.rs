//! watch: the present on request, then every change, with bookmarks in between.

use std::io;
use std::time::Duration;

use bytes::Bytes;
use futures::{StreamExt as _, stream};
use serde_json::{Value, json};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio::time::Instant;

use super::super::store::{Change, ChangeKind, Status, Store};
use super::Shared;
use super::answer::Answer;
use super::conversation::Asked;
use super::selection::Selection;
use super::target::Target;

/// One watch in progress.
struct Watch {
    store: Store,
    target: Target,
    selection: Selection,
    bookmarks: Option<Duration>,
    ends: Instant,
    out: UnboundedSender<io::Result<Bytes>>,
}

/// The client has gone.
struct Gone;

pub(super) fn answer(asked: &Asked, target: &Target, shared: &Shared) -> Result<Answer, Status> {
    let selection = Selection::of(target, &asked.query)?;
    let from = match asked.query.get("resourceVersion").unwrap_or("0").parse::<u64>() {
        Ok(from) => from,
        Err(_) => return Err(invalid_version(asked.query.get("resourceVersion"))),
    };
    let initial = asked.query.is_set("sendInitialEvents");
    let every = shared.settings().bookmark_every;
    let seconds = asked.query.number("timeoutSeconds").unwrap_or(1800);
    let (out, mut lines) = unbounded_channel();
    let watch = Watch {
        store: shared.store.clone(),
        target: target.clone(),
        selection,
        bookmarks: asked.query.is_set("allowWatchBookmarks").then_some(every),
        ends: Instant::now() + Duration::from_secs(seconds),
        out,
    };
    tokio::spawn(async move {
        // A client that has gone needs nothing more.
        let _ = watch.run(from, initial).await;
    });
    let stream = stream::poll_fn(move |cx| lines.poll_recv(cx)).boxed();
    Ok(Answer::Stream { content_type: "application/json", stream })
}

fn invalid_version(given: Option<&str>) -> Status {
    let given = given.unwrap_or_default();
    Status::bad_request(format!(
        "resourceVersion: Invalid value: \"{given}\": strconv.ParseUint: parsing \"{given}\": invalid syntax"
    ))
}

impl Watch {
    async fn run(self, from: u64, initial: bool) -> Result<(), Gone> {
        // Subscribed before the first look, so that nothing falls in between.
        let mut changes = self.store.subscribe();
        let mut reached = if from == 0 || initial { self.present(initial)? } else { from };
        let mut bookmark = Instant::now() + self.bookmarks.unwrap_or(Duration::MAX / 4);
        loop {
            reached = match self.store.since(self.target.kind.resource, reached) {
                Ok((now, news)) => {
                    self.tell(&news)?;
                    now.max(reached)
                }
                Err(expired) => return self.send("ERROR", expired.to_json()),
            };
            tokio::select! {
                // Lagging loses nothing: the changes are read from the history.
                _ = changes.recv() => {}
                () = tokio::time::sleep_until(bookmark) => {
                    self.bookmark(reached, false)?;
                    bookmark = Instant::now() + self.bookmarks.unwrap_or(Duration::MAX / 4);
                }
                () = tokio::time::sleep_until(self.ends) => break,
                () = self.out.closed() => return Err(Gone),
            }
        }
        // The server's last word before its time is over.
        if self.bookmarks.is_some() { self.bookmark(reached, false) } else { Ok(()) }
    }

    /// What there is, as if it had just been added.
    fn present(&self, marked: bool) -> Result<u64, Gone> {
        let namespace = Some(self.target.namespace.as_str()).filter(|ns| !ns.is_empty());
        let (revision, objects) = self.store.list_at(self.target.kind.resource, namespace);
        for object in objects.into_iter().filter(|object| self.selection.has(object)) {
            self.send("ADDED", object)?;
        }
        if marked {
            self.bookmark(revision, true)?;
        }
        Ok(revision)
    }

    fn tell(&self, news: &[Change]) -> Result<(), Gone> {
        for change in news {
            let is = self.selection.has(&change.object);
            let was = change.previous.as_ref().is_some_and(|old| self.selection.has(old));
            let word = match (change.kind, was, is) {
                (ChangeKind::Deleted, true, _) | (ChangeKind::Modified, true, false) => "DELETED",
                (ChangeKind::Modified, true, true) => "MODIFIED",
                (ChangeKind::Added | ChangeKind::Modified, false, true) => "ADDED",
                _ => continue,
            };
            self.send(word, change.object.clone())?;
        }
        Ok(())
    }

    fn bookmark(&self, revision: u64, initial_end: bool) -> Result<(), Gone> {
        let mut metadata = json!({"resourceVersion": revision.to_string(), "creationTimestamp": null});
        if initial_end {
            metadata["annotations"] = json!({"k8s.io/initial-events-end": "true"});
        }
        let (kind, version) = (self.target.kind.kind, self.target.kind.api_version());
        let object = json!({"kind": kind, "apiVersion": version, "metadata": metadata});
        self.send("BOOKMARK", object)
    }

    fn send(&self, word: &str, object: Value) -> Result<(), Gone> {
        let line = format!("{}\n", json!({"type": word, "object": object}));
        self.out.send(Ok(Bytes::from(line))).map_err(|_| Gone)
    }
}
