//! A request's path and query, as the API server takes them apart.

/// What a path names.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Target {
    pub group: String,
    pub version: String,
    pub resource: String,
    pub namespace: Option<String>,
    pub name: Option<String>,
    pub subresource: Option<String>,
}

impl Target {
    /// `/api/v1/…` and `/apis/GROUP/VERSION/…`; none for discovery and everything else.
    pub fn parse(path: &str) -> Option<Self> {
        let segments: Vec<String> = path.split('/').skip(1).map(|segment| decode(segment, false)).collect();
        let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
        let (group, version, rest) = match segments.as_slice() {
            ["api", version, rest @ ..] => ("", *version, rest),
            ["apis", group, version, rest @ ..] => (*group, *version, rest),
            _ => return None,
        };
        let (namespace, rest) = match rest {
            ["namespaces", namespace, more @ ..] if !more.is_empty() => (Some((*namespace).to_owned()), more),
            rest => (None, rest),
        };
        let (resource, rest) = rest.split_first()?;
        if resource.is_empty() || rest.len() > 2 {
            return None;
        }
        let mut rest = rest.iter().map(|segment| (*segment).to_owned()).filter(|segment| !segment.is_empty());
        Some(Self {
            group: group.to_owned(),
            version: version.to_owned(),
            resource: (*resource).to_owned(),
            namespace,
            name: rest.next(),
            subresource: rest.next(),
        })
    }
}

/// The parameters of a query string, decoded, in their order.
#[derive(Clone, Debug, Default)]
pub struct Query(Vec<(String, String)>);

impl Query {
    pub fn parse(query: &str) -> Self {
        let pairs = query.split('&').filter(|pair| !pair.is_empty());
        Self(
            pairs
                .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
                .map(|(name, value)| (decode(name, true), decode(value, true)))
                .collect(),
        )
    }

    /// The value of a parameter that is there and not empty.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, value)| key == name && !value.is_empty()).map(|(_, value)| value.as_str())
    }
}

/// Percent decoding; in a query `+` is a space.
fn decode(text: &str, query: bool) -> String {
    let mut rest = text.as_bytes();
    let mut decoded = Vec::with_capacity(rest.len());
    while let Some((byte, after)) = rest.split_first() {
        let hex = after.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
        match (byte, hex.and_then(|digits| u8::from_str_radix(digits, 16).ok())) {
            (b'%', Some(value)) => {
                decoded.push(value);
                rest = &after[2..];
                continue;
            }
            (b'+', _) if query => decoded.push(b' '),
            _ => decoded.push(*byte),
        }
        rest = after;
    }
    String::from_utf8_lossy(&decoded).into_owned()
}
