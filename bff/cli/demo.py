"""`medblocks-bff demo`: the server and the sandbox on this machine, without a key."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping

import click

from bff.cli import messages, startup
from bff.cli.sandbox import build_sandbox
from bff.config import Settings, SettingsError, load_settings, unknown_names
from bff.logs import configure_logging
from bff.sandbox import DEMO_KEY, DEMO_WEBHOOK_SECRET, PROFILES, SandboxServer, WebhookSender

# The demo's own; it takes all other settings from the environment, so that a login can be tried with it.
_OWN_SETTINGS = {
    *("MEDBLOCKS_API_KEY", "MEDBLOCKS_API_KEY_FILE", "MEDBLOCKS_BASE_URL", "MEDBLOCKS_WEBHOOK_SECRET"),
    *("BFF_PUBLIC_URL", "BFF_HOST_CHECK"),
}

_DEV_SERVERS = "http://localhost:* http://127.0.0.1:*"


@click.command()
@click.option("--port", type=startup.PORT, default=8000, help="Port of the BFF; 0 takes a free one.")
@click.option("--sandbox-port", type=startup.PORT, default=8001, help="Port of the sandbox.")
@click.option(
    "--enforce", is_flag=True, help="Deny what the demo would otherwise only report, as production does."
)
@click.option("--faults", type=click.Choice(list(PROFILES)), help="Make the sandbox fail in this way.")
@startup.CODES
def demo(port: int, sandbox_port: int, faults: str | None, codes: str, *, enforce: bool) -> None:
    """Start the BFF and the sandbox on this machine, without a key."""
    startup.hold_signals()  # before the sandbox's threads, which inherit it: the main thread gets the signals
    with (
        startup.listen("127.0.0.1", port) as listener,
        startup.listen("127.0.0.1", sandbox_port, "--sandbox-port") as sandbox_listener,
    ):
        address, sandbox_address = startup.address_of(listener), startup.address_of(sandbox_listener)
        over_https = faults is not None and PROFILES[faults].over_https
        upstream = sandbox_address.replace("http:", "https:") if over_https else sandbox_address
        variables = _variables(address, upstream, enforce=enforce)
        try:
            settings = load_settings(variables)
        except SettingsError as error:
            startup.exit_with_problems(error)
        click.echo(messages.demo(settings, sandbox_address))
        if faults:
            click.echo(messages.faults(faults, sandbox_address))
        configure_logging()
        sender = WebhookSender(f"{address}/webhooks/medblocks", DEMO_WEBHOOK_SECRET)
        sandbox = build_sandbox(sandbox_listener, None if over_https else faults, codes, sender)
        sys.exit(_run(listener, settings, variables, sandbox))


def _variables(address: str, upstream: str, *, enforce: bool) -> dict[str, str]:
    """Return the variables of the server: the environment's, and the demo's own settings."""
    unknown = unknown_names(os.environ)
    used = {
        name: text for name, text in os.environ.items() if (unknown.get(name) or name) not in _OWN_SETTINGS
    }
    # Names that are nearly a used setting's are problems; load_settings reports them.
    startup.warn_about({name: meant for name, meant in unknown.items() if not meant or name not in used})
    return_urls = used.get("BFF_RETURN_URLS") or f"{address}/connected"
    return {
        **used,
        "BFF_RETURN_URLS": f"{return_urls} {_DEV_SERVERS}",
        "MEDBLOCKS_API_KEY": DEMO_KEY,
        "MEDBLOCKS_BASE_URL": upstream,
        "MEDBLOCKS_WEBHOOK_SECRET": DEMO_WEBHOOK_SECRET,
        "BFF_PUBLIC_URL": address,
        "BFF_ACCESS": "enforce" if enforce else used.get("BFF_ACCESS", "report"),
    }


def _run(
    listener: socket.socket, settings: Settings, variables: Mapping[str, str], sandbox: SandboxServer
) -> int:
    """Run the server as a child until it ends, and stop the sandbox. Return the exit code."""
    sys.stdout.flush()
    with subprocess.Popen(  # noqa: S603 - the command is our own
        startup.gunicorn_command(listener, settings, "bff.server.demo_conf", app="create_served_app()"),
        env=variables,
        pass_fds=[listener.fileno()],
        stdin=subprocess.PIPE,  # the server stops when this closes, which it does however this process ends
        start_new_session=True,  # so that Ctrl-C reaches this process alone
    ) as server:
        listener.close()
        for number in startup.STOP_SIGNALS:
            signal.signal(number, lambda *_: server.terminate())
        signal.pthread_sigmask(signal.SIG_UNBLOCK, startup.STOP_SIGNALS)
        code = server.wait()
    sandbox.stop()
    return code
