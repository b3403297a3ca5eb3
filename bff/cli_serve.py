"""How the command line runs gunicorn, in its own place, or as a child beside the sandbox."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, NoReturn

from bff.config import Settings, load_settings

if TYPE_CHECKING:
    from flask import Flask

    from bff.sandbox.serve import SandboxServer

_STOPPING = (signal.SIGINT, signal.SIGTERM)
_BACKLOG = 1024


def listen(host: str, port: int) -> socket.socket:
    """Bind a listening socket; port 0 takes a free one, and `::` listens for IPv4 too. Raise OSError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    both = host == "::" and socket.has_dualstack_ipv6()
    return socket.create_server((host, port), family=family, backlog=_BACKLOG, dualstack_ipv6=both)


def create_served_app() -> "Flask":
    """Build the app from the variables of the process alone: those that the command line has checked."""
    from bff.app import create_app  # noqa: PLC0415 - not before a worker has patched the standard library

    return create_app(load_settings(os.environ))


def become_gunicorn(listener: socket.socket, settings: Settings, variables: Mapping[str, str]) -> NoReturn:
    """Serve on a socket until SIGTERM or Ctrl-C: this process becomes gunicorn's.

    Takes the settings, and the variables that they were read from. A new program, since the workers have to
    patch the standard library before the app is imported, and much of it has been imported here.
    """
    listener.set_inheritable(True)
    sys.stdout.flush()
    command = _gunicorn(listener, settings, "bff.server.gunicorn_conf")
    os.execve(sys.executable, command, {**os.environ, **variables})  # noqa: S606 - there is no shell to be misled


def run_demo(
    listener: socket.socket, settings: Settings, variables: Mapping[str, str], sandbox: "SandboxServer"
) -> int:
    """Run the sandbox here, and the server as a child, until that ends, or SIGTERM or Ctrl-C.

    Takes the server's socket, its settings, and the variables that they were read from. Return its exit code.
    """
    others = {name: text for name, text in os.environ.items() if not name.startswith(("BFF_", "MEDBLOCKS_"))}
    sandbox.start()  # its threads keep the signals blocked, so that they reach this one
    with subprocess.Popen(  # noqa: S603 - the command is our own
        _gunicorn(listener, settings, "bff.server.demo_conf"),
        env={**others, **variables},
        pass_fds=[listener.fileno()],
        stdin=subprocess.PIPE,  # the server also ends with its input: with this process, however that ends
        start_new_session=True,  # so that Ctrl-C reaches this process alone
    ) as server:
        listener.close()
        for number in _STOPPING:
            signal.signal(number, lambda *_: server.terminate())
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _STOPPING)
        code = server.wait()
    sandbox.stop()
    return code


def wait_for_end() -> None:
    """Wait for SIGTERM or Ctrl-C."""
    signal.sigwait(_STOPPING)


def hold_signals() -> None:
    """Keep SIGTERM and Ctrl-C until they can be handled: by gunicorn, `run_demo` or `wait_for_end`."""
    signal.pthread_sigmask(signal.SIG_BLOCK, _STOPPING)


def _gunicorn(listener: socket.socket, settings: Settings, configuration: str) -> list[str]:
    options = ["--config", f"python:{configuration}", "--workers", str(settings.processes)]
    bind = ["--bind", f"fd://{listener.fileno()}"]
    return [sys.executable, "-m", "gunicorn", *options, *bind, "bff.cli_serve:create_served_app()"]
