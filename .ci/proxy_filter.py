"""Tries the filter of proxy-sidecar on a real kubectl proxy, run with the manifest's own arguments."""

import http.client
import pathlib
import socket
import subprocess
import time

import yaml

from manifest_checks import configuration, container, needs, option, relay, require


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=20)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


def listening(path):
    """The socket's file is there a moment before somebody listens."""
    try:
        UnixConnection(path).connect()
    except OSError:
        return False
    return True


def status(path, method, url, host="localhost"):
    connection = UnixConnection(path)
    try:
        body = b"{}" if method in ("PATCH", "POST", "PUT") else None
        connection.request(method, url, body=body, headers={"Host": host})
        return connection.getresponse().status
    finally:
        connection.close()


def check_filter(documents, work):
    """A real kubectl proxy with the manifest's arguments, but for the socket's directory; its API server is down."""
    _, pod, _ = relay(documents)
    kubeconfig, path = work / "kubeconfig", str(work / "kube.sock")
    kubeconfig.write_text(yaml.safe_dump({
        "apiVersion": "v1", "kind": "Config", "current-context": "down",
        "clusters": [{"name": "down", "cluster": {"server": "http://127.0.0.1:1"}}],
        "contexts": [{"name": "down", "context": {"cluster": "down", "user": "nobody"}}],
        "users": [{"name": "nobody", "user": {}}],
    }))
    proxy = container(pod, "proxy")
    replace = {f"--unix-socket={option(proxy, '--unix-socket')}": f"--unix-socket={path}"}
    command = ["kubectl", f"--kubeconfig={kubeconfig}", *(replace.get(a, a) for a in proxy["args"])]
    log = (work / "proxy.log").open("w", encoding="utf-8")
    with log, subprocess.Popen(command, stdout=log, stderr=log) as running:
        try:
            deadline = time.monotonic() + 60
            while not listening(path):
                require(running.poll() is None, f"kubectl proxy ended: {(work / 'proxy.log').read_text()}")
                require(time.monotonic() < deadline, "kubectl proxy did not listen within 60 s")
                time.sleep(0.05)
            return try_filter(path, needs(configuration(documents)[0]))
        finally:
            running.terminate()


def try_filter(path, needed):
    mode = pathlib.Path(path).stat().st_mode & 0o777
    require(mode & 0o077 == 0, f"the socket is {mode:o}")
    passed = refused = 0
    for namespace, group, resource, name in sorted(needed):
        own = f"/apis/{group}/v1/namespaces/{namespace}/{resource}/{name}"
        for method, url in (("GET", own), ("PATCH", own), ("PATCH", f"{own}?fieldManager=boathook")):
            got = status(path, method, url)
            require(got in (500, 502), f"{method} {url}: {got}, not the 500 or 502 of an API server that is down")
            passed += 1
        others = [("GET", url) for url in (
            "/", "/api", "/version", "/api/v1/secrets", f"/api/v1/namespaces/{namespace}/secrets",
            f"/api/v1/namespaces/{namespace}/secrets/any", f"/apis/{group}/v1/{resource}",
            f"/apis/{group}/v1/namespaces/{namespace}/{resource}", f"{own}x", f"{own}/scale", f"{own}%2Fscale",
            f"/x{own}", f"{own}%0A", own.replace(f"/{namespace}/", "/kube-system/"),
            own.replace(f"/{resource}/", "/replicasets/"), f"/api/v1/namespaces/{namespace}/pods/{name}/exec",
        )]
        others += [(method, own) for method in ("POST", "PUT", "DELETE", "HEAD", "OPTIONS", "TRACE", "get", "patch")]
        others += [("PATCH", f"{own}-2"), ("PATCH", f"/api/v1/namespaces/{namespace}/secrets/any")]
        for method, url in others:
            got = status(path, method, url)
            require(got == 403, f"{method} {url}: {got}, not 403")
            refused += 1
        for host in ("evil.example", "127.0.0.1.evil.example", "localhost.evil.example"):
            got = status(path, "GET", own, host)
            require(got == 403, f"Host {host}: {got}, not 403")
            refused += 1
    return f"a running kubectl proxy passed {passed} requests on and refused {refused}"
