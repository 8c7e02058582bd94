//! What the double allows and how it fails.

use super::{Double, Fault, Proxy, Rule};

impl Double {
    // === access ===

    /// The user that refusals name.
    pub fn user(&self, name: &str) {
        self.change(|world| name.clone_into(&mut world.access.user));
    }

    /// Only what these rules say is allowed (besides discovery and reviews).
    pub fn allow_only(&self, rules: &[Rule]) {
        self.change(|world| world.access.allowed = Some(rules.to_vec()));
    }

    /// Refuses a verb (or `*`) on a resource (plural, or plural.group), for one name or all.
    pub fn forbid(&self, verb: &str, resource: &str, name: Option<&str>) {
        self.change(|world| {
            world.access.forbidden.push((verb.to_owned(), resource.to_owned(), name.map(str::to_owned)));
        });
    }

    /// Everything is allowed again.
    pub fn allow_all(&self) {
        self.change(|world| {
            world.access.allowed = None;
            world.access.forbidden.clear();
        });
    }

    /// Asks for this bearer token; 401 without it.
    pub fn require_token(&self, token: Option<&str>) {
        self.change(|world| world.token = token.map(str::to_owned));
    }

    /// Answers as if kubectl proxy stood in front.
    pub fn behind_proxy(&self, proxy: Proxy) {
        self.change(|world| world.proxy = Some(proxy));
    }

    // === faults ===

    /// Fails every request this way until [`Self::clear_faults`].
    pub fn fail(&self, fault: Fault) {
        self.fail_for(fault, "", "", None);
    }

    /// Fails the next requests this way, so many.
    pub fn fail_times(&self, fault: Fault, times: usize) {
        self.fail_for(fault, "", "", Some(times));
    }

    /// Fails requests of this method (empty: any) whose path and query contain this part.
    pub fn fail_for(&self, fault: Fault, method: &str, path_part: &str, times: Option<usize>) {
        self.change(|world| world.faults.plan(fault, method, path_part, times));
    }

    /// No faults any more; requests that hang are served now.
    pub fn clear_faults(&self) {
        self.change(|world| world.faults.clear());
    }

    /// The API server is away: connections are cut and refused, the address stays reserved.
    pub fn stop(&self) {
        self.server.stop();
    }

    /// The API server is back on the same address, with everything it knew.
    pub fn restart_listener(&self) {
        self.server.restart();
    }
}
