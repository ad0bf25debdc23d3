//! A container's log, line by line, to its proven end.
use super::Owner;
use super::place::{Place, stamped};
use crate::cluster::watch::{Selection, states};
use crate::cluster::{CALL_LIMIT, Cluster, pod};
use anyhow::{Context, Error, Result, anyhow, bail};
use futures::stream::{BoxStream, try_unfold};
use futures::{AsyncBufRead, AsyncBufReadExt, StreamExt, TryStreamExt};
use k8s_openapi::api::core::v1::{ContainerStateTerminated, Pod};
use kube::api::{Api, LogParams};
use kube::runtime::watcher;
use std::collections::VecDeque;
use std::time::Duration;

/// Before a log that broke off is asked for again; the API server or the kubelet restarts.
const REOPEN_AFTER: Duration = Duration::from_millis(500);

/// What a log gives next.
#[derive(Debug, PartialEq, Eq)]
pub enum Line {
    Text(String),
    /// The container has ended and every line of it has been given.
    /// The reason is its own, or what befell its Pod.
    Ended {
        code: i32,
        reason: String,
    },
}

/// Follows the log and watches the Pod at the same time: a cut log is opened again where it broke off,
/// and a Pod that vanishes ends the waiting.
///
/// A stream that ends well is no proof of anything: an API server ends it so when its kubelet restarts, in the middle of a line. Only a
/// line with its newline counts, and a log is whole only when it ends with what its last line is, asked for by itself.
pub struct ContainerLog {
    api: Api<Pod>,
    container: String,
    pod: String,
    states: BoxStream<'static, Result<Selection<Pod>>>,
    lines: Option<BoxStream<'static, std::io::Result<Vec<u8>>>>,
    ended: Option<ContainerStateTerminated>,
    /// What befell the Pod, if its containers did not end by themselves.
    fate: Option<String>,
    rest: VecDeque<String>,
    place: Place,
    complete: bool,
}

impl Cluster {
    /// The log of a container that has started.
    ///
    /// # Errors
    /// The Pod is gone, or the API server refuses.
    pub async fn follow(&self, job: &Owner, container: &str) -> Result<ContainerLog> {
        let pods = self.pods(&job.namespace, &job.selector()).await?;
        let pod = pods.into_iter().next().and_then(|pod| pod.metadata.name);
        let api: Api<Pod> = Api::namespaced(self.client.clone(), &job.namespace);
        Ok(ContainerLog {
            states: states(api.clone(), watcher::Config::default().labels(&job.selector())).boxed(),
            api,
            container: container.to_owned(),
            pod: pod.with_context(|| format!("the Pod of Job {}/{} is gone", job.namespace, job.name))?,
            lines: None,
            ended: None,
            fate: None,
            rest: VecDeque::new(),
            place: Place::default(),
            complete: false,
        })
    }
}

impl ContainerLog {
    /// The Pod that is followed.
    pub fn pod(&self) -> &str {
        &self.pod
    }

    /// The next line, or the container's end once every line was given.
    ///
    /// # Errors
    /// The Pod was deleted, evicted or lost its node.
    pub async fn next(&mut self) -> Result<Line> {
        loop {
            if let Some(line) = self.rest.pop_front() {
                return Ok(Line::Text(line));
            }
            if let Some(ended) = &self.ended {
                if self.complete {
                    let reason = self.fate.clone().or_else(|| ended.reason.clone()).unwrap_or_default();
                    return Ok(Line::Ended { code: ended.exit_code, reason });
                }
                self.read_rest().await?;
                continue;
            }
            if let Some(line) = self.wait().await? {
                return Ok(Line::Text(line));
            }
        }
    }

    async fn wait(&mut self) -> Result<Option<String>> {
        if self.lines.is_none() {
            self.place.begin_again();
            self.lines = self.open().await;
        }
        let lines = async {
            match &mut self.lines {
                Some(lines) => lines.next().await,
                None => {
                    tokio::time::sleep(REOPEN_AFTER).await;
                    None
                }
            }
        };
        tokio::select! {
            biased;
            line = lines => match line {
                Some(Ok(line)) if line.ends_with(b"\n") && stamped(&line).is_some() => return Ok(self.place.take(&line)),
                _ => self.broke_off().await?,
            },
            state = self.states.next() => self.look(state.context("the watch of the Pod ended")??)?,
        }
        Ok(None)
    }

    /// `None` while the log cannot be had.
    async fn open(&self) -> Option<BoxStream<'static, std::io::Result<Vec<u8>>>> {
        let params = LogParams { follow: true, ..self.params() };
        Some(lines(self.api.log_stream(&self.pod, &params).await.ok()?))
    }

    /// The end of the stream is either the container's end or a cut; only the Pod's status tells.
    async fn broke_off(&mut self) -> Result<()> {
        let tried = self.lines.take().is_some();
        let pod = self.api.get_opt(&self.pod).await.ok().flatten();
        if let Some(pod) = pod {
            self.look(Selection::from([(self.pod.clone(), pod)]))?;
        }
        if tried && self.ended.is_none() {
            tokio::time::sleep(REOPEN_AFTER).await;
        }
        Ok(())
    }

    fn look(&mut self, pods: Selection<Pod>) -> Result<()> {
        let Some(pod) = pods.get(&self.pod) else {
            bail!("Pod {} was deleted while its container {} ran", self.pod, self.container);
        };
        let status = pod::containers(pod).find(|status| status.name == self.container);
        let state = status.and_then(|status| status.state.as_ref());
        self.ended = state.and_then(|state| state.terminated.clone());
        // Where its node does not answer, nobody would ever tell of the container's end.
        if self.ended.is_none() && pod.metadata.deletion_timestamp.is_some() {
            bail!("Pod {} is being deleted while its container {} runs", self.pod, self.container);
        }
        let trouble = pod::trouble(pod);
        self.fate = trouble.as_ref().map(ToString::to_string);
        match trouble {
            Some(trouble) if self.ended.is_none() => Err(trouble.into()),
            _ => Ok(()),
        }
    }

    /// What was written after the last line given: a follow that is cut at the container's end loses it.
    async fn read_rest(&mut self) -> Result<()> {
        self.lines = None;
        self.place.begin_again();
        let mut words = String::new();
        let read = tokio::time::timeout(CALL_LIMIT, self.read_to_the_end(&mut words)).await;
        let cut = || anyhow!("for {} s it is cut each time{words}", CALL_LIMIT.as_secs());
        let lines = read
            .unwrap_or_else(|_| Err(cut()))
            .with_context(|| format!("cannot read the log of container {} of Pod {}", self.container, self.pod))?;
        self.rest = lines.iter().filter_map(|line| self.place.take(line)).collect();
        self.complete = true;
        Ok(())
    }

    /// Nothing, where the last line was given. What the kubelet says for itself, if that is in the way, is put into `words`.
    async fn read_to_the_end(&self, words: &mut String) -> Result<Vec<Vec<u8>>> {
        loop {
            let last = self.read(Some(1)).await?;
            if last.as_ref().is_some_and(|last| self.place.is_at(last)) {
                return Ok(Vec::new());
            }
            let lines = self.read(None).await?;
            let foreign = lines.iter().flatten().find(|line| stamped(line).is_none());
            if let Some(foreign) = foreign {
                *words = format!(" ({})", String::from_utf8_lossy(foreign).trim());
            } else if let (Some(lines), Some(last)) = (lines, last)
                && self.place.is_whole(&lines, &last)
            {
                return Ok(lines);
            }
            tokio::time::sleep(REOPEN_AFTER).await;
        }
    }

    /// The log, or the last lines of it; `None` where its stream broke.
    async fn read(&self, tail_lines: Option<i64>) -> Result<Option<Vec<Vec<u8>>>> {
        let log = self.api.log_stream(&self.pod, &LogParams { tail_lines, ..self.params() }).await;
        Ok(lines(log.map_err(Error::from)?).try_collect().await.ok())
    }

    fn params(&self) -> LogParams {
        LogParams { container: Some(self.container.clone()), timestamps: true, ..LogParams::default() }
    }
}

/// Each with its newline; one without is the last, or was cut.
fn lines<L: AsyncBufRead + Send + Unpin + 'static>(log: L) -> BoxStream<'static, std::io::Result<Vec<u8>>> {
    let next = |mut log: L| async move {
        let mut line = Vec::new();
        let length = log.read_until(b'\n', &mut line).await?;
        Ok((length > 0).then_some((line, log)))
    };
    try_unfold(log, next).boxed()
}
