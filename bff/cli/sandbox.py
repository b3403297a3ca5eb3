"""`medblocks-bff sandbox`: the sandbox alone, which stands in for Medblocks."""

import signal
import socket

import click

from bff.cli import messages, startup
from bff.logs import configure_logging
from bff.sandbox import PROFILES, SandboxServer, create_sandbox


@click.command()
@click.option("--port", type=startup.PORT, default=8001, show_default=True, help="Port; 0 takes a free one.")
@click.option("--faults", type=click.Choice(list(PROFILES)), help="Fail in this way.")
@startup.CODES
def sandbox(port: int, faults: str | None, codes: str) -> None:
    """Start the sandbox alone: it stands in for Medblocks, on this machine, with the demo's key."""
    configure_logging()
    startup.hold_signals()
    server = build_sandbox(startup.listen("127.0.0.1", port), faults, codes)
    server.start()
    click.echo(messages.sandbox(server.address))
    signal.sigwait(startup.STOP_SIGNALS)
    server.stop()


def build_sandbox(listener: socket.socket, faults: str | None, codes: str) -> SandboxServer:
    """Return a sandbox on a socket, with older or newer error codes, and the faults of a profile if named."""
    app = create_sandbox(startup.address_of(listener), newer_codes=codes == "newer")
    server = SandboxServer(app, listener)
    if faults:
        server.faults.use(faults)
    return server
