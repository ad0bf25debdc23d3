//! What this client may do here: asked of the API server before anything is changed.
use super::{Cluster, failure};
use anyhow::Result;
use futures::{StreamExt, TryStreamExt, stream};
use k8s_openapi::api::authorization::v1::{ResourceAttributes, SelfSubjectAccessReview, SelfSubjectAccessReviewSpec};
use kube::api::{Api, PostParams};

/// Reviews in flight at a time: each may need a connection of its own.
const AT_A_TIME: usize = 8;

/// One verb on one kind of object in one namespace, as a Role grants it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Right {
    pub namespace: String,
    pub verb: &'static str,
    pub group: &'static str,
    /// With the subresource: `pods/exec`.
    pub resource: &'static str,
    /// `None`: objects whose names are not known yet.
    pub name: Option<String>,
}

impl Right {
    fn review(&self) -> SelfSubjectAccessReview {
        let (resource, subresource) = match self.resource.split_once('/') {
            Some((resource, subresource)) => (resource, Some(subresource.to_owned())),
            None => (self.resource, None),
        };
        let attributes = ResourceAttributes {
            namespace: Some(self.namespace.clone()),
            verb: Some(self.verb.to_owned()),
            group: Some(self.group.to_owned()),
            resource: Some(resource.to_owned()),
            subresource,
            name: self.name.clone(),
            ..ResourceAttributes::default()
        };
        let spec = SelfSubjectAccessReviewSpec { resource_attributes: Some(attributes), ..Default::default() };
        SelfSubjectAccessReview { spec, ..SelfSubjectAccessReview::default() }
    }

    /// The verb on the resource in the namespace, and the rule that grants it.
    pub fn lacking(&self) -> String {
        let Self { namespace, verb, group, resource, name } = self;
        let rule = failure::rule(group, resource, name.as_deref(), verb);
        format!("may not {verb} {resource} in namespace {namespace}: a Role there needs the rule {rule}")
    }
}

impl Cluster {
    /// Those of `rights` that the client lacks, a sentence each. A server that does not answer this question is no
    /// obstacle: the calls themselves will tell.
    ///
    /// # Errors
    /// The API server cannot be reached, or does not accept the credentials.
    pub async fn lacking(&self, rights: &[Right]) -> Result<Vec<String>> {
        let granted = self.granted(rights).await?;
        Ok(rights.iter().zip(granted).filter(|(_, granted)| !granted).map(|(right, _)| right.lacking()).collect())
    }

    /// Of each of `rights` whether the client has it.
    ///
    /// # Errors
    /// As [`Cluster::lacking`].
    pub async fn granted(&self, rights: &[Right]) -> Result<Vec<bool>> {
        let lacks = stream::iter(rights).map(|right| self.lacks(right)).buffered(AT_A_TIME);
        lacks.map_ok(|lacks| !lacks).try_collect().await
    }

    async fn lacks(&self, right: &Right) -> Result<bool> {
        let reviews: Api<SelfSubjectAccessReview> = Api::all(self.client.clone());
        let asked = async {
            match reviews.create(&PostParams::default(), &right.review()).await {
                Ok(review) => Ok(review.status.is_some_and(|status| !status.allowed)),
                Err(kube::Error::Api(status)) if matches!(status.code, 403 | 404) => Ok(false),
                Err(error) => Err(error),
            }
        };
        self.call(&format!("ask {} what this client may do", self.config.cluster_url), asked).await
    }
}
