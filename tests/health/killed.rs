//! SIGKILL, and the end of the process, while something is checked and while it is put back.

use super::{check, ended};
use support::kube::Fault;
use support::scene::{cluster, effective, image_of, prepared};
use support::site::{Health, ILL, Site, WELL};
use support::{self, github};

const SET: &str = "{setImage: {namespace: default, workloads: [deployment/web], rollout: none}}";

#[test]
fn a_check_goes_on_in_the_next_process() {
    let (kube, site) = (cluster(&["web"]), Site::start());
    site.behave("/health", &[ILL]);
    let rule = format!("{{do: [{SET}, {}]}}", check(&site, "/health", "within: 5m, onFailure: rollback"));
    let mut relay = prepared(&kube, "settle: 0", &[&rule]).state().start();
    let delivery = github::image("ghcr.io/acme/web", "2.0.0");
    delivery.accepted(&relay);
    for (stopped, tries) in [(false, 2), (true, 4)] {
        site.wait_for("/health", tries);
        if stopped {
            assert_eq!(relay.stop(), 0);
        }
        relay = relay.restart();
    }
    site.behave("/health", &[WELL]);
    let (status, outcome, reason) = ended(&delivery.wait(50).send(&relay));
    assert_eq!((status, outcome.as_str()), (200, "succeeded"), "{reason}");
    assert_eq!((image_of(&kube, "web").as_str(), effective(&kube).len()), ("ghcr.io/acme/web:2.0.0", 1));
}

#[test]
fn putting_back_goes_on_in_the_next_process() {
    let (kube, site) = (cluster(&["web"]), Site::start());
    site.behave("/health", &[Health::Hangs]);
    let fields = "within: 50ms, maxLatency: 1m, consecutive: 1, onFailure: rollback";
    let rule = format!("{{do: [{SET}, {}]}}", check(&site, "/health", fields));
    let relay = prepared(&kube, "settle: 0", &[&rule]).state().start();
    let delivery = github::image("ghcr.io/acme/web", "2.0.0");
    delivery.accepted(&relay);
    site.wait_for("/health", 1);
    kube.fail_for(Fault::Hang, "PATCH", "", None);
    site.behave("/health", &[ILL]);
    let patched = |request: &support::kube::Recorded| request.method == "PATCH";
    kube.wait_for_blocking(|requests| requests.iter().filter(|request| patched(request)).count() == 2);
    let tries = site.asked("/health");
    let relay = relay.restart();
    kube.clear_faults();
    let (status, outcome, reason) = ended(&delivery.wait(50).send(&relay));
    assert_eq!((status, outcome.as_str()), (424, "rolledBack"), "{reason}");
    assert_eq!(image_of(&kube, "web"), "ghcr.io/acme/web:1.0.0");
    assert_eq!(site.asked("/health"), tries, "it is not checked again");
}
