"""What several commands do first: read the settings, and bind a socket. Problems end the program."""

import errno
import signal
import socket
import sys
from collections.abc import Mapping
from typing import NoReturn

import click

from bff.cli import messages
from bff.config import Settings, SettingsError, environment, load_settings, no_setting, unknown_names
from bff.medblocks.urls import is_loopback

EX_CONFIG = 78  # sysexits.h: something is wrong with the configuration
PORT = click.IntRange(0, 65_535)
CODES = click.option(
    "--codes",
    type=click.Choice(["older", "newer"]),
    default="older",
    help="Names of the sandbox's error codes: those of older or newer versions of Medblocks.",
)
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_BACKLOG = 1024


def read_settings(
    port: int = 8000, host: str = "127.0.0.1", *, exit_code: int = EX_CONFIG
) -> tuple[Settings, dict[str, str]]:
    """Return the settings, and the variables that they were read from.

    `port` is the one in the public URL unless a variable sets it. If the server listens at a `host` for other
    machines, it then accepts any host name, since it does not know its own. Problems are printed, and end the
    program with `exit_code`.
    """
    try:
        variables = environment()
        # Names that are nearly a setting's are problems; load_settings reports them.
        unknown = unknown_names(variables)
        warn_about({name: meant for name, meant in unknown.items() if not meant})
        if not variables.get("BFF_PUBLIC_URL"):
            variables["BFF_PUBLIC_URL"] = f"http://127.0.0.1:{port}"
            if not is_loopback(host):
                variables["BFF_HOST_CHECK"] = variables.get("BFF_HOST_CHECK") or "off"
        settings = load_settings(variables)
    except SettingsError as error:
        exit_with_problems(error, exit_code)
    if not settings.known_key:
        click.echo(messages.UNKNOWN_KEY, err=True)
    return settings, variables


def warn_about(names: Mapping[str, str | None]) -> None:
    """Print a warning for each variable that is not a setting, with the setting that was probably meant."""
    for name, meant in names.items():
        click.echo(f"Warning: {name} {no_setting(meant)}", err=True)


def exit_with_problems(error: SettingsError, exit_code: int = EX_CONFIG) -> NoReturn:
    """Print each problem on a line, and end the program."""
    for problem in error.problems:
        click.echo(problem, err=True)
    sys.exit(exit_code)


def listen(host: str, port: int, option: str = "--port") -> socket.socket:
    """Return a listening socket; port 0 takes a free one, and `::` listens for IPv4 too.

    `option` is the one that chooses the port, for the message if it can't be bound.
    """
    try:
        return bind(host, port)
    except OSError as error:
        # OSError's own text repeats the address after "(while".
        reason = str(error.strerror).partition(" (while ")[0]
        number = error.errno or 0
        if number == errno.EADDRNOTAVAIL or number < 0:  # getaddrinfo's numbers are below 0
            option = "--host"
        raise click.ClickException(messages.cannot_listen(host, port, reason, option)) from error


def bind(host: str, port: int) -> socket.socket:
    """Return a listening socket, as `listen` does. Raise OSError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    both = host == "::" and socket.has_dualstack_ipv6()
    return socket.create_server((host, port), family=family, backlog=_BACKLOG, dualstack_ipv6=both)


def address_of(listener: socket.socket) -> str:
    """Return the URL of a listening socket."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def hold_signals() -> None:
    """Block SIGTERM and SIGINT until they can be handled: by gunicorn, the demo or the sandbox."""
    signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)


def gunicorn_command(
    listener: socket.socket, settings: Settings, configuration: str, *options: str, app: str
) -> list[str]:
    """Return the command that serves an app of `bff.server.app` on a socket.

    `configuration` is a module with gunicorn's configuration; the options add to it.
    """
    config = ["--config", f"python:{configuration}", "--workers", str(settings.processes)]
    bound = ["--bind", f"fd://{listener.fileno()}"]
    return [sys.executable, "-m", "gunicorn", *config, *bound, *options, f"bff.server.app:{app}"]
