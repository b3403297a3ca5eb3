"""The command line: `medblocks-bff demo | serve | check`."""

import socket
import sys
import threading

import click

from bff import __version__, create_app, server
from bff.config import Settings, SettingsError, environment, load_settings
from bff.medblocks.client import Medblocks
from bff.medblocks.errors import KeyRefused, MedblocksError
from bff.medblocks.transport import Transport
from bff.observe import configure_logging
from bff.sandbox.app import DEMO_KEY, create_sandbox

EX_CONFIG = 78  # sysexits.h: something is wrong with the configuration


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="medblocks-bff")
def main() -> None:
    """Run the small server between a browser and Medblocks."""


@main.command()
@click.option("--port", default=8000, show_default=True, help="Port of the BFF; 0 takes a free one.")
@click.option("--sandbox-port", default=8001, show_default=True, help="Port of the pretend Medblocks.")
def demo(port: int, sandbox_port: int) -> None:
    """Start the BFF with a pretend Medblocks, on this machine alone, without a key."""
    configure_logging()
    listener, sandbox_listener = _listen("127.0.0.1", port), _listen("127.0.0.1", sandbox_port)
    address, sandbox_address = _address(listener), _address(sandbox_listener)
    sandbox = server.make_server(create_sandbox(sandbox_address), sandbox_listener)
    threading.Thread(target=sandbox.run, name="sandbox", daemon=True).start()
    settings = load_settings(
        {"MEDBLOCKS_API_KEY": DEMO_KEY, "MEDBLOCKS_BASE_URL": sandbox_address, "BFF_PUBLIC_URL": address}
    )
    click.echo(_demo_text(address, sandbox_address))
    _run(settings, listener)


@main.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on; 0.0.0.0 for all.")
@click.option(
    "--port", default=8000, show_default=True, envvar="PORT", show_envvar=True, help="Port to listen on."
)
def serve(host: str, port: int) -> None:
    """Start the production server. It needs MEDBLOCKS_API_KEY."""
    configure_logging()
    settings = _settings(port, EX_CONFIG)
    listener = _listen(host, port)
    click.echo(
        f"medblocks-bff {__version__} on {_address(listener)}, for {settings.base_url}. Ctrl-C stops it."
    )
    _run(settings, listener)


@main.command()
def check() -> None:
    """Check the settings, whether Medblocks answers, and whether it accepts the key."""
    settings = _settings(8000, 1)
    click.echo(f"Settings: fine. Browsers reach this server at {settings.public_url}.")
    medblocks = Medblocks(Transport(settings.base_url, settings.api_key, settings.api_version))
    try:
        medblocks.health()
        click.echo(f"Medblocks: {settings.base_url} answers.")
        medblocks.list_facilities(limit=1)
    except KeyRefused as error:
        click.echo(f"Key: Medblocks refuses it ({error}). Set MEDBLOCKS_API_KEY to a valid one.", err=True)
        sys.exit(1)
    except MedblocksError as error:
        click.echo(
            f"Medblocks: no usable answer from {settings.base_url} ({error}). "
            "Check MEDBLOCKS_BASE_URL and the network.",
            err=True,
        )
        sys.exit(1)
    click.echo("Key: Medblocks accepts it.")


def _settings(port: int, exit_code: int) -> Settings:
    values = environment()
    if not values.get("BFF_PUBLIC_URL"):
        values["BFF_PUBLIC_URL"] = f"http://127.0.0.1:{port}"
    try:
        return load_settings(values)
    except SettingsError as error:
        for problem in error.problems:
            click.echo(problem, err=True)
        click.echo("To try it without a key and without settings: medblocks-bff demo", err=True)
        sys.exit(exit_code)


def _listen(host: str, port: int) -> socket.socket:
    try:
        return server.listen(host, port)
    except OSError as error:
        raise click.ClickException(
            f"Can't listen on {host} port {port}: {error.strerror}. Choose another with --port."
        ) from error


def _address(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _run(settings: Settings, listener: socket.socket) -> None:
    server.stop_on_sigterm()
    server.make_server(create_app(settings), listener).run()
    click.echo("Stopped.")


def _demo_text(address: str, sandbox_address: str) -> str:
    body = """'{"patientId": "user_42", "email": "asha@example.com", "name": "Asha Example"}'"""
    return f"""
  The BFF, with the intake page:  {address}
  The pretend Medblocks:          {sandbox_address}

Nothing leaves this machine: no key is used, and no request goes anywhere else.
Try the page, or:

  curl -s {address}/api/patients -H 'Content-Type: application/json' -d {body}
  curl -s {address}/api/patients/user_42
  curl -s {address}/api/patient-sessions -H 'Content-Type: application/json' -d '{{"patientId": "user_42"}}'

Ctrl-C stops both.
"""
