//! Waiting by watch: one way for every kind of object.
use super::failure::{Refusal, explain, refusal};
use anyhow::{Result, bail};
use futures::{Stream, StreamExt, TryStreamExt};
use kube::runtime::WatchStreamExt;
use kube::runtime::watcher::{self, Error, Event};
use kube::{Api, Resource, ResourceExt};
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use std::fmt::Debug;
use std::pin::pin;
use std::time::Duration;

/// A watch is closed by the server after so long, and 5 s later given up for dead: a cable that was pulled tells nobody.
const QUIET_SECONDS: u32 = 30;

/// The objects of a selection by name, as they are now.
pub(super) type Selection<K> = BTreeMap<String, K>;

/// Nothing was found within the limit.
#[derive(Debug)]
pub(super) struct TooLate(String);

impl std::fmt::Display for TooLate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for TooLate {}

/// Every state of the selection, from the first complete list on; cuts and expired versions are survived.
pub(super) fn states<K>(api: Api<K>, config: watcher::Config) -> impl Stream<Item = Result<Selection<K>>>
where
    K: Resource<DynamicType = ()> + Clone + Debug + Send + DeserializeOwned + 'static,
{
    let what = format!("watch {}s", K::kind(&()));
    let mut selection = Selection::new();
    let mut listing = Selection::new();
    let events = watcher::watcher(api, config.timeout(QUIET_SECONDS)).default_backoff();
    events.filter_map(move |event| {
        let state = match event {
            Ok(Event::Init) => {
                listing = Selection::new();
                None
            }
            Ok(Event::InitApply(object)) => {
                listing.insert(object.name_any(), object);
                None
            }
            Ok(Event::InitDone) => {
                selection = std::mem::take(&mut listing);
                Some(Ok(selection.clone()))
            }
            Ok(Event::Apply(object)) => {
                selection.insert(object.name_any(), object);
                Some(Ok(selection.clone()))
            }
            Ok(Event::Delete(object)) => {
                selection.remove(&object.name_any());
                Some(Ok(selection.clone()))
            }
            Err(error) => hopeless(&what, error).map(Err),
        };
        std::future::ready(state)
    })
}

/// Waits until `found` makes something of a state.
///
/// # Errors
/// `found`'s own; the API server refuses for good; [`TooLate`] ("{what}: not within …").
pub(super) async fn until<K, T>(
    api: Api<K>,
    config: watcher::Config,
    limit: Duration,
    what: &str,
    found: impl FnMut(&Selection<K>) -> Result<Option<T>>,
) -> Result<T>
where
    K: Resource<DynamicType = ()> + Clone + Debug + Send + DeserializeOwned + 'static,
{
    match tokio::time::timeout(limit, found_in(api, config, what, found)).await {
        Ok(value) => value,
        Err(_) => Err(TooLate(format!("{what}: not within {} s", limit.as_secs())).into()),
    }
}

/// As [`until`], for as long as it takes.
///
/// # Errors
/// `found`'s own; the API server refuses for good.
pub(super) async fn found_in<K, T>(
    api: Api<K>,
    config: watcher::Config,
    what: &str,
    mut found: impl FnMut(&Selection<K>) -> Result<Option<T>>,
) -> Result<T>
where
    K: Resource<DynamicType = ()> + Clone + Debug + Send + DeserializeOwned + 'static,
{
    let mut states = pin!(states(api, config));
    while let Some(state) = states.try_next().await? {
        if let Some(value) = found(&state)? {
            return Ok(value);
        }
    }
    bail!("{what}: the watch ended")
}

/// What no further attempt can mend; everything else the watcher tries again, with back-off.
fn hopeless(what: &str, error: Error) -> Option<anyhow::Error> {
    let (Error::InitialListFailed(cause) | Error::WatchStartFailed(cause) | Error::WatchFailed(cause)) = error else {
        return None;
    };
    let error = explain(what, cause);
    matches!(refusal(&error), Some(Refusal::Final | Refusal::Forbidden)).then_some(error)
}
