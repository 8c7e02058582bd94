//! Lists, read page by page.

use reqwest::Method;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::{Client, asked};
use crate::kubernetes::error::{ApiError, Asked, Trouble};
use crate::kubernetes::kind::Kind;
use crate::kubernetes::object::{Object, or_default};
use crate::kubernetes::selector::Selector;

/// Objects in one page of a list: a page is held in memory as a whole.
const PAGE: usize = 25;

/// How often a list that expires while it is read is begun again.
const LIST_STARTS: usize = 3;

/// One page of a list.
#[derive(Debug, Deserialize)]
#[serde(bound(deserialize = "I: Deserialize<'de>"))]
pub(in crate::kubernetes) struct Page<I> {
    #[serde(default)]
    pub(in crate::kubernetes) metadata: ListMetadata,
    #[serde(default = "Vec::new", deserialize_with = "or_default")]
    pub(in crate::kubernetes) items: Vec<I>,
}

#[derive(Debug, Default, Deserialize)]
pub(in crate::kubernetes) struct ListMetadata {
    /// The next page's token.
    #[serde(rename = "continue", default)]
    pub(in crate::kubernetes) next: Option<String>,
}

/// Which list is read, and how much of it.
#[derive(Debug)]
pub(in crate::kubernetes) struct Listing<'a> {
    /// The path of the objects.
    pub(in crate::kubernetes) path: String,
    /// Which of them.
    pub(in crate::kubernetes) selector: Option<&'a Selector>,
    /// The most pages that are read; what comes after them is left out.
    pub(in crate::kubernetes) pages: usize,
    /// For the error, if it fails.
    pub(in crate::kubernetes) asked: Asked,
}

impl Client {
    /// Lists the workloads of a kind in a namespace, page by page, keeping what `keep` makes of each.
    pub async fn list<T>(
        &self,
        kind: Kind,
        namespace: &str,
        selector: Option<&Selector>,
        keep: impl FnMut(Object) -> Option<T>,
    ) -> Result<Vec<T>, ApiError> {
        let asked = asked("list", kind, namespace, None);
        let path = kind.collection(namespace);
        self.pages(Listing { path, selector, pages: usize::MAX, asked }, keep).await
    }

    /// Reads a list page by page, keeping what `keep` makes of each object.
    pub(in crate::kubernetes) async fn pages<I: DeserializeOwned, T>(
        &self,
        listing: Listing<'_>,
        mut keep: impl FnMut(I) -> Option<T>,
    ) -> Result<Vec<T>, ApiError> {
        let Listing { path, selector, pages, asked } = listing;
        let (mut starts, mut read) = (1, 0);
        let (mut kept, mut next) = (Vec::new(), None::<String>);
        loop {
            let page = format!("{path}?{}", query(selector, next.as_deref()));
            let page: Page<I> = match self.send(Method::GET, &page, None, asked.clone()).await {
                Ok(page) => page,
                Err(ApiError { trouble: Trouble::Gone, .. }) if starts < LIST_STARTS => {
                    starts += 1;
                    (kept, next, read) = (Vec::new(), None, 0);
                    continue;
                }
                Err(error) => return Err(error),
            };
            kept.extend(page.items.into_iter().filter_map(&mut keep));
            read += 1;
            next = page.metadata.next.filter(|token| !token.is_empty());
            if next.is_none() || read >= pages {
                return Ok(kept);
            }
        }
    }
}

/// The query of one page of a list.
fn query(selector: Option<&Selector>, next: Option<&str>) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.append_pair("limit", &PAGE.to_string());
    if let Some(selector) = selector {
        query.append_pair("labelSelector", selector.as_str());
    }
    if let Some(next) = next {
        query.append_pair("continue", next);
    }
    query.finish()
}
