"""What a deployment puts around the server: nginx with the files of `deploy/nginx`, and Redis."""

import re
import shutil
import signal
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from benchmarks.bench.processes import NotStarted, Server, find, held_port, run_server

NGINX_FILES = Path(__file__).parent.parent / "deploy" / "nginx"
# As in Debian's nginx.conf, but in a folder of its own, and with compression of pages on.
_MAIN = """
daemon off;
user root;
worker_processes 2;
pid nginx.pid;
error_log %(home)s/error.log;
events { worker_connections 4096; }
http {
    access_log %(home)s/other.log;
    client_body_temp_path body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
    default_type application/octet-stream;
    gzip on;
    include conf.d/*.conf;
}
"""


@dataclass(frozen=True)
class Nginx:
    """A running nginx: its address, the port that redirects to https, and the folder with its logs."""

    address: str
    redirecting_port: int
    home: Path
    server: Server

    def log(self, name: str = "medblocks-bff.log") -> str:
        """Return what a log has so far."""
        return (self.home / name).read_text("utf-8")


@contextmanager
def run_nginx(
    folder: Path,
    servers: Sequence[str],
    *,
    port: int | None = None,
    certificate: Path | None = None,
    edits: Sequence[tuple[str, str]] = (),
) -> Iterator[Nginx]:
    """Run nginx with the shipped files before servers such as `127.0.0.1:8000`, edited as their comments say.

    Without a certificate, it speaks http. `edits` replaces further texts, by name of the file and text.
    """
    home = folder / "nginx"
    shutil.copytree(NGINX_FILES, home)
    (home / "nginx.conf").write_text(_MAIN % {"home": home}, "utf-8")
    command = [find("nginx"), "-p", str(home), "-c", "nginx.conf", "-e", str(home / "error.log")]
    with held_port() as own_port, held_port() as redirecting:
        port = port or own_port
        _edit(home, servers, port, redirecting, certificate)
        for before, after in edits:
            _replace(home, before, after)
        with run_server(command, port=port, folder=folder, variables={}) as server:
            scheme = "https" if certificate else "http"
            yield Nginx(f"{scheme}://localhost:{port}", redirecting, home, server)


def _edit(home: Path, servers: Sequence[str], port: int, redirecting: int, certificate: Path | None) -> None:
    main = home / "conf.d" / "medblocks-bff.conf"
    lines = [line for line in main.read_text("utf-8").splitlines() if "listen [::]" not in line]
    if certificate is None:
        lines = [line for line in lines if "ssl_certificate" not in line and "tls.conf" not in line]
    main.write_text("\n".join(lines), "utf-8")
    listed = "\n".join(f"server {server} fail_timeout=2s;" for server in servers)
    _replace(home, "server 127.0.0.1:8000 fail_timeout=2s;", listed)
    _replace(home, "listen 443 ssl;", f"listen 127.0.0.1:{port}{' ssl' if certificate else ''};")
    _replace(home, "listen 80;", f"listen 127.0.0.1:{redirecting};")
    _replace(home, "server_name records.example.com;", "server_name localhost;")
    _replace(home, "/var/log/nginx/", f"{home}/")
    for name in ("fullchain", "privkey") if certificate else ():
        _replace(home, f"/etc/nginx/tls/{name}.pem", str(certificate))


def _replace(home: Path, before: str, after: str) -> None:
    """Replace a text in all files, and fail if none has it: the files have changed then."""
    found = [file for file in home.rglob("*.conf") if before in file.read_text("utf-8")]
    if not found:
        raise NotStarted(f"deploy/nginx does not have {before!r}")
    for file in found:
        file.write_text(file.read_text("utf-8").replace(before, after), "utf-8")


@dataclass
class Redis:
    """A Redis that keeps what it has on disk, as `deploy/compose.yaml` starts it, and can be stopped."""

    OPTIONS: ClassVar = ("--save", "", "--appendonly", "yes")

    folder: Path
    port: int
    _process: subprocess.Popen[str] | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it, and return when it takes connections."""
        options = ["--port", str(self.port), "--bind", "127.0.0.1", *self.OPTIONS]
        self._process = subprocess.Popen(
            [find("redis-server"), *options], cwd=self.folder, stdout=subprocess.PIPE, text=True
        )
        printed = ""
        for line in self._process.stdout or ():
            printed += line
            if re.search("Ready to accept connections", line):
                return
        raise NotStarted(printed)

    def stop(self) -> None:
        """Stop it, if it runs."""
        if self._process:
            self._process.send_signal(signal.SIGTERM)
            self._process.communicate(timeout=20)
            self._process = None
