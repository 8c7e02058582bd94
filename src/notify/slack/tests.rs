use serde_json::json;

use super::*;
use crate::notify::notice::tests::{fleet, many, notice, rolled_back};

#[test]
fn a_message_says_what_ended_how_and_why() {
    let mrkdwn = |text: &str| json!({"type": "mrkdwn", "text": text, "verbatim": true});
    assert_eq!(
        body(&rolled_back()),
        json!({
            "text": "rolled back: ghcr.io/acme/web:1.2.3",
            "unfurl_links": false,
            "unfurl_media": false,
            "blocks": [
                {"type": "section", "text": mrkdwn(
                    ":rewind: *rolled back*: ghcr.io/acme/web:1.2.3\nImagePullBackOff in 1 of 3 pods, 1.2.2 is back"
                )},
                {"type": "section", "text": mrkdwn(
                    "• deployment/web in default: rolled back\n\
                     • statefulset/queue in default: skipped, left alone, since another target failed"
                )},
                {"type": "context", "elements": [mrkdwn(
                    "GitHub delivery 72d3162e-cc78-11e3-81ab-4c9367dc0958 by octavia · endpoint ghcr, rule 1 · \
                     run 19aa1b2c3d40001 · after 12 s"
                )]},
            ],
        })
    );
}

#[test]
fn what_there_is_not_is_left_out() {
    let message = body(&fleet());
    assert_eq!(
        message["blocks"][0]["text"]["text"],
        ":white_check_mark: *succeeded*: branch main of acme/fleet"
    );
    assert_eq!(message["blocks"][1]["text"]["text"], "• flux: succeeded");
    assert!(!message.to_string().contains(" by "), "{message}");
    let empty = body(&notice(Outcome::Superseded, "", Vec::new()));
    assert_eq!(empty["blocks"].as_array().unwrap().len(), 2, "no list of nothing: {empty}");
}

#[test]
fn nobody_is_called_and_nothing_is_forged_by_a_text_from_outside() {
    let mut notice =
        notice(Outcome::Failed, "<!channel> & <https://evil.example.com|click>\u{1b}[31m", Vec::new());
    notice.actor = Some("<@U123>\n*failed*".into());
    let message = body(&notice);
    let head = message["blocks"][0]["text"]["text"].as_str().unwrap();
    assert!(head.ends_with("&lt;!channel&gt; &amp; &lt;https://evil.example.com|click&gt; [31m"), "{head}");
    let context = message["blocks"][1]["elements"][0]["text"].as_str().unwrap();
    assert!(context.contains("by &lt;@U123&gt; *failed*"), "{context}");
}

#[test]
fn slacks_limits_are_kept_whatever_there_is_to_say() {
    let mut notice = many(100);
    notice.reason = "<".repeat(2000);
    for step in &mut notice.steps {
        for target in step.targets.iter_mut().flatten() {
            target.reason = "é&".repeat(400);
        }
    }
    notice.actor = Some("&".repeat(5000));
    notice.delivery = "x".repeat(5000);
    let message = body(&notice);
    let blocks = message["blocks"].as_array().unwrap();
    assert!(blocks.len() <= 50);
    for block in blocks {
        let text = block["text"]["text"].as_str().or(block["elements"][0]["text"].as_str()).unwrap();
        assert!(!text.is_empty() && text.encode_utf16().count() <= 3000, "{}: {text}", text.len());
        let whole = text.replace("&lt;", "").replace("&gt;", "").replace("&amp;", "");
        assert!(!whole.contains('&'), "a reference is cut in two: {text}");
    }
    let list = blocks[1]["text"]["text"].as_str().unwrap();
    let listed = list.lines().filter(|line| line.starts_with('•')).count();
    assert!(listed > 0 && list.ends_with(&format!("… and {} more", 100 - listed)), "{list}");
}
