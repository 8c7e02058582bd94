"""Renders every kustomization and runs the checks: one line per item, exit 1 when one fails.

Usage: manifests.py WORK REPOSITORY, where WORK/kustomization is a copy that has keys. .ci/manifests calls it.
"""

import pathlib
import subprocess
import sys

import yaml

import manifest_checks as checks
from manifest_checks import Wrong, require
from proxy_filter import check_filter


def render(directory):
    done = subprocess.run(["kubectl", "kustomize", str(directory)], capture_output=True, text=True, check=False)
    require(done.returncode == 0, done.stderr.strip())
    return [document for document in yaml.safe_load_all(done.stdout) if document]


def check_no_keys(repository):
    tracked = subprocess.run(["git", "ls-files", "-z"], cwd=repository, capture_output=True, text=True, check=False)
    if tracked.returncode != 0:
        return "not a Git checkout: nothing can be committed"
    files = tracked.stdout.split("\0")
    keys = [f for f in files if f.startswith(("config/", "kustomization/")) and f.endswith((".key", ".env"))]
    require(not keys, f"committed: {', '.join(keys)}")
    return "none is committed"


def check_components_used(directories, root):
    """Every Component is part of something that is rendered, so that none goes unchecked."""
    kinds = {d: yaml.safe_load((d / "kustomization.yaml").read_text()) for d in directories}
    used = {(d / c).resolve() for d, k in kinds.items() for c in k.get("components", [])}
    unused = [d.name for d, k in kinds.items() if k["kind"] == "Component" and d.resolve() not in used]
    require(not unused, f"rendered by nobody: {', '.join(unused)}")
    return f"{len(used)} of {root.name}, each in use"


def main():
    work, repository = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    root = work / "kustomization"
    directories = sorted(f.parent for f in root.glob("*/kustomization.yaml"))
    failed = []
    passed = 0

    def item(name, check, *arguments):
        nonlocal passed
        try:
            result = check(*arguments)
        except Wrong as wrong:
            reason = wrong
        except Exception as error:  # A document of another shape than the check expects.
            reason = repr(error)
        else:
            passed += 1
            print(f"ok      {name}: {result if isinstance(result, str) else f'{len(result)} documents'}", flush=True)
            return result
        failed.append(name)
        print(f"FAIL    {name}: {reason}", flush=True)
        return None

    special = {
        "in-cluster": [("api", checks.check_in_cluster)],
        "ngrok": [("api", checks.check_in_cluster)],
        "sidecar-example": [("api", checks.check_in_cluster)],
        "with-ingress": [("ingress", checks.check_ingress)],
        "with-monitoring": [("admin", checks.check_monitoring)],
        "flux-sidecar": [("fluxd", checks.check_flux)],
        "proxy-sidecar": [("proxy", checks.check_proxy), ("filter", lambda documents: check_filter(documents, work))],
    }
    common = [
        ("schemas", checks.check_schemas),
        ("pods", checks.check_restricted),
        ("files", checks.check_files),
        ("rights", checks.check_rights),
        ("state", checks.check_state),
    ]
    for directory in directories:
        if yaml.safe_load((directory / "kustomization.yaml").read_text())["kind"] == "Component":
            continue
        documents = item(f"{directory.name}: renders", render, directory)
        for name, check in common + special.get(directory.name, []) if documents else []:
            item(f"{directory.name}: {name}", check, documents)
    item("components", check_components_used, directories, root)
    item("keys", check_no_keys, repository)
    print(f"manifests: {passed} passed, {len(failed)} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
