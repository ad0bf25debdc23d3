//! stand-in
use super::Context;
pub(super) async fn sync(_cx: &mut Context<'_>) -> anyhow::Result<()> {
    anyhow::bail!("not yet")
}
