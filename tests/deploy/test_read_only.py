"""The server needs no file system that it can write to, but the folder for temporary files and /dev/shm."""

import subprocess
import sys
from pathlib import Path

import pytest
import requests

from benchmarks.bench.processes import held_port, run_server
from benchmarks.running import run_sandbox, variables
from tests.deploy.conftest import LONG_DEADLINES

# Remounts all file systems read-only, in a namespace of its own, but $TMPDIR and what is below /dev.
READ_ONLY = """
mount --make-rprivate /
mount -t tmpfs tmpfs "$TMPDIR"
for folder in $(awk '{print $2}' /proc/self/mounts); do
    case $folder in /proc*|/sys*|/dev*|"$TMPDIR") ;; *) mount -o remount,bind,ro "$folder" ;; esac
done
! touch "$PWD/written" 2>/dev/null && touch "$TMPDIR/written" && exec "$@"
"""


def may_remount():
    probe = "mount --make-rprivate / && mount -t tmpfs tmpfs /mnt"
    try:
        return (
            subprocess.run(["/usr/bin/unshare", "--mount", "/bin/sh", "-c", probe], check=False).returncode
            == 0
        )
    except FileNotFoundError:
        return False


pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not may_remount(), reason="this user may not mount file systems"),
]


def test_a_read_only_file_system_is_enough(tmp_path):
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    with held_port() as port, held_port() as metrics_port, run_sandbox() as upstream:
        serve = [sys.executable, "-B", "-W", "error", "-m", "bff", "serve", "--port", str(port)]
        command = ["/usr/bin/unshare", "--mount", "/bin/sh", "-euc", READ_ONLY, "sh", *serve]
        settings = {
            **variables(upstream.address, BFF_PROCESSES="2", **LONG_DEADLINES),
            "BFF_REDIS_URL": "redis://127.0.0.1:1",
            "BFF_METRICS_PORT": str(metrics_port),
            "PYTHONPATH": str(Path(__file__).parents[2]),
            "TMPDIR": str(temporary),
        }
        with (
            run_server(command, port=port, folder=tmp_path, variables=settings) as server,
            requests.Session() as browser,
        ):
            browser.trust_env = False
            address = server.address.replace("127.0.0.1", "localhost")
            body = {"patientId": "user_42", "name": "Ria Example", "email": "ria@example.com"}
            created = browser.post(f"{address}/api/patients", json=body, timeout=30)
            metrics = browser.get(f"http://127.0.0.1:{metrics_port}/metrics", timeout=30)
            pages = [browser.get(f"{address}{path}", timeout=30) for path in ("/intake", "/account")]

    assert [reply.status_code for reply in (created, metrics, *pages)] == [200] * 4
    assert 'route="/api/patients"' in metrics.text
