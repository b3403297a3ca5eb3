"""The command line: `medblocks-bff demo | serve | sandbox | check | invite`."""

import errno
import os
import socket
import sys
from collections.abc import Mapping
from typing import NoReturn

import click

from bff import __version__, cli_check, cli_serve, cli_texts
from bff.access.keys import Keys
from bff.access.store import MemoryStore
from bff.config import (
    SETTING_NAMES,
    Settings,
    SettingsError,
    environment,
    load_settings,
    no_setting,
    unknown_names,
)
from bff.logs import configure_logging
from bff.sandbox.app import DEMO_KEY, create_sandbox
from bff.sandbox.fault_profiles import PROFILES
from bff.sandbox.serve import SandboxServer

EX_CONFIG = 78  # sysexits.h: something is wrong with the configuration
_OF_DEMO = ("BFF_BRAND_", "BFF_RETURN_URLS")  # what the demo takes of the environment
_PORT = click.IntRange(0, 65_535)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="medblocks-bff")
def main() -> None:
    """Run the small server between a browser and Medblocks."""


@main.command()
@click.option(
    "--port", type=_PORT, default=8000, show_default=True, help="Port of the BFF; 0 takes a free one."
)
@click.option(
    "--sandbox-port", type=_PORT, default=8001, show_default=True, help="Port of the pretend Medblocks."
)
@click.option(
    "--enforce", is_flag=True, help="Deny what the demo would otherwise only report, as production does."
)
@click.option(
    "--faults", type=click.Choice(list(PROFILES)), help="Let the pretend Medblocks fail in this way."
)
def demo(port: int, sandbox_port: int, faults: str | None, *, enforce: bool) -> None:
    """Start the BFF with a pretend Medblocks, on this machine alone, without a key."""
    cli_serve.hold_signals()
    with (
        _listen("127.0.0.1", port) as listener,
        _listen("127.0.0.1", sandbox_port, "--sandbox-port") as sandbox_listener,
    ):
        _demo(listener, sandbox_listener, faults, enforce=enforce)


def _demo(
    listener: socket.socket, sandbox_listener: socket.socket, faults: str | None, *, enforce: bool
) -> None:
    address, sandbox_address = _address(listener), _address(sandbox_listener)
    over_https = faults is not None and PROFILES[faults].over_https
    upstream = sandbox_address.replace("http:", "https:") if over_https else sandbox_address
    unknown = unknown_names(os.environ, SETTING_NAMES)
    counting = {n: text for n, text in os.environ.items() if (unknown.get(n) or n).startswith(_OF_DEMO)}
    _warn_of({name: meant for name, meant in unknown.items() if not meant or name not in counting})
    values = {
        **counting,
        "MEDBLOCKS_API_KEY": DEMO_KEY,
        "MEDBLOCKS_BASE_URL": upstream,
        "BFF_PUBLIC_URL": address,
        "BFF_ACCESS": "enforce" if enforce else "report",
    }
    try:
        settings = load_settings(values)
    except SettingsError as error:
        _stop(error, EX_CONFIG)
    click.echo(cli_texts.demo_text(address, sandbox_address))
    if faults:
        click.echo(cli_texts.faults_text(faults, sandbox_address))
    configure_logging()
    pretended = _sandbox(sandbox_listener, None if over_https else faults)
    sys.stdout.flush()
    sys.exit(cli_serve.run_demo(listener, settings, values, pretended))


@main.command()
@click.option("--port", type=_PORT, default=8001, show_default=True, help="Port; 0 takes a free one.")
@click.option("--faults", type=click.Choice(list(PROFILES)), help="Fail in this way.")
def sandbox(port: int, faults: str | None) -> None:
    """Start the sandbox alone: it stands in for Medblocks, on this machine, with the demo's key."""
    configure_logging()
    cli_serve.hold_signals()
    server = _sandbox(_listen("127.0.0.1", port), faults)
    server.start()
    click.echo(cli_texts.sandbox_text(server.address))
    cli_serve.wait_for_end()
    server.stop()


@main.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on; 0.0.0.0 for all.")
@click.option(
    "--port",
    type=_PORT,
    default=8000,
    show_default=True,
    envvar="PORT",
    show_envvar=True,
    help="Port to listen on.",
)
def serve(host: str, port: int) -> None:
    """Start the production server. It needs MEDBLOCKS_API_KEY."""
    cli_serve.hold_signals()
    with _listen(host, port) as listener:
        settings, values = _settings(listener.getsockname()[1], EX_CONFIG)
        click.echo(
            f"medblocks-bff {__version__} on {_address(listener)}, for {settings.base_url}. Ctrl-C stops it."
        )
        click.echo(f"Browsers reach it at {settings.public_url}.")
        for text in cli_texts.security_summary(settings):
            click.echo(text)
        cli_serve.become_gunicorn(listener, settings, values)


@main.command()
def check() -> None:
    """Check the settings, Medblocks, the key, and Redis and the login's keys where they are set."""
    found = []
    for finding in cli_check.findings(_settings(8000, 1)[0]):
        click.echo(finding.text, err=not finding.fine)
        found.append(finding.fine)
    sys.exit(0 if all(found) else 1)


@main.command()
@click.option("--patient-id", required=True, help="The patient that the invited browser may act for.")
@click.option("--hours", default=24.0, show_default=True, help="How long the link holds, 72 at most.")
def invite(patient_id: str, hours: float) -> None:
    """Print a link that lets one browser act for one patient, once. For BFF_IDENTITY=invite."""
    settings, _ = _settings(8000, EX_CONFIG)
    if settings.identity != "invite":
        raise click.ClickException("Invites are off: set BFF_IDENTITY=invite, here and where it serves.")
    from bff.access.invites import Invites  # noqa: PLC0415 - cryptography, which only this command needs

    invites = Invites(Keys(settings.secret.reveal()).derive("invite"), MemoryStore())
    try:
        click.echo(f"{settings.public_url}/invite/{invites.make(patient_id, hours)}")
    except ValueError as error:
        raise click.ClickException(str(error)) from error


def _sandbox(listener: socket.socket, faults: str | None) -> SandboxServer:
    server = SandboxServer(create_sandbox(_address(listener)), listener)
    if faults:
        server.faults.use(faults)
    return server


def _settings(port: int, exit_code: int) -> tuple[Settings, dict[str, str]]:
    try:
        values = environment()
        unknown = unknown_names(values, SETTING_NAMES)
        _warn_of({name: meant for name, meant in unknown.items() if not meant})  # the others are refused
        if not values.get("BFF_PUBLIC_URL"):
            values["BFF_PUBLIC_URL"] = f"http://127.0.0.1:{port}"
        settings = load_settings(values)
    except SettingsError as error:
        _stop(error, exit_code)
    if not settings.known_key:
        click.echo(cli_texts.UNKNOWN_KEY, err=True)
    return settings, values


def _warn_of(names: Mapping[str, str | None]) -> None:
    for name, meant in names.items():
        click.echo(f"Warning: {name} {no_setting(meant)}", err=True)


def _stop(error: SettingsError, exit_code: int) -> NoReturn:
    for problem in error.problems:
        click.echo(problem, err=True)
    sys.exit(exit_code)


def _listen(host: str, port: int, option: str = "--port") -> socket.socket:
    try:
        return cli_serve.listen(host, port)
    except OSError as error:
        why = str(error.strerror).partition(" (while ")[0]  # what follows says the address again
        number = error.errno or 0
        if number == errno.EADDRNOTAVAIL or number < 0:  # below 0 are those of getaddrinfo
            option = "--host"
        text = f"Can't listen on {host} port {port}: {why}. Choose another with {option}."
        raise click.ClickException(text) from error


def _address(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
