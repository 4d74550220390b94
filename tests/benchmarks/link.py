"""nginx as a stand-in for S3's GETs, behind a link of a known width: a network namespace with a token bucket.

Needs nginx, openssl and curl, and for a link of a width root, ip and tc (Debian: nginx openssl curl iproute2).
"""

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from tests.local.waiting import until
from tests.object_store import BUCKET

NAMESPACE, OURS, THEIRS = "dropshift", "10.77.9.1", "10.77.9.2"
CONFIGURATION = """
user root; worker_processes 2; daemon off; pid {home}/pid; error_log {home}/error.log;
events {{ worker_connections 256; }}
http {{
  access_log off; sendfile on; tcp_nopush on; tcp_nodelay on; keepalive_timeout 75s; keepalive_requests 100000;
  client_body_temp_path {home}/b; proxy_temp_path {home}/p; fastcgi_temp_path {home}/f;
  uwsgi_temp_path {home}/u; scgi_temp_path {home}/s;
  server {{
    listen {address}:8080; listen {address}:8443 ssl;
    ssl_certificate {home}/cert.pem; ssl_certificate_key {home}/key.pem; ssl_protocols TLSv1.3;
    location /{bucket}/ {{ alias {objects}/; max_ranges 1; }}
  }}
}}
"""


class Link(NamedTuple):
    """One way to the objects; `rate` in bytes a second, 0 for unthrottled."""

    name: str
    rate: int
    tls: bool


LINKS = {
    "loopback": Link("loopback", 0, tls=False),
    "300": Link("300", 300_000_000, tls=False),
    "78": Link("78", 78_000_000, tls=False),
    "loopback-tls": Link("loopback-tls", 0, tls=True),
    "300-tls": Link("300-tls", 300_000_000, tls=True),
    "78-tls": Link("78-tls", 78_000_000, tls=True),
}


class Served(NamedTuple):
    """The URL of the objects, and the certificate to trust."""

    url: str
    authority: Path


@contextmanager
def serving(link: Link, objects: Path) -> Iterator[Served]:
    """Serve the files of `objects` as objects of the bucket over `link`."""
    if missing := _missing(link):
        raise SystemExit(f"to measure over {link.name}, this needs {', '.join(missing)}; see {__name__}")
    home = Path(tempfile.mkdtemp(prefix="dropshift-nginx-"))
    address = THEIRS if link.rate else "127.0.0.1"
    _certificate(home, address)
    text = CONFIGURATION.format(home=home, address=address, objects=objects, bucket=BUCKET)
    (home / "nginx.conf").write_text(text)
    with _shaped(link.rate) as prefix:
        server = subprocess.Popen([*prefix, "nginx", "-p", home, "-c", home / "nginx.conf"])
        try:
            scheme, port = ("https", 8443) if link.tls else ("http", 8080)
            until(lambda: _listens(address, port), 30)
            yield Served(f"{scheme}://{address}:{port}", home / "cert.pem")
        finally:
            server.terminate()
            server.wait()
            shutil.rmtree(home, ignore_errors=True)


def _missing(link: Link) -> list[str]:
    programs = ["nginx", "openssl", "curl", *(["ip", "tc"] if link.rate else [])]
    return [*(name for name in programs if not shutil.which(name)), *(["root"] if link.rate and os.geteuid() else [])]


def _listens(address: str, port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((address, port)) == 0


@contextmanager
def _shaped(rate: int) -> Iterator[list[str]]:
    """Return the prefix for a command at the far end of a link of `rate` bytes per second."""
    if not rate:
        yield []
        return
    inside = ["ip", "netns", "exec", NAMESPACE]
    width: list[str] = [*inside, "tc", "qdisc", "add", "dev", "far", "root", "tbf", "rate", f"{rate * 8}bit"]
    commands: list[list[str]] = [
        ["ip", "netns", "add", NAMESPACE],
        ["ip", "link", "add", "near", "type", "veth", "peer", "name", "far", "netns", NAMESPACE],
        ["ip", "addr", "add", f"{OURS}/30", "dev", "near"],
        ["ip", "link", "set", "near", "up"],
        [*inside, "ip", "addr", "add", f"{THEIRS}/30", "dev", "far"],
        [*inside, "ip", "link", "set", "far", "up"],
        [*width, "burst", "512k", "latency", "50ms"],
    ]
    try:
        for command in commands:
            subprocess.run(command, check=True)
        yield inside
    finally:
        subprocess.run(["ip", "link", "delete", "near"], check=False)  # the namespace alone takes it away only later
        subprocess.run(["ip", "netns", "delete", NAMESPACE], check=False)


def _certificate(home: Path, address: str) -> None:
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-keyout", str(home / "key.pem")]
    name = ["-subj", "/CN=stand-in", "-addext", f"subjectAltName=IP:{address}"]
    subprocess.run(
        ["openssl", "req", "-x509", "-nodes", "-days", "2", *key, "-out", str(home / "cert.pem"), *name],
        check=True,
        stderr=subprocess.DEVNULL,
    )
