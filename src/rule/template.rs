//! Texts with variables: `${image}:${tag}`. A template is parsed with the configuration and rendered once per
//! run, inside one string value, after YAML and JSON have been parsed: what a sender names can change a value
//! but never the structure around it, and a value that looks like a variable is not expanded again.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::values::{Values, Variable};

/// A text with variables, parsed. `${name}` is a variable, `$${` stands for the text `${`, and a `$` before
/// anything else is itself. In JSON it is the text that it was written as.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Template {
    source: String,
    parts: Vec<Part>,
}

/// How many texts a template may become and still be told one by one.
const MOST_POSSIBLE: usize = 100;

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    Variable(Variable),
}

impl Template {
    /// Reads a template; the error is a sentence for the configuration's author.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (mut parts, mut literal, mut rest) = (Vec::new(), String::new(), text);
        while let Some(dollar) = rest.find('$') {
            let (before, from) = rest.split_at(dollar);
            literal.push_str(before);
            if let Some(tail) = from.strip_prefix("$${") {
                literal.push_str("${");
                rest = tail;
            } else if let Some(tail) = from.strip_prefix("${") {
                let Some((name, tail)) = tail.split_once('}') else {
                    return Err("${ has no closing }; write $${ for the text ${ itself".to_owned());
                };
                let variable = Variable::parse(name)?;
                if !literal.is_empty() {
                    parts.push(Part::Text(std::mem::take(&mut literal)));
                }
                parts.push(Part::Variable(variable));
                rest = tail;
            } else {
                literal.push('$');
                rest = from.strip_prefix('$').unwrap_or_default();
            }
        }
        literal.push_str(rest);
        if !literal.is_empty() {
            parts.push(Part::Text(literal));
        }
        Ok(Self { source: text.to_owned(), parts })
    }

    /// A template that renders as this text, whatever is in it.
    pub fn literal(text: &str) -> Self {
        let parts = if text.is_empty() { Vec::new() } else { vec![Part::Text(text.to_owned())] };
        Self { source: text.replace("${", "$${"), parts }
    }

    /// The variables, in the order in which they stand.
    pub fn variables(&self) -> impl Iterator<Item = Variable> {
        self.parts.iter().filter_map(|part| match part {
            Part::Variable(variable) => Some(*variable),
            Part::Text(_) => None,
        })
    }

    /// Whether it renders the same for every event.
    pub fn is_literal(&self) -> bool {
        self.variables().next().is_none()
    }

    /// Puts the values in. The error names a variable that the event does not have.
    pub fn render(&self, values: &Values) -> Result<String, String> {
        self.fill(|variable| values.required(variable).map(str::to_owned))
    }

    /// Puts in for each variable what is made for it.
    pub fn fill(&self, value: impl Fn(Variable) -> Result<String, String>) -> Result<String, String> {
        let mut filled = String::with_capacity(self.source.len());
        for part in &self.parts {
            match part {
                Part::Text(text) => filled.push_str(text),
                Part::Variable(variable) => filled.push_str(&value(*variable)?),
            }
        }
        Ok(filled)
    }

    /// Everything that it can become where each of its variables is one of the words that `words` knows for it;
    /// `None` if it knows none for one of them, or if that would be too many.
    pub fn possible(&self, words: impl Fn(Variable) -> Option<Vec<String>>) -> Option<Vec<String>> {
        let mut texts = vec![(String::new(), BTreeMap::<Variable, String>::new())];
        for part in &self.parts {
            let mut longer = Vec::new();
            for (text, chosen) in texts {
                match part {
                    Part::Text(more) => longer.push((text + more, chosen)),
                    Part::Variable(variable) => {
                        let words = match chosen.get(variable) {
                            Some(word) => vec![word.clone()],
                            None => words(*variable)?,
                        };
                        for word in words {
                            let mut chosen = chosen.clone();
                            chosen.insert(*variable, word.clone());
                            longer.push((format!("{text}{word}"), chosen));
                        }
                    }
                }
            }
            if longer.len() > MOST_POSSIBLE {
                return None;
            }
            texts = longer;
        }
        Some(texts.into_iter().map(|(text, _)| text).collect())
    }

    /// The text as it was written.
    pub fn source(&self) -> &str {
        &self.source
    }
}

impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.source)
    }
}

impl TryFrom<String> for Template {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        Self::parse(&text)
    }
}

impl From<Template> for String {
    fn from(template: Template) -> Self {
        template.source
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::event::{DeployRequest, Event, GitPushed, GitRef, ImagePushed};
    use crate::image::{Digest, Repository};

    fn image(digest: Option<Digest>) -> Event {
        let repository = Repository::parse("ghcr.io/acme/web").unwrap();
        Event::Image(ImagePushed { repository, tags: vec!["1.2".into()], digest })
    }

    fn git(reference: GitRef) -> Event {
        Event::Git(GitPushed { repository: "acme/fleet".into(), urls: vec![], reference, commit: None })
    }

    fn render(text: &str, event: &Event, tag: Option<&str>) -> Result<String, String> {
        Template::parse(text).unwrap().render(&Values::new(event, tag, "72d3162e"))
    }

    #[test]
    fn values_come_from_the_event() {
        let digest = format!("sha256:{}", "ab".repeat(32));
        let pushed = image(Digest::parse(&digest));
        assert_eq!(
            render("${image}:${tag}@${digest}", &pushed, Some("1.2")).unwrap(),
            format!("ghcr.io/acme/web:1.2@{digest}")
        );
        assert_eq!(render("${repository} in ${delivery}", &pushed, None).unwrap(), "acme/web in 72d3162e");
        let branch = git(GitRef::Branch("main".into()));
        assert_eq!(render("${repository}#${branch}", &branch, None).unwrap(), "acme/fleet#main");
        assert_eq!(render("${tag}", &git(GitRef::Tag("v1".into())), None).unwrap(), "v1");
        let deploy = Event::Deploy(Box::new(DeployRequest {
            environment: "production".into(),
            image: Repository::parse("ghcr.io/acme/web").unwrap(),
            tag: "1.2".into(),
            digest: None,
            namespace: "prod".into(),
            workload: "web".into(),
            id: "1".into(),
            commit: "abc".into(),
            by: "ci".into(),
            strategy: "rolling".into(),
            auto_promotion: false,
            asked: BTreeMap::new(),
        }));
        let all = "${image} ${repository} ${tag} ${commit} ${namespace} ${workload} ${environment}";
        assert_eq!(
            render(all, &deploy, None).unwrap(),
            "ghcr.io/acme/web acme/web 1.2 abc prod web production"
        );
    }

    #[test]
    fn a_missing_value_is_named_with_its_reason() {
        let (branch, tag) = (git(GitRef::Branch("main".into())), git(GitRef::Tag("v1".into())));
        for (text, event, told) in [
            ("${tag}", &branch, "a git event has no ${tag} for a branch"),
            ("${branch}", &tag, "a git event has no ${branch} for a tag"),
            ("${commit}", &branch, "a git event has no ${commit}: its sender named none"),
            ("${namespace}", &branch, "a git event has no ${namespace}"),
            ("${digest}", &image(None), "an image event has no ${digest}: its sender named none"),
            ("${commit}", &image(None), "an image event has no ${commit}"),
            ("${image}", &Event::Ping, "a ping event has no ${image}"),
        ] {
            assert_eq!(render(text, event, Some("1.2")).unwrap_err(), told);
        }
    }

    #[test]
    fn mistakes_name_the_way_out() {
        for (text, told) in [
            (
                "${tagg}",
                "${tagg} is not a variable; did you mean tag? (write $${tagg} for the text ${tagg} itself)",
            ),
            ("a ${tag", "${ has no closing }; write $${ for the text ${ itself"),
        ] {
            assert_eq!(Template::parse(text).unwrap_err(), told);
        }
        assert!(Template::parse("${}").unwrap_err().contains("known: branch, commit"));
        assert!(Template::parse("${ tag }").unwrap_err().contains("did you mean tag?"));
        assert!(Template::parse("${Tag}").unwrap_err().contains("did you mean tag?"));
    }

    #[test]
    fn only_a_brace_makes_a_dollar_special() {
        for (text, rendered) in [
            ("$5", "$5"),
            ("a$", "a$"),
            ("$$", "$$"),
            ("$${tag}", "${tag}"),
            ("$tag", "$tag"),
            ("", ""),
            ("{tag}", "{tag}"),
        ] {
            assert_eq!(render(text, &Event::Ping, None).unwrap(), rendered);
            assert!(Template::parse(text).unwrap().is_literal());
        }
        let template = Template::parse("${image}:${tag}").unwrap();
        assert_eq!(template.variables().collect::<Vec<_>>(), [Variable::Image, Variable::Tag]);
    }

    #[test]
    fn what_it_can_become_is_told_where_its_variables_are_limited() {
        let words = |variable| match variable {
            Variable::Namespace => Some(vec!["shop".to_owned(), "blog".to_owned()]),
            Variable::Workload => Some(vec!["web".to_owned(), "queue".to_owned()]),
            _ => None,
        };
        let possible = |text: &str| Template::parse(text).unwrap().possible(words);
        assert_eq!(possible("default").unwrap(), ["default"]);
        assert_eq!(
            possible("${namespace}-${workload}").unwrap(),
            ["shop-web", "shop-queue", "blog-web", "blog-queue"]
        );
        assert_eq!(possible("${namespace}.${namespace}").unwrap(), ["shop.shop", "blog.blog"]);
        assert_eq!(possible("${namespace}-${tag}"), None);
        let many = |_| Some((0..60).map(|n| n.to_string()).collect());
        assert_eq!(Template::parse("${namespace}${workload}").unwrap().possible(many), None);
    }

    #[test]
    fn a_value_is_not_expanded_again() {
        let branch = git(GitRef::Branch("${delivery}\"}{$${x".into()));
        assert_eq!(render("<${branch}>", &branch, None).unwrap(), "<${delivery}\"}{$${x>");
    }

    #[test]
    fn json_is_the_text() {
        let template = Template::parse("v${tag}$${x").unwrap();
        let json = serde_json::to_string(&template).unwrap();
        assert_eq!(json, r#""v${tag}$${x""#);
        assert_eq!(serde_json::from_str::<Template>(&json).unwrap(), template);
        assert!(serde_json::from_str::<Template>(r#""${x}""#).is_err());
        let values = Values::new(&image(None), Some("1"), "d");
        let json = serde_json::to_string(&values).unwrap();
        assert_eq!(serde_json::from_str::<Values>(&json).unwrap(), values);
    }

    proptest! {
        #[test]
        fn literals_render_as_themselves(text in "[${}a]{0,12}") {
            let template = Template::literal(&text);
            let values = Values::new(&Event::Ping, None, "d");
            prop_assert_eq!(template.render(&values).unwrap(), text);
            prop_assert_eq!(Template::parse(template.source()).unwrap(), template);
        }

        #[test]
        fn parsing_never_panics(text in "\\PC{0,40}") {
            if let Ok(template) = Template::parse(&text) {
                prop_assert_eq!(template.source(), text);
            }
        }
    }
}
