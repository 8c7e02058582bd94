"""Properties of rendered manifests: each check takes the documents, returns a line to print, or raises Wrong."""

import base64
import pathlib
import re

import kubernetes_validate
import yaml

# Containers that are not ours, so that their security context is not ours to set.
FOREIGN = {("flux", "flux")}
TOKEN_PATH = "/var/run/secrets/kubernetes.io/serviceaccount"
VOLUME_TYPES = {"configMap", "downwardAPI", "emptyDir", "persistentVolumeClaim", "projected", "secret"}
# Plural and API group of what the configurations name.
KINDS = {
    "deployment": ("apps", "deployments"),
    "statefulset": ("apps", "statefulsets"),
    "daemonset": ("apps", "daemonsets"),
    "cronjob": ("batch", "cronjobs"),
    "ksvc": ("serving.knative.dev", "services"),
    "rollout": ("argoproj.io", "rollouts"),
}


class Wrong(Exception):
    """A property that does not hold; the text says which and where."""


def require(condition, text):
    if not condition:
        raise Wrong(text)


def of_kind(documents, *kinds):
    return [document for document in documents if document["kind"] in kinds]


def pods(documents):
    """Name and pod spec of every workload."""
    return [(d["metadata"]["name"], d["spec"]["template"]["spec"]) for d in of_kind(documents, "Deployment")]


def containers(pod):
    return pod.get("initContainers", []) + pod["containers"]


def container(pod, name):
    found = [c for c in containers(pod) if c["name"] == name]
    require(found, f"no container {name}")
    return found[0]


def security(pod, one, field):
    """A field of the container's security context, or else the pod's."""
    return one.get("securityContext", {}).get(field, pod.get("securityContext", {}).get(field))


def check_schemas(documents):
    version = kubernetes_validate.latest_version()
    for document in documents:
        name = f"{document['kind']}/{document['metadata']['name']}"
        try:
            kubernetes_validate.validate(document, version, strict=True)
        except kubernetes_validate.ValidationError as error:
            where = ".".join(str(part) for part in error.path)
            raise Wrong(f"{name}: {where}: {error.message}") from error
    return f"{len(documents)} documents valid for Kubernetes {version}"


def check_restricted(documents):
    """Pod Security `restricted`, and beyond it a read-only root and images with a version."""
    count = 0
    for name, pod in pods(documents):
        for key in ("hostNetwork", "hostPID", "hostIPC"):
            require(not pod.get(key), f"{name}: {key}")
        for volume in pod.get("volumes", []):
            require(volume.keys() - {"name"} <= VOLUME_TYPES, f"{name}: volume {volume['name']}: type not allowed")
        for one in containers(pod):
            if (name, one["name"]) in FOREIGN:
                continue
            where, own = f"{name}/{one['name']}", one.get("securityContext", {})
            require(security(pod, one, "runAsNonRoot") is True, f"{where}: runAsNonRoot")
            require((security(pod, one, "runAsUser") or 0) > 0, f"{where}: runAsUser is root or not set")
            require(security(pod, one, "seccompProfile") == {"type": "RuntimeDefault"}, f"{where}: seccompProfile")
            require(own.get("allowPrivilegeEscalation") is False, f"{where}: allowPrivilegeEscalation")
            require(own.get("capabilities") == {"drop": ["ALL"]}, f"{where}: capabilities")
            require(own.get("readOnlyRootFilesystem") is True, f"{where}: readOnlyRootFilesystem")
            require(re.search(r":[^/]+$", one["image"]), f"{where}: image {one['image']} has no tag")
            count += 1
    return f"{count} of our containers within `restricted`, read-only root"


def relay(documents):
    """Name, pod and container of the one boathook there is."""
    found = [(name, pod, one) for name, pod in pods(documents) for one in pod["containers"]]
    found = [entry for entry in found if entry[2]["name"] == "boathook"]
    require(len(found) == 1, f"{len(found)} containers named boathook")
    return found[0]


def configuration(documents):
    """The configuration that boathook's container finds at --config, and the names of the files beside it."""
    _, pod, one = relay(documents)
    mount = [m for m in one["volumeMounts"] if m["mountPath"] == "/etc/boathook"][0]
    volume = [v for v in pod["volumes"] if v["name"] == mount["name"]][0]["secret"]
    secret = [s for s in of_kind(documents, "Secret") if s["metadata"]["name"] == volume["secretName"]]
    require(secret, f"no Secret {volume['secretName']}: was its name not replaced by the hashed one?")
    given = [v["value"] for v in one.get("env", []) if v["name"] == "BOATHOOK_CONFIG"]
    given += [a.removeprefix("--config=") for a in one["args"] if a.startswith("--config=")]
    require(given == ["/etc/boathook/config.yaml"], "the configuration is not /etc/boathook/config.yaml")
    data = secret[0]["data"]
    return yaml.safe_load(base64.b64decode(data["config.yaml"])), data, volume["defaultMode"]


def check_files(documents):
    """The configuration's keys are there, the container's user can read them, and the environment is in order."""
    _, pod, one = relay(documents)
    config, files, mode = configuration(documents)
    for endpoint in config["endpoints"]:
        require(endpoint["keyPath"] in files, f"{endpoint['keyPath']} is not in the Secret")
    by_group = pod.get("securityContext", {}).get("fsGroup") is not None and mode & 0o040
    require(by_group or mode & 0o004, f"mode {mode:o}: not readable for UID {security(pod, one, 'runAsUser')}")
    names = [variable["name"] for variable in one.get("env", [])]
    if "POD_NAMESPACE" in names:
        # $(NAME) is only filled in from variables that stand before.
        require(names.index("POD_NAMESPACE") < names.index("BOATHOOK_SELF"), "BOATHOOK_SELF stands before POD_NAMESPACE")
    return f"{len(config['endpoints'])} endpoints with readable keys, mode {mode:04o}"


def check_state(documents):
    """The journal's directory is a writable volume, and only one pod at a time holds one that outlives it."""
    name, pod, one = relay(documents)
    state = configuration(documents)[0].get("state")
    if state is None:
        return "no journal: flux-recv's format has none"
    mounts = [m for m in one["volumeMounts"] if m["mountPath"] == state and not m.get("readOnly")]
    require(mounts, f"{state} is no writable volume")
    volume = [v for v in pod["volumes"] if v["name"] == mounts[0]["name"]][0]
    if "persistentVolumeClaim" not in volume:
        require("emptyDir" in volume, f"{state} is on {volume}")
        return "the journal survives a crash of the container"
    claims = {c["metadata"]["name"] for c in of_kind(documents, "PersistentVolumeClaim")}
    require(volume["persistentVolumeClaim"]["claimName"] in claims, "there is no such claim")
    strategy = [d for d in of_kind(documents, "Deployment") if d["metadata"]["name"] == name][0]["spec"]["strategy"]
    require(strategy == {"type": "Recreate"}, f"strategy {strategy}: two pods would want one journal")
    return "the journal outlives the pod, which is replaced by Recreate"


def needs(config):
    """(namespace, group, resource, name) of every workload that the configuration's actions name."""
    found = set()
    for rule in (r for e in config["endpoints"] for r in e.get("rules", [])):
        for action, options in ((a, o) for step in rule["do"] for a, o in step.items()):
            require(action in ("restart", "setImage") and "workloads" in options, f"{action}: not known to this check")
            for workload in options["workloads"]:
                kind, name = workload.split("/")
                found.add((options["namespace"], *KINDS[kind], name))
    return found


def check_rights(documents):
    """The Roles grant what the configuration needs and nothing else; above all no Secrets."""
    granted = set()
    for role in of_kind(documents, "Role", "ClusterRole"):
        require(role["kind"] == "Role", f"ClusterRole {role['metadata']['name']}: a Role is enough")
        for rule in role["rules"]:
            asked = {*rule["resources"], *rule["verbs"], *rule["apiGroups"]}
            require(not asked & {"secrets", "*"}, f"too much: {rule}")
            require("patch" not in rule["verbs"] or rule.get("resourceNames"), f"patch without resourceNames: {rule}")
            require(set(rule["verbs"]) == {"get", "patch"}, f"verbs: {rule}")
            for group, resource in ((g, r) for g in rule["apiGroups"] for r in rule["resources"]):
                granted |= {(role["metadata"]["namespace"], group, resource, name) for name in rule["resourceNames"]}
    needed = needs(configuration(documents)[0])
    require(granted >= needed, f"not granted: {needed - granted}")
    require(granted <= needed, f"granted, but not needed: {granted - needed}")
    name, pod, _ = relay(documents)
    deployment = [d for d in of_kind(documents, "Deployment") if d["metadata"]["name"] == name][0]
    namespace = deployment["metadata"]["namespace"]
    account = {"kind": "ServiceAccount", "name": pod.get("serviceAccountName"), "namespace": namespace}
    for binding in of_kind(documents, "RoleBinding"):
        require(binding["subjects"] == [account], f"RoleBinding {binding['metadata']['name']} is not for {account}")
    return f"{len(granted)} workloads may be read and patched, as configured; no Secrets"


def check_in_cluster(documents):
    _, pod, one = relay(documents)
    require({"name": "BOATHOOK_KUBE_API", "value": "in-cluster"} in one["env"], "BOATHOOK_KUBE_API is not in-cluster")
    require(pod.get("automountServiceAccountToken", True), "no token is mounted")
    return "reaches the API with its own token"


def check_flux(documents):
    name, pod, one = relay(documents)
    require(name == "flux" and container(pod, "flux"), "boathook is not in fluxd's pod")
    require("fsGroup" not in pod.get("securityContext", {}), "a pod-level fsGroup opens fluxd's ssh key")
    own = {m["mountPath"]: m["name"] for m in one["volumeMounts"]}
    theirs = {m["name"] for m in container(pod, "flux")["volumeMounts"]}
    require(not theirs & set(own.values()), "a volume is shared with fluxd")
    require(TOKEN_PATH in own, "fluxd's token would be mounted into boathook's container")
    return "in fluxd's pod: no fsGroup, no shared volume, no token for boathook"


def check_monitoring(documents):
    """The admin port is open to monitoring's namespace alone, and no Service has it."""
    _, _, one = relay(documents)
    given = [v["value"] for v in one["env"] if v["name"] == "BOATHOOK_ADMIN"]
    ports = [p["containerPort"] for p in one["ports"] if p["name"] == "admin"]
    require(given == ["0.0.0.0:8081"] and ports == [8081], f"admin at {given}, port {ports}")
    for service in of_kind(documents, "Service"):
        open_ports = {p.get("targetPort", p["port"]) for p in service["spec"]["ports"]}
        require(not open_ports & {"admin", 8081}, f"Service {service['metadata']['name']} has the admin port")
    rules = [r for p in of_kind(documents, "NetworkPolicy") for r in p["spec"].get("ingress", [])]
    rules = [r for r in rules if not r.get("ports") or any(p["port"] in (8081, "admin") for p in r["ports"])]
    require(len(rules) == 1 and len(rules[0].get("from", [])) == 1, f"{len(rules)} rules open the admin port")
    labels = rules[0]["from"][0]["namespaceSelector"]["matchLabels"]
    require(labels == {"kubernetes.io/metadata.name": "monitoring"}, f"the admin port is open to {labels}")
    return "the admin port is monitoring's alone"


def check_ingress(documents):
    paths = [p for i in of_kind(documents, "Ingress") for r in i["spec"]["rules"] for p in r["http"]["paths"]]
    require(paths and all(p["path"] == "/hook/" for p in paths), "more than /hook/ is open")
    require(all(i["spec"].get("tls") for i in of_kind(documents, "Ingress")), "no TLS")
    return "opens /hook/ and nothing else, with TLS"


def check_proxy(documents):
    _, pod, one = relay(documents)
    proxy = container(pod, "proxy")
    require(security(pod, proxy, "runAsUser") == security(pod, one, "runAsUser"), "the UIDs differ: the socket is 0700")
    require(pod["automountServiceAccountToken"] is False, "the token is mounted into every container")
    mounts = {c["name"]: {m["mountPath"] for m in c["volumeMounts"]} for c in (proxy, one)}
    holders = [name for name, paths in mounts.items() if TOKEN_PATH in paths]
    require(holders == ["proxy"], f"the token is mounted in {holders}")
    address = option(proxy, "--unix-socket")
    variable = {"name": "BOATHOOK_KUBE_API", "value": f"unix://{address}"}
    require(variable in one["env"], f"BOATHOOK_KUBE_API is not {address}")
    shared = mounts["proxy"] & mounts["boathook"]
    require(str(pathlib.Path(address).parent) in shared, "the socket's directory is not shared")
    for expression in option(proxy, "--accept-paths").split(","):
        require(expression.startswith("^") and expression.endswith("$"), f"--accept-paths: {expression} is not anchored")
    return "one UID, the token in the proxy only, paths anchored"


def option(one, name):
    found = [argument.split("=", 1)[1] for argument in one["args"] if argument.startswith(f"{name}=")]
    require(len(found) == 1, f"{one['name']}: {name} is given {len(found)} times")
    return found[0]
