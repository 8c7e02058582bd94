//! What this process may do in a namespace, as the API server says it: a `SelfSubjectRulesReview`.

use reqwest::Method;
use serde::Deserialize;
use serde_json::json;

use super::client::Client;
use super::error::{ApiError, Asked};
use super::object::or_default;
use super::right::Rule;

/// The API group of reviews, which every authenticated user may ask for.
pub(super) const GROUP: &str = "authorization.k8s.io";

#[derive(Debug, Deserialize)]
struct Review {
    status: Status,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[derive(Default)]
struct Status {
    #[serde(deserialize_with = "or_default")]
    resource_rules: Vec<ResourceRule>,
    incomplete: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct ResourceRule {
    #[serde(deserialize_with = "or_default")]
    verbs: Vec<String>,
    #[serde(deserialize_with = "or_default")]
    api_groups: Vec<String>,
    #[serde(deserialize_with = "or_default")]
    resources: Vec<String>,
    #[serde(deserialize_with = "or_default")]
    resource_names: Vec<String>,
}

impl Client {
    /// The rules that apply to this process in a namespace; `None` if the API server does not know all of them, as
    /// with an authorizer that cannot list its rules.
    pub async fn rules(&self, namespace: &str) -> Result<Option<Vec<Rule>>, ApiError> {
        let asked = Asked {
            verb: "create",
            group: GROUP.to_owned(),
            resource: "selfsubjectrulesreviews".to_owned(),
            namespace: namespace.to_owned(),
            name: None,
        };
        let body = json!({
            "apiVersion": format!("{GROUP}/v1"),
            "kind": "SelfSubjectRulesReview",
            "spec": {"namespace": namespace},
        });
        let path = format!("/apis/{GROUP}/v1/selfsubjectrulesreviews");
        let body = ("application/json", body.to_string().into_bytes());
        let review: Review = self.send(Method::POST, &path, Some(body), asked).await?;
        Ok(review.status.rules())
    }
}

impl Status {
    fn rules(self) -> Option<Vec<Rule>> {
        let rule = |rule: ResourceRule| Rule {
            groups: rule.api_groups,
            resources: rule.resources,
            names: rule.resource_names,
            verbs: rule.verbs,
        };
        (!self.incomplete).then(|| self.resource_rules.into_iter().map(rule).collect())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::super::right::{Need, Place, Right};
    use super::*;

    fn recorded() -> Value {
        let text = include_str!("../../tests/data/exchanges/50-rules-review.json");
        serde_json::from_str::<Value>(text).unwrap()["response"]["body"].clone()
    }

    #[test]
    fn a_real_review_is_understood() {
        let review: Review = serde_json::from_value(recorded()).unwrap();
        let rules = review.status.rules().unwrap();
        let allowed = |verb: &'static str, name: Option<&str>| {
            let right = Right {
                place: Place::Namespace("rec".to_owned()),
                verb,
                group: "apps".to_owned(),
                resource: "deployments".to_owned(),
                name: name.map(str::to_owned),
                need: Need::Must,
                purpose: String::new(),
            };
            rules.iter().any(|rule| rule.allows(&right))
        };
        assert!(allowed("get", Some("web")) && allowed("patch", Some("web")));
        assert!(!allowed("delete", Some("web")) && !allowed("get", Some("other")) && !allowed("list", None));
    }

    #[test]
    fn one_that_is_not_complete_says_nothing() {
        let mut body = recorded();
        body["status"]["incomplete"] = Value::Bool(true);
        let review: Review = serde_json::from_value(body).unwrap();
        assert_eq!(review.status.rules(), None);
    }
}
