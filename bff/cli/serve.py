"""`medblocks-bff serve`: the production server."""

import os
import socket
import sys
from collections.abc import Mapping
from typing import NoReturn

import click

from bff.cli import messages, startup
from bff.config import Settings


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on; 0.0.0.0 for all.")
@click.option(
    "--port",
    type=startup.PORT,
    default=8000,
    show_default=True,
    envvar="PORT",
    show_envvar=True,
    help="Port to listen on.",
)
def serve(host: str, port: int) -> None:
    """Start the production server. It needs MEDBLOCKS_API_KEY."""
    startup.hold_signals()
    with startup.listen(host, port) as listener:
        bound, number = listener.getsockname()[:2]
        settings, variables = startup.read_settings(number, startup.EX_CONFIG, bound)
        click.echo(messages.serving(settings, startup.address_of(listener)))
        _become_gunicorn(listener, settings, variables)


def _become_gunicorn(listener: socket.socket, settings: Settings, variables: Mapping[str, str]) -> NoReturn:
    """Replace this program by gunicorn, which serves on the socket until SIGTERM or Ctrl-C.

    A new program, since workers patch the standard library before they import the app, and this one has
    imported much of it already.
    """
    listener.set_inheritable(True)
    sys.stdout.flush()
    command = startup.gunicorn_command(listener, settings, "bff.server.gunicorn_conf")
    os.execve(sys.executable, command, {**os.environ, **variables})  # noqa: S606 - there is no shell to be misled
