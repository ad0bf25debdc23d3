//! ResourceQuotas and LimitRanges, as far as they keep a Pod of the tool out of the namespace.
mod quantity;

use super::Cluster;
use super::size::Size;
use anyhow::Result;
use k8s_openapi::api::core::v1::{LimitRange, LimitRangeItem, ResourceQuota};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use kube::ResourceExt;
use kube::api::{Api, ListParams};
use std::collections::BTreeMap;

/// Kubernetes refuses a Pod that says nothing about a resource of these that a quota limits.
const MUST_BE_SAID: [&str; 2] = ["requests.ephemeral-storage", "limits.ephemeral-storage"];

impl Cluster {
    /// Why a Pod of this size would be refused; empty if nothing keeps it out.
    ///
    /// # Errors
    /// Forbidden, or the API server cannot be reached.
    pub async fn kept_out(&self, namespace: &str, pod: &Size) -> Result<Vec<String>> {
        let quotas: Api<ResourceQuota> = Api::namespaced(self.client.clone(), namespace);
        let ranges: Api<LimitRange> = Api::namespaced(self.client.clone(), namespace);
        let params = ListParams::default();
        let quotas = self.call(&format!("list ResourceQuotas in {namespace}"), quotas.list(&params)).await?;
        let ranges = self.call(&format!("list LimitRanges in {namespace}"), ranges.list(&params)).await?;
        let by_quotas = quotas.iter().flat_map(|quota| exceeded(quota, pod));
        Ok(by_quotas.chain(ranges.iter().flat_map(|range| out_of_range(range, pod))).collect())
    }
}

/// What a quota counts of one more such Pod.
fn asked(pod: &Size) -> Vec<(String, &'static str)> {
    let one = |resource: &&str| ((*resource).to_owned(), "1");
    let mut asked: Vec<(String, &str)> = ["pods", "count/pods"].iter().chain(pod.counted).map(one).collect();
    for (resource, request) in pod.requests {
        asked.extend([(resource.to_owned(), request), (format!("requests.{resource}"), request)]);
    }
    asked.extend(pod.limits.map(|(resource, limit)| (format!("limits.{resource}"), limit)));
    asked
}

fn exceeded(quota: &ResourceQuota, pod: &Size) -> Vec<String> {
    let scopes = quota.spec.as_ref().and_then(|spec| spec.scopes.clone()).unwrap_or_default();
    // The Pod has requests, and no deadline of its own.
    if scopes.iter().any(|scope| matches!(scope.as_str(), "BestEffort" | "Terminating")) {
        return Vec::new();
    }
    let status = quota.status.clone().unwrap_or_default();
    let hard = status.hard.or_else(|| quota.spec.as_ref()?.hard.clone()).unwrap_or_default();
    let used = status.used.unwrap_or_default();
    let name = quota.name_any();
    let whose = pod.whose;
    let full = asked(pod).into_iter().filter_map(|(resource, asked)| {
        let (limit, used) = (number(&hard, &resource)?, number(&used, &resource).unwrap_or(0.0));
        let over = used + quantity::number(asked)? > limit;
        let text = |all: &BTreeMap<String, Quantity>| all.get(&resource).map_or("0".to_owned(), |found| found.0.clone());
        let used = text(status_used(quota));
        over.then(|| format!("ResourceQuota {name} has no room for {whose}: {resource} {used} used of {}, {asked} more are asked for", text(&hard)))
    });
    let unsaid = MUST_BE_SAID.into_iter().filter(|resource| hard.contains_key(*resource)).map(|resource| {
        format!("ResourceQuota {name} limits {resource}, about which {whose} says nothing: it needs a LimitRange with a default")
    });
    full.chain(unsaid).collect()
}

fn status_used(quota: &ResourceQuota) -> &BTreeMap<String, Quantity> {
    static NONE: BTreeMap<String, Quantity> = BTreeMap::new();
    quota.status.as_ref().and_then(|status| status.used.as_ref()).unwrap_or(&NONE)
}

fn number(all: &BTreeMap<String, Quantity>, resource: &str) -> Option<f64> {
    quantity::number(&all.get(resource)?.0)
}

fn out_of_range(range: &LimitRange, pod: &Size) -> Vec<String> {
    let name = range.name_any();
    let items = range.spec.iter().flat_map(|spec| &spec.limits);
    let each = items.filter(|item| matches!(item.type_.as_str(), "Container" | "Pod"));
    each.flat_map(|item| {
        faults(item, pod).into_iter().map(|fault| format!("LimitRange {name} refuses {}: {fault}", pod.whose))
    })
    .collect()
}

fn faults(item: &LimitRangeItem, pod: &Size) -> Vec<String> {
    let bound = |all: &Option<BTreeMap<String, Quantity>>, resource: &str| number(all.as_ref()?, resource);
    let mut faults = Vec::new();
    for ((resource, request), (_, limit)) in pod.requests.into_iter().zip(pod.limits) {
        let (Some(asks), Some(may)) = (quantity::number(request), quantity::number(limit)) else { continue };
        if bound(&item.max, resource).is_some_and(|max| may > max) {
            faults.push(format!("its {resource} limit of {limit} is above the maximum"));
        }
        if bound(&item.min, resource).is_some_and(|min| asks < min) {
            faults.push(format!("its {resource} request of {request} is below the minimum"));
        }
        if bound(&item.max_limit_request_ratio, resource).is_some_and(|ratio| may / asks > ratio) {
            faults.push(format!("its {resource} limit of {limit} is too many times its request of {request}"));
        }
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::size::{GOLDEN, JOB};
    use serde_json::json;

    #[test]
    fn a_quota_without_room_is_found_and_one_for_other_pods_is_not() {
        let quota = |spec: serde_json::Value, used: serde_json::Value| -> Vec<String> {
            let hard = spec["hard"].clone();
            let object = json!({"metadata": {"name": "q"}, "spec": spec, "status": {"hard": hard, "used": used}});
            exceeded(&serde_json::from_value(object).expect("a quota"), &JOB)
        };
        assert_eq!(
            quota(json!({"hard": {"requests.cpu": "1"}}), json!({"requests.cpu": "900m"})),
            Vec::<String>::new()
        );
        let full =
            quota(json!({"hard": {"requests.cpu": "1", "pods": "9"}}), json!({"requests.cpu": "950m", "pods": "9"}));
        assert_eq!(full.len(), 2, "{full:?}");
        assert!(full[1].contains("requests.cpu 950m used of 1, 100m more"), "{full:?}");
        assert!(quota(json!({"hard": {"pods": "0"}, "scopes": ["BestEffort"]}), json!({})).is_empty());
        assert!(quota(json!({"hard": {"limits.ephemeral-storage": "1Gi"}}), json!({}))[0].contains("LimitRange"));
    }

    #[test]
    fn a_range_that_refuses_the_pod_is_found() {
        let item = |item: serde_json::Value| faults(&serde_json::from_value(item).expect("an item"), &JOB);
        assert!(item(json!({"type": "Container", "max": {"cpu": "2", "memory": "1Gi"}})).is_empty());
        assert_eq!(item(json!({"type": "Container", "max": {"memory": "512Mi"}})).len(), 1);
        assert_eq!(
            item(json!({"type": "Container", "min": {"cpu": "1"}, "maxLimitRequestRatio": {"cpu": "4"}})).len(),
            2
        );
    }
    #[test]
    fn each_pod_is_judged_by_its_own_numbers() {
        let refuses = |item: serde_json::Value, pod: &Size| {
            !faults(&serde_json::from_value(item).expect("an item"), pod).is_empty()
        };
        let minimum = || json!({"type": "Container", "min": {"memory": "64Mi"}});
        assert!(refuses(minimum(), &GOLDEN) && !refuses(minimum(), &JOB));
        let full = |pod: &Size| {
            let quota =
                json!({"metadata": {"name": "q"}, "spec": {"hard": {"requests.memory": "64Mi", "secrets": "0"}}});
            exceeded(&serde_json::from_value(quota).expect("a quota"), pod).len()
        };
        assert_eq!((full(&GOLDEN), full(&JOB)), (0, 2));
    }
}
