//! What the README tells users to grant, read from its text: what they are told is what is tested.

use super::api::Right;

const README: &str = include_str!("../../../README.md");

/// The first block of code in this language in the chapter on rights.
pub(crate) fn rights(language: &str) -> &'static str {
    let chapter = README.split("\n## Rights\n").nth(1).expect("the README has a chapter on rights");
    let block = chapter.split(&format!("```{language}\n")).nth(1).expect("it has such a block");
    block.split("```").next().expect("and its end")
}

/// One line of a Role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Rule {
    pub(crate) namespace: String,
    pub(crate) group: String,
    pub(crate) resource: String,
    pub(crate) name: Option<String>,
    pub(crate) verbs: Vec<String>,
    /// Marked with what it is only for: a run does without.
    pub(crate) optional: bool,
}

impl Rule {
    /// As the lab's API server knows it.
    pub(crate) fn rights(&self) -> impl Iterator<Item = Right> {
        self.verbs
            .iter()
            .map(|verb| Right { name: self.name.clone(), ..Right::new(verb, &self.resource, &self.namespace) })
    }

    /// `- {apiGroups: [apps], resources: [deployments], resourceNames: [erp], verbs: [get]}`
    fn parse(line: &str, namespace: &str) -> Option<Self> {
        let field = |name: &str| {
            let list = line.split_once(&format!("{name}: ["))?.1.split_once(']')?.0;
            Some(list.split(", ").map(|word| word.trim_matches('"').to_owned()).collect::<Vec<_>>())
        };
        let one = |name: &str| field(name).and_then(|list| list.into_iter().next());
        Some(Self {
            namespace: namespace.to_owned(),
            group: one("apiGroups")?,
            resource: one("resources")?,
            name: one("resourceNames"),
            verbs: field("verbs")?,
            optional: line.contains("} # only"),
        })
    }
}

/// All rules of all Roles.
pub(crate) fn rules() -> Vec<Rule> {
    let mut namespace = "";
    let mut rules = Vec::new();
    for line in rights("yaml").lines() {
        if let Some((_, rest)) = line.split_once("namespace: ") {
            namespace = rest.trim_end_matches('}');
        }
        rules.extend(Rule::parse(line, namespace).filter(|_| line.starts_with("- {")));
    }
    assert!(rules.len() > 10, "the README's Roles are in another form: {rules:?}");
    rules
}
