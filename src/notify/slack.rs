//! A message for an incoming webhook of Slack (Mattermost and Rocket.Chat take its text as well).
//! <https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks/>

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::Notice;
use crate::run::outcome::Outcome;
use crate::run::report::TargetReport;
use crate::text::acts;

/// Slack takes 3000 characters in the text of a block.
const LONGEST: usize = 2900;

/// How many targets are listed.
const LISTED: usize = 20;

/// How long a text from elsewhere may get within a line.
const PIECE: usize = 300;

/// The body: `text` for notifications and for those who know no blocks, the blocks for Slack.
pub(super) fn body(notice: &Notice) -> Value {
    let head = head(notice);
    let mut blocks = vec![section(&head)];
    let list = list(notice);
    if !list.is_empty() {
        blocks.push(section(&list));
    }
    blocks.push(json!({"type": "context", "elements": [text(&context(notice))]}));
    let plain = format!("{}: {}", words(notice.outcome), escape(notice.about(), PIECE));
    json!({"text": plain, "blocks": blocks, "unfurl_links": false, "unfurl_media": false})
}

fn section(markdown: &str) -> Value {
    json!({"type": "section", "text": text(markdown)})
}

/// Verbatim: no name, channel or URL in it becomes a link or calls anybody.
fn text(markdown: &str) -> Value {
    json!({"type": "mrkdwn", "text": markdown, "verbatim": true})
}

fn head(notice: &Notice) -> String {
    let about = escape(notice.about(), PIECE);
    let head = format!("{} *{}*: {about}", emoji(notice.outcome), words(notice.outcome));
    if notice.reason.is_empty() {
        return head;
    }
    let reason = escape(&notice.reason, LONGEST - head.len().min(LONGEST) - 1);
    format!("{head}\n{reason}")
}

/// One line for each target, as far as Slack takes them.
fn list(notice: &Notice) -> String {
    let total = notice.targets().count() + notice.left_out;
    let mut list = String::new();
    let mut listed = 0;
    for target in notice.targets().take(LISTED) {
        let line = line(notice, target);
        if list.len() + line.len() > LONGEST {
            break;
        }
        list.push_str(&line);
        listed += 1;
    }
    if listed < total {
        let _ = write!(list, "… and {} more", total - listed);
    }
    list.trim_end().to_owned()
}

/// The reason is left out where the head has it already.
fn line(notice: &Notice, target: &TargetReport) -> String {
    // Writing to a String cannot fail.
    let mut line = format!("• {}", escape(&target.target, PIECE));
    if let Some(namespace) = &target.namespace {
        let _ = write!(line, " in {}", escape(namespace, PIECE));
    }
    if let Some(outcome) = target.outcome {
        let _ = write!(line, ": {}", words(outcome));
    }
    if !target.reason.is_empty() && !notice.reason.contains(&target.reason) {
        let _ = write!(line, ", {}", escape(&target.reason, PIECE));
    }
    line.push('\n');
    line
}

fn context(notice: &Notice) -> String {
    let by = notice.actor.as_ref().map(|actor| format!(" by {}", escape(actor, PIECE))).unwrap_or_default();
    format!(
        "{} delivery {}{by} · endpoint {}, rule {} · run {} · after {:.0} s",
        notice.source,
        escape(&notice.delivery, PIECE),
        notice.endpoint,
        notice.rule,
        notice.run,
        notice.seconds()
    )
}

fn words(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::RolledBack => "rolled back",
        other => other.word(),
    }
}

fn emoji(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Succeeded => ":white_check_mark:",
        Outcome::Unchanged | Outcome::Skipped | Outcome::Superseded => ":heavy_minus_sign:",
        Outcome::Held => ":raised_hand:",
        Outcome::RolledBack => ":rewind:",
        Outcome::Expired => ":hourglass:",
        Outcome::Failed => ":x:",
    }
}

/// What Slack would read as a link or as a call is spelt out, and what a terminal would act on is blank. At most so many
/// bytes come of it, which are never fewer than Slack's characters; a reference is not cut in two.
fn escape(text: &str, limit: usize) -> String {
    let mut escaped = String::new();
    for c in text.chars() {
        let mut own = [0; 4];
        let piece = match c {
            '&' => "&amp;",
            '<' => "&lt;",
            '>' => "&gt;",
            c if acts(c) => " ",
            c => c.encode_utf8(&mut own),
        };
        if escaped.len() + piece.len() + '…'.len_utf8() > limit {
            escaped.push('…');
            break;
        }
        escaped.push_str(piece);
    }
    escaped
}

#[cfg(test)]
mod tests;
