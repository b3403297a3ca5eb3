"""How the command line runs gunicorn, in its own place, or as a child beside the sandbox."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping
from threading import Thread
from typing import TYPE_CHECKING, NoReturn

from bff.config import Settings, load_settings

if TYPE_CHECKING:
    from flask import Flask

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
    os.execve(sys.executable, _gunicorn(listener, settings), {**os.environ, **variables})  # noqa: S606 - there is no shell to be misled


def run_demo(
    listener: socket.socket,
    settings: Settings,
    variables: Mapping[str, str],
    sandbox_listener: socket.socket,
    sandbox_options: list[str],
    report: Callable[[str], None],
) -> int:
    """Run the server and the sandbox on their sockets until one of them ends, or SIGTERM or Ctrl-C.

    Takes the settings, the variables that they were read from, the options of `medblocks-bff sandbox`, and
    what shows a message. Return the server's exit code.
    """
    others = {name: text for name, text in os.environ.items() if not name.startswith(("BFF_", "MEDBLOCKS_"))}
    sandbox_command = [sys.executable, "-m", "bff", "sandbox", "--fd", str(sandbox_listener.fileno())]
    # In sessions of their own: Ctrl-C reaches this process alone. The sandbox also ends with its input.
    sandbox = subprocess.Popen(  # noqa: S603 - the command is our own
        [*sandbox_command, *sandbox_options],
        pass_fds=[sandbox_listener.fileno()],
        stdin=subprocess.PIPE,
        start_new_session=True,
    )
    sandbox_listener.close()  # or it would go on listening where the sandbox plays dead
    server = subprocess.Popen(  # noqa: S603 - the command is our own
        _gunicorn(listener, settings),
        env={**others, **variables},
        pass_fds=[listener.fileno()],
        start_new_session=True,
    )
    listener.close()
    for number in _STOPPING:
        signal.signal(number, lambda *_: server.terminate())

    def watch() -> None:
        if sandbox.wait() and server.poll() is None:
            report("The sandbox has ended unexpectedly. The server stops, too.")
            server.terminate()

    Thread(target=watch, daemon=True).start()
    code = server.wait()
    sandbox.communicate()  # ends its input, and waits
    return code


def wait_for_end(*, with_input: bool) -> None:
    """Wait for SIGTERM or Ctrl-C; `with_input`, also for the end of standard input."""
    if with_input:
        # The parent process has the other end; it closes with that process, however it ends.
        Thread(target=_end_with_input, daemon=True).start()
    signal.sigwait(_STOPPING)


def _end_with_input() -> None:
    sys.stdin.read()
    os.kill(os.getpid(), signal.SIGTERM)


def hold_signals() -> None:
    """Keep SIGTERM and Ctrl-C until they can be handled: by gunicorn, or by `wait_for_end`."""
    signal.pthread_sigmask(signal.SIG_BLOCK, _STOPPING)


def _gunicorn(listener: socket.socket, settings: Settings) -> list[str]:
    options = ["--config", "python:bff.server.gunicorn_conf", "--workers", str(settings.processes)]
    bind = ["--bind", f"fd://{listener.fileno()}"]
    return [sys.executable, "-m", "gunicorn", *options, *bind, "bff.cli_serve:create_served_app()"]
