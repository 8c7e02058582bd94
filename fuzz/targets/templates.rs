//! Templates and JSON pointers: two texts that a sender or an author chose, each in a line, then the body of a patch in
//! YAML, whose texts are templates. What is put in changes texts and nothing around them.

use std::path::Path;
use std::pin::pin;
use std::task::{self, Poll, Waker};

use boathook::action::{Action, Context, Outlook};
use boathook::config::fields::Node;
use boathook::config::report::{FieldPath, Report};
use boathook::event::{Event, GitPushed, GitRef};
use boathook::flux::FluxAccess;
use boathook::kubernetes::Access;
use boathook::rule::{Template, Values};
use boathook::source::draft::SampleEvent;
use boathook::source::{self, Delivery, Setting, Verified};
use serde_json::{Value, json};

use super::cases::sample;
use super::request::now;
use super::{assert_printable, text_line};

pub(crate) fn run(data: &[u8]) {
    let (first, rest) = text_line(data);
    let (second, body) = text_line(rest);
    template(&first, &second);
    pointer(&first, &second, body);
    for format in ["merge", "strategic", "json"] {
        patch(format, (&first, &second), body);
    }
}

/// A push of which the sender chose the names.
fn push(repository: &str, branch: &str) -> Event {
    let (repository, reference) = (repository.to_owned(), GitRef::Branch(branch.to_owned()));
    Event::Git(GitPushed { repository, urls: Vec::new(), reference, commit: None })
}

fn template(text: &str, value: &str) {
    let event = push(value, text);
    let values = Values::new(&event, None, "${tag}");
    let literal = Template::literal(text);
    assert_eq!(literal.render(&values).unwrap(), text, "a literal is itself");
    assert_eq!(Template::parse(literal.source()).unwrap(), literal);
    match Template::parse(text) {
        Ok(template) => {
            assert_eq!(template.source(), text);
            let blank = template.fill(|_| Ok(String::new())).unwrap();
            let held = template.variables().map(|variable| values.get(variable).map(str::len));
            let length = held.sum::<Option<usize>>().map(|length| length + blank.len());
            assert_eq!(template.render(&values).ok().map(|text| text.len()), length, "put in once, as it is");
        }
        Err(why) => assert_printable(&why),
    }
}

/// A body that `send` makes has its fields where `fields:` says that they stand.
fn pointer(first: &str, second: &str, body: &[u8]) {
    let yaml = serde_yaml::to_value(json!({"fields": {"image": first, "environment": second}})).unwrap();
    let report = Report::new(Path::new(""));
    let generic = source::find("Generic").unwrap();
    let mut fields = Node::new(&yaml, &report).fields(FieldPath::default()).unwrap();
    let setting = Setting { asked: vec![first.to_owned()], ..Setting::default() };
    let receiver = (generic.configure)(&mut fields, &setting);
    let headers = source::headers(&[]).unwrap();
    let decode = |body: &[u8]| {
        let delivery = Delivery { headers: &headers, body };
        source::decode(&*receiver, &Verified::waived(&delivery))
    };
    let _ = decode(body);
    let draft = receiver.sample(&sample(SampleEvent::Deploy), now()).filter(|_| report.mistakes() == 0);
    if let Some(draft) = draft {
        let decoded = decode(&draft.body).unwrap_or_else(|why| panic!("{yaml:?}: {why:?}"));
        let [Event::Deploy(request)] = &*decoded.events else { panic!("{decoded:?}") };
        assert_eq!((request.image.as_str(), &*request.tag), ("registry.example.com/acme/web", "1.2.3"));
    }
    for told in report.finish(Path::new("endpoint.yaml"), "").mistakes {
        assert_printable(&told.to_string());
    }
    let confirm = serde_yaml::to_value(json!({"confirm": {"field": first, "equals": second}})).unwrap();
    if let Ok(Action::Confirm(confirm)) = read(&confirm) {
        assert!(confirm.pointer().starts_with('/'));
        assert_printable(&confirm.text());
    }
}

fn patch(format: &str, (first, second): (&str, &str), body: &[u8]) {
    let Ok(body) = serde_yaml::from_slice::<serde_yaml::Value>(body) else { return };
    let patch = json!({"namespace": "default", "apiVersion": "v1", "kind": "ConfigMap", "name": "web", "type": format});
    let mut action = serde_yaml::to_value(json!({ "patch": patch })).unwrap();
    action["patch"]["body"] = body;
    let action = match read(&action) {
        Ok(action) => action,
        Err(mistakes) => return assert!(mistakes > 0, "no action and no mistake: {action:?}"),
    };
    let kept = serde_json::to_value(&action).unwrap();
    assert_eq!(serde_json::from_value::<Action>(kept.clone()).unwrap(), action, "as the journal keeps it");
    let event = push(first, second);
    let context = Context::new(&event, None, None, "GitHub", "${tag}", now(), now());
    let (kubernetes, flux) = (Access::default(), FluxAccess::default());
    let outlook = Outlook { kubernetes: &kubernetes, flux: &flux, live: None };
    let mut preview = pin!(action.preview(&outlook, &context));
    let Poll::Ready(previewed) = preview.as_mut().poll(&mut task::Context::from_waker(Waker::noop())) else {
        panic!("nothing there is to wait for")
    };
    match &*previewed.requests {
        [request] => {
            let request = serde_json::to_value(request).unwrap();
            assert_same_structure(&kept["patch"]["body"], &request["body"]);
        }
        requests => assert!(requests.is_empty() && previewed.notes.len() == 1, "a value that is missing"),
    }
}

/// The action, or how many mistakes there are.
fn read(value: &serde_yaml::Value) -> Result<Action, usize> {
    let report = Report::new(Path::new(""));
    let action = Action::read(Node::new(value, &report), &FieldPath::default());
    let mistakes = report.mistakes();
    for told in report.finish(Path::new("action.yaml"), "").mistakes {
        assert_printable(&told.to_string());
    }
    action.filter(|_| mistakes == 0).ok_or(mistakes)
}

/// Texts may differ where there are variables; nothing else may.
fn assert_same_structure(before: &Value, after: &Value) {
    match (before, after) {
        (Value::String(before), Value::String(after)) => assert!(before == after || before.contains('$')),
        (Value::Array(before), Value::Array(after)) => {
            assert_eq!(before.len(), after.len());
            before.iter().zip(after).for_each(|(before, after)| assert_same_structure(before, after));
        }
        (Value::Object(before), Value::Object(after)) => {
            assert!(before.keys().eq(after.keys()), "{before:?} {after:?}");
            before
                .values()
                .zip(after.values())
                .for_each(|(before, after)| assert_same_structure(before, after));
        }
        (before, after) => assert_eq!(before, after),
    }
}
