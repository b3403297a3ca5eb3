"""`medblocks-bff sandbox`: the sandbox alone, which stands in for Medblocks."""

import signal
import socket

import click

from bff.cli import messages, startup
from bff.logs import configure_logging
from bff.sandbox import PROFILES, SandboxServer, WebhookSender, create_sandbox


@click.command()
@click.option("--port", type=startup.PORT, default=8001, help="Port; 0 takes a free one.")
@click.option("--faults", type=click.Choice(list(PROFILES)), help="Fail in this way.")
@click.option("--webhook-url", envvar="SANDBOX_WEBHOOK_URL", show_envvar=True, help="Send events there.")
@click.option(
    "--webhook-secret",
    envvar="MEDBLOCKS_WEBHOOK_SECRET",
    show_envvar=True,
    help="Sign events with this; of two, with the first.",
)
@startup.CODES
def sandbox(
    port: int, faults: str | None, codes: str, webhook_url: str | None, webhook_secret: str | None
) -> None:
    """Start the sandbox alone: it stands in for Medblocks, on this machine, with the demo's key."""
    sender = _webhook_sender(webhook_url, (webhook_secret or "").split())
    configure_logging()
    startup.hold_signals()
    server = build_sandbox(startup.listen("127.0.0.1", port), faults, codes, sender)
    click.echo(messages.sandbox(server.address))
    signal.sigwait(startup.STOP_SIGNALS)
    server.stop()


def _webhook_sender(url: str | None, secrets: list[str]) -> WebhookSender | None:
    if not url:
        return None
    if not secrets:
        raise click.UsageError("Events need a signature: set --webhook-secret, too.")
    return WebhookSender(url, secrets[0])


def build_sandbox(
    listener: socket.socket, faults: str | None, codes: str, webhooks: WebhookSender | None = None
) -> SandboxServer:
    """Return a running sandbox on a socket, with older or newer error codes.

    It has the faults of a profile, and a sender of events, if there are any.
    """
    app = create_sandbox(startup.address_of(listener), newer_codes=codes == "newer")
    if webhooks:
        app.extensions["sandbox"].on_event = webhooks.send
    server = SandboxServer(app, listener)
    if faults:
        server.faults.use(faults)
    return server
