//! Google Pub/Sub's push deliveries: a message in its wrapper, or as it was published.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

use super::{Undecodable, Verified, json};

/// Carries the message's id where there is no wrapper.
const MESSAGE_ID: &str = "x-goog-pubsub-message-id";

/// One message.
#[derive(Debug)]
pub struct Message<'a> {
    /// The same each time that the message is delivered.
    pub id: Option<String>,
    /// As it was published.
    pub data: Cow<'a, [u8]>,
    wrapped: bool,
}

#[derive(Deserialize)]
struct Wrapper {
    message: Option<Wrapped>,
    /// What a registry's message has in place of a wrapper.
    action: Option<serde::de::IgnoredAny>,
}

#[derive(Deserialize)]
struct Wrapped {
    data: Option<String>,
    #[serde(default, rename = "messageId", deserialize_with = "json::scalar")]
    id: Option<String>,
    /// The same once more, for older readers.
    #[serde(default, deserialize_with = "json::scalar")]
    message_id: Option<String>,
}

impl<'a> Message<'a> {
    /// Takes the message out of a delivery's body.
    pub fn read(body: &'a [u8], delivery: &Verified<'a>) -> Result<Self, Undecodable> {
        let wrapper: Wrapper = json::read(body)?;
        let Some(message) = wrapper.message else {
            json::need(wrapper.action, "message")?;
            let id = delivery.header(MESSAGE_ID).filter(|id| !id.is_empty()).map(str::to_owned);
            return Ok(Self { id, data: Cow::Borrowed(body), wrapped: false });
        };
        let data = json::need(message.data.filter(|data| !data.is_empty()), "message.data")?;
        let data = STANDARD.decode(data);
        let data = data.map_err(|_| Undecodable::UnknownShape("message.data: not base64".into()))?;
        let id = message.id.or(message.message_id).filter(|id| !id.is_empty());
        Ok(Self { id, data: Cow::Owned(data), wrapped: true })
    }

    /// Says of something wrong in the data that it is there. Whatever somebody publishes is acknowledged: to
    /// refuse it is to have it delivered for a week.
    pub fn locate(&self, error: Undecodable) -> Undecodable {
        match error {
            Undecodable::Malformed(text) | Undecodable::UnknownShape(text) if self.wrapped => {
                Undecodable::UnknownShape(format!("message.data: {text}"))
            }
            error => error,
        }
    }
}
