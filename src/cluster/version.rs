//! Which API server this is.
use super::Cluster;
use anyhow::Result;

impl Cluster {
    /// Its address and version.
    ///
    /// # Errors
    /// It cannot be reached, or does not accept the credentials.
    pub async fn server(&self) -> Result<String> {
        let url = &self.config.cluster_url;
        let version = self.call(&format!("ask {url} for its version"), self.client.apiserver_version()).await?;
        Ok(format!("Kubernetes {} at {url}", version.git_version))
    }
}
