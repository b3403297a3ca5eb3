"""nginx twice: as the static Medblocks behind everybody, and as the proxy that marks the limit."""

import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks import records
from benchmarks.bench.processes import Server, find, held_port, run_server

# One process that keeps all it writes in its own folder, so that it needs no rights and leaves nothing.
_CONFIGURATION = """
daemon off;
master_process off;
pid nginx.pid;
error_log stderr;
events { worker_connections 4096; }
http {
    access_log off;
    client_body_temp_path body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
    default_type application/json;
    keepalive_requests 100000000;
    %s
}
"""
_STATIC = """
    server {
        listen 127.0.0.1:%d backlog=1024;
        location ~ ^/patients/([a-z0-9-]+)$ {
            add_header X-Request-Id req_$request_id;
            return 200 '%s';
        }
        location / { return 404; }
    }
"""
_PROXY = """
    upstream medblocks { server %s; keepalive 64; keepalive_requests 100000000; }
    server {
        listen 127.0.0.1:%d backlog=1024;
        location /api/ {
            proxy_pass http://medblocks/;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_set_header Authorization "Bearer %s";
            proxy_set_header Version 2026-04-25;
        }
        location / { return 404; }
    }
"""


def proxy_command(port: int, folder: Path, upstream: str, key: str) -> list[str]:
    """Write the configuration of a proxy on a port, and give the command that runs it."""
    return _command(folder, _PROXY % (upstream.removeprefix("http://"), port, key))


@contextmanager
def run_static_upstream(folder: Path, core: int) -> Iterator[Server]:
    """Run a Medblocks that answers at once with any patient whose id is made of a-z, 0-9 and `-`."""
    with held_port() as port:
        command = _command(folder, _STATIC % (port, json.dumps(records.stored("$1"))))
        with run_server(command, port=port, folder=folder, variables={}, core=core) as server:
            yield server


def _command(folder: Path, servers: str) -> list[str]:
    home = Path(tempfile.mkdtemp(prefix="nginx-", dir=folder))
    (home / "nginx.conf").write_text(_CONFIGURATION % servers, "ascii")
    return [find("nginx"), "-p", str(home), "-c", "nginx.conf", "-e", "stderr"]
