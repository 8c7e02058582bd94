//! Writing images: those that were decided, and those that were there before.

use super::context::{Api, Context, Failure};
use crate::kubernetes::error::Trouble;
use crate::kubernetes::object::Container;
use crate::kubernetes::patch::{self, ImageChange, PolicyChange, Read};
use crate::kubernetes::{ApiError, Object, PatchRequest, Patched, Workload};

/// What came of setting images.
pub(super) enum Set {
    /// They are there, as the changes say now: an admission webhook may have written them another way.
    Done(Patched, Vec<ImageChange>),
    /// The object is not the one that was read.
    Stale(String),
}

/// Sets the images, if the object is the one that was read. When it is not, it may be because this very change
/// was made before its answer was lost: then it is there.
pub(super) async fn set(
    changes: &[ImageChange],
    read: &Read,
    api: &Api,
    workload: &Workload,
    context: &Context<'_>,
) -> Result<Set, Failure> {
    let (cause, manager) = (context.change_cause(), api.kubernetes.field_manager());
    let request = patch::set_image(workload, read, changes, &cause, manager);
    send(&request, changes, read, api, workload, |_| true).await
}

/// Sends a patch that sets images, and perhaps more, which `has_more` finds in the object.
pub(super) async fn send(
    request: &PatchRequest,
    changes: &[ImageChange],
    read: &Read,
    api: &Api,
    workload: &Workload,
    has_more: impl Fn(&Object) -> bool,
) -> Result<Set, Failure> {
    let error = match api.kubernetes.patch_and_read(request).await {
        Ok(object) => {
            let changes = changes.iter().map(|change| stored(&object, change)).collect();
            return Ok(Set::Done(Patched::from(object), changes));
        }
        Err(error) if has_changed(workload, &error) => error,
        Err(error) => return Err(error.into()),
    };
    let object = api.kubernetes.get(workload).await?;
    if changes.iter().all(|change| is_made(&object, change)) && has_more(&object) {
        return Ok(Set::Done(Patched::from(object), changes.to_vec()));
    }
    if matches!(error.trouble, Trouble::Invalid(_))
        && object.metadata.resource_version == read.resource_version
    {
        // Nothing has changed, so it was the change itself that was refused.
        return Err(error.into());
    }
    Ok(Set::Stale(error.to_string()))
}

/// What became of putting images back.
#[derive(Debug, PartialEq, Eq)]
pub enum PutBack {
    /// They are there again.
    Done(Patched),
    /// Somebody set others meanwhile, which are left alone.
    LeftAlone(String),
}

/// Puts back the images that were there before the changes. Containers that somebody else changed since then are
/// left alone, and so is another object of the same name.
pub(super) async fn put_back(
    changes: &[ImageChange],
    read: &Read,
    api: &Api,
    workload: &Workload,
    context: &Context<'_>,
) -> Result<PutBack, Failure> {
    let object = match find(changes, read, api, workload).await? {
        Ok(object) => object,
        Err(other) => return Ok(PutBack::LeftAlone(other)),
    };
    let back = way_back(&object, changes);
    if back.is_empty() {
        return Ok(PutBack::Done(Patched::from(object)));
    }
    match set(&back, &Read::of(&object), api, workload, context).await? {
        Set::Done(patched, _) => Ok(PutBack::Done(patched)),
        Set::Stale(why) => Err(Failure::again(why)),
    }
}

/// The object that was changed, as it is now; else why it is to be left alone: somebody else decides about it.
pub(super) async fn find(
    changes: &[ImageChange],
    read: &Read,
    api: &Api,
    workload: &Workload,
) -> Result<Result<Object, String>, Failure> {
    let object = match api.kubernetes.get(workload).await {
        Ok(object) => object,
        Err(ApiError { trouble: Trouble::NotFound, .. }) => {
            return Ok(Err("it is not there any more".to_owned()));
        }
        Err(error) => return Err(error.into()),
    };
    if !read.uid.is_empty() && read.uid != object.metadata.uid {
        return Ok(Err("somebody made another one in its place".to_owned()));
    }
    Ok(replaced(&object, changes).map_or(Ok(object), Err))
}

/// What is to be changed so that the images are there that were there before.
pub(super) fn way_back(object: &Object, changes: &[ImageChange]) -> Vec<ImageChange> {
    changes.iter().filter_map(|change| back(container(object, change)?, change)).collect()
}

/// A change as the object has it: an admission webhook may have written image and pull policy another way.
fn stored(object: &Object, change: &ImageChange) -> ImageChange {
    let Some(there) = container(object, change) else { return change.clone() };
    let policy = change.policy.clone();
    let policy = policy.map(|policy| PolicyChange { to: there.image_pull_policy.clone(), ..policy });
    ImageChange { to: there.image.clone(), policy, ..change.clone() }
}

/// Whether a change is there.
fn is_made(object: &Object, change: &ImageChange) -> bool {
    container(object, change).is_some_and(|there| there.image == change.to && has_policy(there, change))
}

/// Whether the pull policy is the one that a change makes, if it makes one.
fn has_policy(there: &Container, change: &ImageChange) -> bool {
    change.policy.as_ref().is_none_or(|policy| policy.to == there.image_pull_policy)
}

/// The way back from a change, if it is there. A pull policy that somebody else changed since then stays.
fn back(there: &Container, change: &ImageChange) -> Option<ImageChange> {
    let mut back = change.reversed();
    if !has_policy(there, change) {
        back.policy = None;
    }
    let differs = back.to != back.from || back.policy.is_some();
    (there.image == change.to && differs).then_some(back)
}

/// What somebody else set in the place of what the changes set or found, if so.
fn replaced(object: &Object, changes: &[ImageChange]) -> Option<String> {
    changes.iter().find(|change| {
        let there = image(object, change);
        !there.is_some_and(|image| *image == change.to || *image == change.from)
    })?;
    differs(object, changes, |change| &change.to)
}

/// What is there instead of what a change made of the containers, if so: somebody else changed it.
pub fn differs(
    object: &Object,
    changes: &[ImageChange],
    made: fn(&ImageChange) -> &String,
) -> Option<String> {
    changes.iter().find_map(|change| {
        let there = image(object, change);
        let shown = there.map_or("no such container", String::as_str);
        (there != Some(made(change)))
            .then(|| format!("somebody set {shown} in the place of {}", made(change)))
    })
}

/// The image of the container that a change is about.
fn image<'a>(object: &'a Object, change: &ImageChange) -> Option<&'a String> {
    container(object, change).map(|there| &there.image)
}

/// The container that a change is about: by name, since its place may have changed.
fn container<'a>(object: &'a Object, change: &ImageChange) -> Option<&'a Container> {
    let of = |(list, index, c): (_, usize, &Container)| {
        list == change.list
            && if change.name.is_empty() { index == change.index } else { c.name == change.name }
    };
    object.containers().find(|found| of(*found)).map(|(_, _, c)| c)
}

/// Whether the object has changed since it was read: 409, or a JSON patch whose test fails, which is a 422.
fn has_changed(workload: &Workload, error: &ApiError) -> bool {
    match error.trouble {
        Trouble::Conflict => true,
        Trouble::Invalid(_) => !workload.kind.takes_strategic_merge(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kubernetes::Kind;

    #[test]
    fn what_has_changed_since_it_was_read_is_told_from_what_is_refused() {
        let error = |status, kind: Kind| {
            let workload = Workload::new("shop", kind, "web").unwrap();
            let request = patch::restart(&workload, "", "", "boathook");
            has_changed(&workload, &ApiError::from_answer(request.asked, status, None, b"{}"))
        };
        assert!(error(409, Kind::Deployment) && error(409, Kind::Ksvc) && error(422, Kind::Ksvc));
        assert!(!error(422, Kind::Deployment) && !error(403, Kind::Ksvc) && !error(500, Kind::Deployment));
    }
}
