//! Who may do what: everything by default; single refusals, or only what a Role's rules allow.

use super::kinds::qualified;
use super::route::Target;
use super::status::{Failure, details};
use serde_json::{Value, json};

/// A rule of a Role.
#[derive(Clone, Debug, Default)]
pub struct Rule {
    pub verbs: Vec<String>,
    pub groups: Vec<String>,
    pub resources: Vec<String>,
    /// Empty: every name.
    pub names: Vec<String>,
    /// Only there; none: everywhere.
    pub namespace: Option<String>,
}

impl Rule {
    /// A rule for one group.
    pub fn new(verbs: &[&str], group: &str, resources: &[&str], names: &[&str]) -> Self {
        let owned = |list: &[&str]| list.iter().map(|text| (*text).to_owned()).collect();
        Self {
            verbs: owned(verbs),
            groups: vec![group.to_owned()],
            resources: owned(resources),
            names: owned(names),
            namespace: None,
        }
    }

    fn is_for(&self, namespace: Option<&str>) -> bool {
        self.namespace.as_deref().is_none_or(|own| namespace == Some(own))
    }

    fn allows(&self, verb: &str, target: &Target, name: Option<&str>) -> bool {
        let has = |list: &[String], wanted: &str| list.iter().any(|own| own == wanted || own == "*");
        let resource = match &target.subresource {
            Some(subresource) => format!("{}/{subresource}", target.resource),
            None => target.resource.clone(),
        };
        self.is_for(target.namespace.as_deref())
            && has(&self.verbs, verb)
            && has(&self.groups, &target.group)
            && has(&self.resources, &resource)
            && (self.names.is_empty() || name.is_some_and(|name| self.names.iter().any(|own| own == name)))
    }
}

/// The double's authorization.
#[derive(Clone, Debug)]
pub struct Access {
    pub user: String,
    /// Only this is allowed; none: everything.
    pub allowed: Option<Vec<Rule>>,
    /// verb (or `*`), resource, name (none: every name).
    pub forbidden: Vec<(String, String, Option<String>)>,
}

impl Default for Access {
    fn default() -> Self {
        Self {
            user: "system:serviceaccount:default:boathook".to_owned(),
            allowed: None,
            forbidden: Vec::new(),
        }
    }
}

impl Access {
    /// Whether this may be done; `name` is the object's, or the one that a list's field selector names.
    pub fn check(&self, verb: &str, target: &Target, name: Option<&str>) -> Result<(), Failure> {
        let refused = self.forbidden.iter().any(|(own, resource, only)| {
            (own == verb || own == "*")
                && (*resource == target.resource || *resource == qualified(&target.resource, &target.group))
                && only.as_deref().is_none_or(|only| name == Some(only))
        });
        // Every authenticated user may ask what it may do.
        let review = target.group == "authorization.k8s.io";
        let allowed = self
            .allowed
            .as_ref()
            .is_none_or(|rules| rules.iter().any(|rule| rule.allows(verb, target, name)));
        if review || allowed && !refused { Ok(()) } else { Err(self.refusal(verb, target)) }
    }

    fn refusal(&self, verb: &str, target: &Target) -> Failure {
        let name = target.name.as_deref();
        let mut resource = qualified(&target.resource, &target.group);
        if let Some(name) = name {
            resource = format!("{resource} {name:?}");
        }
        let place = match &target.namespace {
            Some(namespace) => format!("in the namespace {namespace:?}"),
            None => "at the cluster scope".to_owned(),
        };
        let message = format!(
            "{resource} is forbidden: User {:?} cannot {verb} resource {:?} in API group {:?} {place}",
            self.user, target.resource, target.group
        );
        let mut failure = Failure::new(403, "Forbidden", message);
        failure.details = Some(details(&target.group, &target.resource, name));
        failure
    }

    /// The status of a `SelfSubjectRulesReview` of a namespace.
    pub fn review(&self, namespace: &str) -> Value {
        let everything = vec![Rule::new(&["*"], "*", &["*"], &[])];
        let own = self.allowed.as_ref().unwrap_or(&everything);
        let mut rules = vec![
            json!({"verbs": ["create"], "apiGroups": ["authorization.k8s.io"],
                   "resources": ["selfsubjectaccessreviews", "selfsubjectrulesreviews"]}),
            json!({"verbs": ["create"], "apiGroups": ["authentication.k8s.io"], "resources": ["selfsubjectreviews"]}),
        ];
        for rule in own.iter().filter(|rule| rule.is_for(Some(namespace))) {
            let mut entry =
                json!({"verbs": rule.verbs, "apiGroups": rule.groups, "resources": rule.resources});
            if !rule.names.is_empty() {
                entry["resourceNames"] = json!(rule.names);
            }
            rules.push(entry);
        }
        let urls = |urls: &[&str]| json!({"verbs": ["get"], "nonResourceURLs": urls});
        json!({
            "resourceRules": rules,
            "nonResourceRules": [
                urls(&["/api", "/api/*", "/apis", "/apis/*", "/healthz", "/livez", "/openapi", "/openapi/*", "/readyz",
                       "/version", "/version/"]),
                urls(&["/.well-known", "/.well-known/*"]),
                urls(&["/healthz", "/livez", "/readyz", "/version", "/version/"]),
                urls(&["/.well-known/openid-configuration", "/.well-known/openid-configuration/", "/openid/v1/jwks",
                       "/openid/v1/jwks/"])
            ],
            "incomplete": false
        })
    }
}
