//! The calls as a ServiceAccount and its Roles, one in each namespace; nothing is cluster-wide.
use super::{Call, Use, calls, needed_for};
use crate::cli::Task;
use crate::cluster::rights::Right;
use crate::settings::Settings;

/// The name of the Role and RoleBinding in the sandbox's namespace.
const NAME: &str = "sandbox-lifecycle";

/// A line of a Role: what differs in its verbs only.
struct Rule<'a> {
    right: &'a Right,
    why: String,
    verbs: Vec<&'static str>,
}

/// As YAML for `kubectl apply -f -`. All names were checked for their form with the settings, so nothing needs quoting.
pub fn roles(settings: &Settings, tasks: &[Task]) -> String {
    let Settings { prod, sandbox, argocd_namespace, watchdog_service_account: account, .. } = settings;
    let names: Vec<&str> = tasks.iter().map(|task| task.name()).collect();
    let calls = calls(settings, tasks);
    let mut text = format!(
        "# What the tool may do: {}. Nothing is cluster-wide, and in production nothing can be written.\n\
         # Without what is marked as \"only\" a run does its work all the same.\n\
         apiVersion: v1\nkind: ServiceAccount\nmetadata: {{name: {account}, namespace: {}}}\n",
        names.join(", "),
        sandbox.namespace
    );
    let mut namespaces = vec![&prod.namespace, &sandbox.namespace, argocd_namespace];
    namespaces.dedup();
    for namespace in namespaces {
        let own: Vec<(&Right, String)> = calls
            .iter()
            .filter(|call| call.right.namespace == *namespace)
            .map(|call| (&call.right, why(settings, tasks, call)))
            .collect();
        if own.is_empty() {
            continue;
        }
        let name = name(namespace, &sandbox.namespace);
        let metadata = format!("metadata: {{name: {name}, namespace: {namespace}}}");
        text.push_str(&format!("---\napiVersion: rbac.authorization.k8s.io/v1\nkind: Role\n{metadata}\nrules:\n"));
        rules(&own).iter().for_each(|rule| text.push_str(&line(rule)));
        text.push_str(&format!(
            "---\napiVersion: rbac.authorization.k8s.io/v1\nkind: RoleBinding\n{metadata}\n\
             roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: Role, name: {name}}}\n\
             subjects: [{{kind: ServiceAccount, name: {account}, namespace: {}}}]\n",
            sandbox.namespace
        ));
    }
    text
}

/// Several sandboxes may be refreshed from one production.
fn name(namespace: &str, sandbox: &str) -> String {
    match namespace == sandbox {
        true => NAME.to_owned(),
        false => format!("{NAME}-{sandbox}"),
    }
}

/// What the first command cannot do without needs no word; of the rest it is said what it is for.
fn why(settings: &Settings, tasks: &[Task], call: &Call) -> String {
    let needs = |task: &Task| needed_for(settings, *task).contains(&call.right);
    match call.used {
        Use::Only(what) => format!(" # only {what}"),
        Use::Sometimes(_) | Use::Always if !tasks.first().is_some_and(needs) => {
            let names: Vec<String> =
                tasks.iter().filter(|task| needs(task)).map(|task| format!("`{}`", task.name())).collect();
            let when = if let Use::Sometimes(when) = call.used { format!(", {when}") } else { String::new() };
            format!(" # only for {}{when}", names.join(", "))
        }
        Use::Sometimes(when) => format!(" # {when}"),
        Use::Always => String::new(),
    }
}

fn rules<'a>(calls: &[(&'a Right, String)]) -> Vec<Rule<'a>> {
    let mut rules: Vec<Rule<'_>> = Vec::new();
    for (right, why) in calls {
        let same = |rule: &&mut Rule<'_>| {
            let of = |right: &Right| (right.group, right.resource, right.name.clone());
            of(rule.right) == of(right) && rule.why == *why
        };
        match rules.iter_mut().find(same) {
            Some(rule) => rule.verbs.push(right.verb),
            None => rules.push(Rule { right, why: why.clone(), verbs: vec![right.verb] }),
        }
    }
    rules
}

fn line(rule: &Rule<'_>) -> String {
    let Rule { right, why, verbs } = rule;
    let group = if right.group.is_empty() { "\"\"" } else { right.group };
    let names = right.name.as_ref().map_or(String::new(), |name| format!("resourceNames: [{name}], "));
    let (resource, verbs) = (right.resource, verbs.join(", "));
    format!("- {{apiGroups: [{group}], resources: [{resource}], {names}verbs: [{verbs}]}}{why}\n")
}
