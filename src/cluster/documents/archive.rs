//! Document trees out of an archive into a pod, as whoever has the archive reads it.
use super::{Copied, Lister, PASSES, Side, pass};
use crate::cluster::Cluster;
use crate::documents::archive::end;
use crate::documents::delta::Delta;
use crate::documents::frames::Chunk;
use crate::documents::manifest::{Kind, Manifest, Packed};
use crate::documents::shown;
use crate::documents::sieve::{Passed, Sieve};
use anyhow::{Result, bail};
use tokio::sync::mpsc;

/// Takes an archive's bytes, and passes on what the pod lacks.
pub struct Intake<'a> {
    sieve: Sieve<'a>,
    to_target: mpsc::Sender<Chunk>,
}

impl Intake<'_> {
    /// # Errors
    /// This is no archive.
    pub async fn take(&mut self, bytes: &[u8]) -> Result<()> {
        for chunk in self.sieve.feed(bytes)? {
            pass::pass_on(&self.to_target, chunk).await;
        }
        Ok(())
    }

    async fn finish(self) -> Result<Passed> {
        let (last, passed) = self.sieve.finish()?;
        for chunk in last {
            pass::pass_on(&self.to_target, chunk).await;
        }
        Ok(passed)
    }
}

impl Cluster {
    /// Makes `trees` of a pod what they are in an archive, but for what it leaves `out`. `read` gives all of the archive to what it is given, once for each pass, and
    /// fails if it is not what it must be: the pod's tar sees no end then.
    ///
    /// # Errors
    /// As [`Cluster::copy_documents`], and what `read` says.
    pub async fn bring_archive(
        &self,
        target: Side<'_>,
        (trees, out): (&[String], &[String]),
        packed: &Packed,
        read: &mut impl AsyncFnMut(&mut Intake<'_>) -> Result<()>,
    ) -> Result<Copied> {
        let (mut to, mut old) = self.lister(target, trees, true).await?;
        let mut copied = Copied::default();
        loop {
            let here = old.without(out);
            let delta = packed.delta(&here);
            if copied.passes == 0 {
                (copied.unchanged, copied.special) = (delta.unchanged, delta.special);
            }
            match delta.is_empty() {
                true => break,
                false if copied.passes == PASSES => bail!(differs(target, packed.manifest(), &here, &delta)),
                false => copied.passes += 1,
            }
            let (passed, there) = run(&mut to, (packed, &here, &delta), read).await?;
            old = there;
            let arrived = packed.manifest().entries().iter().zip(&passed.arrived);
            copied.files +=
                arrived.filter(|(entry, arrived)| **arrived && entry.kind != Kind::Directory).count() as u64;
            copied.bytes += passed.bytes;
            copied.removed += delta.removed;
        }
        to.end().await;
        Ok(copied)
    }
}

/// An archive does not change while it is read, so whatever differs now was done to the target.
fn differs(target: Side<'_>, new: &Manifest, old: &Manifest, delta: &Delta) -> String {
    let sent = delta.send.iter().map(|&at| new.path(&new.entries()[at]));
    let kept = delta.remove.iter().map(|&at| old.path(&old.entries()[at]));
    let paths: Vec<String> = sent.chain(kept).map(shown).collect();
    let some = paths.iter().take(5).map(String::as_str).collect::<Vec<_>>().join(", ");
    format!(
        "{} {} holds something else than was sent, in {} places (does something write there?): {some}",
        target.pod,
        target.root,
        paths.len()
    )
}

async fn run(
    to: &mut Lister,
    (packed, old, delta): (&Packed, &Manifest, &Delta),
    read: &mut impl AsyncFnMut(&mut Intake<'_>) -> Result<()>,
) -> Result<(Passed, Manifest)> {
    let (to_target, from_archive) = mpsc::channel(pass::QUEUE);
    let sieve = pass::sieve(packed.manifest(), old, delta);
    let sieve = if old.head.gnu_tar { sieve } else { sieve.directories_last() };
    let mut intake = Intake { sieve, to_target };
    tokio::try_join!(
        async {
            match delta.send.is_empty() {
                true => intake.take(&end()).await?,
                false => read(&mut intake).await?,
            }
            intake.finish().await
        },
        to.receive(old, delta, from_archive),
    )
}
