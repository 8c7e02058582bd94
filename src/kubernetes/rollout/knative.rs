//! When a Knative Service is ready, and when its traffic goes where it should.

use super::{Standing, stands, told, was_replaced};
use crate::kubernetes::kind::Kind;
use crate::kubernetes::object::Object;
use crate::kubernetes::object::traffic::{self, Shares};
use crate::kubernetes::patched::Patched;

/// `False` may pass: Knative tries a revision again that could not be started. So `kn` believes it only when it is still
/// so after two seconds.
pub(super) fn service(object: &Object) -> Standing {
    let status = &object.status;
    let Some(ready) = status.condition("Ready") else {
        return Standing::Waiting("Knative has not said yet whether it is ready".to_owned());
    };
    if ready.is_false() {
        return Standing::Failed(format!("it is not ready{}", told(ready)));
    }
    if !ready.is_true() {
        return Standing::Waiting(format!("it is not ready yet{}", told(ready)));
    }
    if status.latest_created_revision_name != status.latest_ready_revision_name {
        let revision = status.latest_created_revision_name.as_deref().unwrap_or("its new revision");
        return Standing::Waiting(format!("{revision} is not ready yet"));
    }
    Standing::Complete
}

/// Judges whether requests go to revisions as a patch asked. With `ready` the newest revision must be ready too; else
/// nothing is said of it, as on the way back, where it need not serve.
pub fn judge_traffic(object: &Object, patched: &Patched, shares: &Shares, ready: bool) -> Standing {
    if let Some(failed) = was_replaced(object, patched) {
        return failed;
    }
    let standing = stands(Kind::Ksvc, object, patched.generation, None);
    let routes = object.status.condition("RoutesReady");
    match standing {
        Standing::Complete => {}
        other if ready || object.is_deleting() || !object.is_observed() => return other,
        _ => match routes {
            Some(routes) if routes.is_false() => {
                return Standing::Failed(format!("its traffic does not go there{}", told(routes)));
            }
            Some(routes) if routes.is_true() => {}
            _ => return Standing::Waiting("its traffic is not there yet".to_owned()),
        },
    }
    let there = object.shares();
    if there == *shares {
        return Standing::Complete;
    }
    Standing::Waiting(format!("its traffic still goes to {}", traffic::told(&there)))
}
