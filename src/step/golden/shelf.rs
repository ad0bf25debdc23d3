//! The checkpoints there are: looked at, removed.
use super::conversation::Place;
use crate::cli::program;
use crate::cluster::exec::{Ended, Said};
use crate::documents::frames::messages;
use crate::golden::manifest::Checkpoint;
use crate::golden::scripts::{self, DISCARD, LIST, NO_SUCH, Script, meaning};
use crate::golden::shelf::{Shelved, manifests};
use crate::step::Context;
use anyhow::{Context as _, Error, Result, anyhow, bail};

/// Runs one of the golden volume's own scripts to its end.
pub(super) async fn tell(place: Place<'_>, script: Script, env: &[(&str, &str)], input: &[u8]) -> Result<Said> {
    let argv = place.command(script.name, env, false);
    let argv: Vec<&str> = argv.iter().map(String::as_str).collect();
    let input = [&scripts::texts(script.text, script.files), input].concat();
    place.cluster.tell(place.pod, &argv, messages(&input)).await
}

/// As [`tell`], for one that changes something: its output, if it succeeded.
pub(super) async fn order(place: Place<'_>, script: Script, env: &[(&str, &str)], more: &str) -> Result<Vec<u8>> {
    tell(place, script, env, format!("go\n{more}").as_bytes()).await?.success(meaning)
}

/// All of them, or the one that is named.
pub(super) async fn list(cx: &mut Context<'_>) -> Result<()> {
    let name = &cx.settings.wanted.name;
    let found = match &cx.golden.open {
        None => Vec::new(),
        Some(open) => {
            let place = Place { cluster: cx.cluster, pod: &open.pod, run: cx.run };
            manifests(&tell(place, LIST, &[], b"").await?.success(meaning)?)?.0
        }
    };
    if name.is_empty() {
        for (name, damaged) in found.iter().filter_map(|(name, one)| Some((name, one.as_ref().err()?))) {
            cx.warn(format!("checkpoint {name} cannot be used: {damaged}"));
            cx.summary.rehearsal.some_unusable = true;
        }
        cx.summary.rehearsal.checkpoints = Some(found.into_iter().filter_map(|(_, one)| one.ok()).collect());
        return Ok(());
    }
    cx.summary.rehearsal.checkpoint = Some(pick(name, found)?);
    Ok(())
}

fn pick(name: &str, found: Vec<Shelved>) -> Result<Checkpoint> {
    let names: Vec<String> = found.iter().map(|(name, _)| name.clone()).collect();
    let one = found.into_iter().find(|(known, _)| known == name).with_context(|| missing(name, &names))?;
    one.1.map_err(|damaged| anyhow!("checkpoint {name} cannot be used: {damaged}"))
}

pub(super) async fn delete(cx: &mut Context<'_>) -> Result<()> {
    let name = &cx.settings.wanted.name;
    let Some(open) = &cx.golden.open else {
        bail!(missing(name, &[]));
    };
    let place = Place { cluster: cx.cluster, pod: &open.pod, run: cx.run };
    let told = tell(place, DISCARD, &[("NAME", name), ("SET", "")], b"go\n").await?;
    if told.ended == Ended::Code(NO_SUCH) {
        let names: Vec<String> = manifests(&tell(place, LIST, &[], b"").await?.success(meaning)?)?
            .0
            .into_iter()
            .map(|(name, _)| name)
            .collect();
        bail!(missing(name, &names));
    }
    told.success(scripts::meaning).with_context(|| format!("cannot remove checkpoint {name} as a whole"))?;
    cx.summary.rehearsal.deleted = Some(name.clone());
    Ok(())
}

/// That there is none of the name, and which there are.
pub(super) fn missing(name: &str, names: &[String]) -> Error {
    match names {
        [] => anyhow!(
            "there is no checkpoint {name}, and no other: take one with `{} checkpoint`; nothing was changed",
            program()
        ),
        names => anyhow!("there is no checkpoint {name}; there are: {}; nothing was changed", names.join(", ")),
    }
}
