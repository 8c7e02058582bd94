//! Label and field selectors.

use super::status::Failure;
use serde_json::Value;

/// A label selector: all requirements hold.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Labels(Vec<Requirement>);

#[derive(Clone, Debug, PartialEq)]
struct Requirement {
    key: String,
    test: Test,
}

#[derive(Clone, Debug, PartialEq)]
enum Test {
    In(Vec<String>),
    NotIn(Vec<String>),
    Exists,
    Missing,
}

impl Labels {
    /// Parses `app=web,tier!=db,env in (a,b),!canary`; the error is the API server's 400.
    pub fn parse(text: &str) -> Result<Self, Failure> {
        let mut tokens = Tokens::new(text);
        let mut requirements = Vec::new();
        loop {
            match tokens.peek() {
                "" => return Ok(Self(requirements)),
                "!" => {
                    tokens.next();
                    let key = tokens.identifier("identifier")?;
                    requirements.push(Requirement { key, test: Test::Missing });
                }
                word if is_word(word) => requirements.push(requirement(&mut tokens)?),
                other => {
                    let message = format!("found '{other}', expected: !, identifier, or 'end of string'");
                    return Err(Failure::bad_request(message));
                }
            }
            match tokens.next() {
                "" => return Ok(Self(requirements)),
                "," => {
                    let ahead = tokens.peek();
                    if ahead != "!" && !is_word(ahead) {
                        let message = format!("found '{ahead}', expected: identifier after ','");
                        return Err(Failure::bad_request(message));
                    }
                }
                other => {
                    let message = format!("found '{other}', expected: ',' or 'end of string'");
                    return Err(Failure::bad_request(message));
                }
            }
        }
    }

    /// Whether an object's labels fit.
    pub fn fits(&self, object: &Value) -> bool {
        let labels = &object["metadata"]["labels"];
        self.0.iter().all(|requirement| {
            let value = labels.get(&requirement.key).and_then(Value::as_str);
            let among = |values: &[String]| value.is_some_and(|value| values.iter().any(|own| own == value));
            match &requirement.test {
                Test::In(values) => among(values),
                Test::NotIn(values) => !among(values),
                Test::Exists => value.is_some(),
                Test::Missing => value.is_none(),
            }
        })
    }

    /// Whether it asks for nothing.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

fn requirement(tokens: &mut Tokens<'_>) -> Result<Requirement, Failure> {
    let key = tokens.identifier("identifier")?;
    let test = match tokens.peek() {
        "" | "," => Test::Exists,
        "=" | "==" => {
            tokens.next();
            Test::In(vec![tokens.value()?])
        }
        "!=" => {
            tokens.next();
            Test::NotIn(vec![tokens.value()?])
        }
        "in" => {
            tokens.next();
            Test::In(tokens.values()?)
        }
        "notin" => {
            tokens.next();
            Test::NotIn(tokens.values()?)
        }
        other => {
            return Err(refused(&format!("found '{other}', expected: in, notin, =, ==, !=, gt, lt")));
        }
    };
    Ok(Requirement { key, test })
}

fn refused(message: &str) -> Failure {
    Failure::bad_request(format!("unable to parse requirement: {message}"))
}

/// The words and signs of a selector; the end is the empty token.
struct Tokens<'a> {
    tokens: Vec<&'a str>,
    at: usize,
}

impl<'a> Tokens<'a> {
    fn new(text: &'a str) -> Self {
        let mut tokens = Vec::new();
        let mut rest = text.trim_start();
        while let Some(first) = rest.chars().next() {
            let length = match first {
                '(' | ')' | ',' => 1,
                '=' | '!' | '<' | '>' => {
                    if rest[1..].starts_with('=') {
                        2
                    } else {
                        1
                    }
                }
                _ => rest.find(is_sign).unwrap_or(rest.len()),
            };
            let (token, after) = rest.split_at(length);
            tokens.push(token);
            rest = after.trim_start();
        }
        Self { tokens, at: 0 }
    }

    fn peek(&self) -> &'a str {
        self.tokens.get(self.at).copied().unwrap_or_default()
    }

    fn next(&mut self) -> &'a str {
        let token = self.peek();
        self.at += 1;
        token
    }

    fn identifier(&mut self, expected: &str) -> Result<String, Failure> {
        match self.next() {
            word if is_word(word) => Ok(word.to_owned()),
            other => Err(refused(&format!("found '{other}', expected: {expected}"))),
        }
    }

    /// The value after a sign; it may be empty.
    fn value(&mut self) -> Result<String, Failure> {
        match self.peek() {
            "" | "," => Ok(String::new()),
            _ => self.identifier("identifier"),
        }
    }

    /// `(a,b)`.
    fn values(&mut self) -> Result<Vec<String>, Failure> {
        match self.next() {
            "(" => {}
            other => return Err(refused(&format!("found '{other}' expected: '('"))),
        }
        let mut values = Vec::new();
        loop {
            match self.peek() {
                ")" => {
                    self.next();
                    return Ok(values);
                }
                "," => {
                    self.next();
                }
                _ => values.push(self.identifier("',', ')' or identifier")?),
            }
        }
    }
}

fn is_sign(c: char) -> bool {
    c.is_whitespace() || "(),=!<>".contains(c)
}

fn is_word(token: &str) -> bool {
    !token.is_empty() && !token.contains(is_sign)
}

/// A field selector: metadata.name and metadata.namespace, for pods also spec.nodeName and status.phase.
#[derive(Clone, Debug, Default)]
pub struct Fields(Vec<(String, bool, String)>);

impl Fields {
    /// Parses `metadata.name=web`; `resource` is named in the refusal (`apps/v1, Resource=deployments`).
    pub fn parse(text: &str, resource: &str) -> Result<Self, Failure> {
        let mut fields = Vec::new();
        for term in text.split(',').filter(|term| !term.is_empty()) {
            let (field, equal, value) = if let Some((field, value)) = term.split_once("!=") {
                (field, false, value)
            } else if let Some((field, value)) = term.split_once("==").or_else(|| term.split_once('=')) {
                (field, true, value)
            } else {
                let message = format!("invalid selector: '{text}'; can't understand '{term}'");
                return Err(Failure::bad_request(message));
            };
            let known = matches!(field, "metadata.name" | "metadata.namespace")
                || resource.ends_with("Resource=pods") && matches!(field, "spec.nodeName" | "status.phase");
            if !known {
                return Err(Failure::bad_request(format!(
                    "Unable to find {resource:?} that match label selector \"\", field selector {text:?}: field \
                     label not supported: {field}"
                )));
            }
            fields.push((field.to_owned(), equal, value.to_owned()));
        }
        Ok(Self(fields))
    }

    /// Whether an object fits.
    pub fn fits(&self, object: &Value) -> bool {
        self.0.iter().all(|(field, equal, value)| {
            let pointer = format!("/{}", field.replace('.', "/"));
            (object.pointer(&pointer).and_then(Value::as_str).unwrap_or_default() == value) == *equal
        })
    }

    /// The one name it asks for, which RBAC's resourceNames are compared with.
    pub fn name(&self) -> Option<&str> {
        let name = self.0.iter().find(|(field, equal, _)| field == "metadata.name" && *equal);
        name.map(|(_, _, value)| value.as_str())
    }

    /// Whether it asks for nothing.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
