"""`medblocks-bff serve`: the production server."""

import logging
import os
import socket
import sys
from collections.abc import Iterator, Mapping
from glob import escape
from pathlib import Path
from typing import NoReturn

import click

from bff.cli import messages, startup
from bff.config import Settings, SettingsError, environment
from bff.server import metrics_process
from bff.server.app import AppNotFound, find_app


@click.command()
@click.option("--host", default="127.0.0.1", help="Address to listen on; 0.0.0.0 for all.")
@click.option(
    "--port",
    type=startup.PORT,
    default=8000,
    envvar="PORT",
    show_envvar=True,
    help="Port to listen on.",
)
@click.option(
    "--app",
    "target",
    metavar="MODULE:NAME",
    help="Serve an app of your own that uses create_app: a WSGI app, or a function that returns one.",
)
@click.option("--reload", is_flag=True, help="Restart when a file changes; for development only.")
def serve(host: str, port: int, target: str | None, *, reload: bool) -> None:
    """Start the production server. It needs MEDBLOCKS_API_KEY."""
    startup.hold_signals()
    with startup.listen(host, port) as listener:
        bound, number = listener.getsockname()[:2]
        settings, variables = startup.read_settings(number, bound)
        if target:
            _check_app(target, variables)
        click.echo(messages.serving(settings, startup.address_of(listener), target))
        _become_gunicorn(listener, settings, variables, target, reload=reload)


def _check_app(target: str, variables: Mapping[str, str]) -> None:
    """Import a team's app with the variables that its workers will have, and end the program if that fails.

    The workers import it once more. gunicorn's report of a failure is several lines in the log.
    """
    before = dict(os.environ)
    os.environ.update(variables)
    logging.disable()  # what the module logs when it is imported, it logs again in a worker
    try:
        find_app(target)
    except SettingsError as error:
        startup.exit_with_problems(error)
    except AppNotFound as error:
        click.echo(f"--app: {error}", err=True)
        sys.exit(startup.EX_CONFIG)
    finally:
        logging.disable(logging.NOTSET)
        os.environ.clear()
        os.environ.update(before)


def _become_gunicorn(
    listener: socket.socket,
    settings: Settings,
    variables: Mapping[str, str],
    target: str | None,
    *,
    reload: bool,
) -> NoReturn:
    """Replace this program by gunicorn, which serves on the socket until SIGTERM or Ctrl-C.

    A new program, since workers patch the standard library before they import the app, and this one has
    imported much of it already.
    """
    app = "create_served_app()"
    options: list[str] = []
    if target or reload:
        app = f"load_app({target or 'bff:create_app'!r}, reload={reload})"
    if reload:
        options = ["--reload", "--reload-engine", "poll", *_extra_files(variables)]
        # Each worker reads `.env` again, so only what it does not have is passed on. gunicorn's parent
        # process does not read it, and needs the port.
        read = environment()
        variables = {
            name: text
            for name, text in variables.items()
            if read.get(name) != text or name == metrics_process.PORT
        }
    command = startup.gunicorn_command(listener, settings, "bff.server.gunicorn_conf", *options, app=app)
    listener.set_inheritable(True)
    sys.stdout.flush()
    os.execve(sys.executable, command, {**os.environ, **variables})  # noqa: S606 - there is no shell to be misled


def _extra_files(variables: Mapping[str, str]) -> Iterator[str]:
    """Yield gunicorn's options for the files that `--reload` watches beside the modules."""
    files = [Path(variables[name]) for name in ("BFF_BRAND_LOGO", "BFF_BRAND_LOGO_DARK") if name in variables]
    watched = [str(file) for file in [Path(".env"), *files] if file.is_file()]
    if any(Path("templates").rglob("*")):
        watched.append("templates/**/*")
    if folder := variables.get("BFF_TRANSLATIONS"):
        watched.append(f"{escape(folder)}/*.po")
    for each in watched:
        yield from ("--reload-extra-file", each)
