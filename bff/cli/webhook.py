"""`medblocks-bff webhook-test`: sends a signed event to a running server, as Medblocks does."""

import json
import secrets
import sys
import time
from datetime import UTC, datetime

import click
import requests

from bff.cli import startup
from bff.medblocks import API_VERSION
from bff.medblocks.urls import is_loopback, split_http_url
from bff.medblocks.webhooks import EVENT_TYPES, sign
from bff.messages import InvalidValue

_MEDBLOCKS_WAITS = 5  # seconds
_PATIENCE = 30
_OUTCOMES = {
    "ok": "The handler has succeeded.",
    "no handler": "There is no handler for this type: pass one to create_app(on_event=…).",
}
_HINTS = {
    400: "Is MEDBLOCKS_WEBHOOK_SECRET the same here and where the server runs, and are both clocks right?",
    403: "Something in front of the server refuses the request. Let it pass without a login.",
    404: "Set MEDBLOCKS_WEBHOOK_SECRET where the server runs, restart it, and check --url.",
    405: "This is not the route for webhooks. End --url with /webhooks/medblocks.",
    500: "Search the server's log for the event's id: bff.webhooks has the exception's type and place.",
    503: "Try again shortly. If this stays, check the server's log and its Redis.",
}
_REDIRECT = "Use the address that it redirects to, here and at Medblocks."
_NO_TLS = (
    "No response: TLS failed (SSLError). If this machine does not trust the certificate, send the event to "
    "the server itself: --url http://127.0.0.1:8000/webhooks/medblocks"
)
_OTHERWISE = "Check the server's log, and what is in front of the server."


@click.command("webhook-test")
@click.option("--url", help="Where to send it.  [default: /webhooks/medblocks at BFF_PUBLIC_URL]")
@click.option(
    "--type",
    "kind",
    type=click.Choice(EVENT_TYPES),
    default=EVENT_TYPES[0],
    help="The type of the event.",
)
@click.option("--patient-id", default="webhook-test", help="The patient in the event.")
def webhook_test(url: str | None, kind: str, patient_id: str) -> None:
    """Send a signed event to a running server, where its handler runs, and print the result."""
    settings, _ = startup.read_settings()
    if not settings.webhook_secrets:
        raise click.ClickException("Set MEDBLOCKS_WEBHOOK_SECRET, here and where the server runs.")
    url = url or f"{settings.public_url}/webhooks/medblocks"
    event = sample_event(kind, patient_id)
    click.echo(f"Sending {kind} ({event['id']}) to {url}")
    reply = _send(url, event, settings.webhook_secrets[0].reveal())
    if reply.elapsed.total_seconds() > _MEDBLOCKS_WAITS:
        click.echo("It took more than 5 seconds: Medblocks would not have waited, and would try again.")
    result, fine = _result(reply)
    click.echo(result, err=not fine)
    sys.exit(0 if fine else 1)


def _send(url: str, event: dict[str, object], secret: str) -> requests.Response:
    payload = json.dumps(event).encode()
    signature = sign(payload, secret, int(time.time()))
    headers = {"Content-Type": "application/json", "Medblocks-Signature": signature}
    try:
        with requests.Session() as session:
            # A proxy of the environment does not reach servers on this machine.
            session.trust_env = not is_loopback(split_http_url(url).hostname)
            return session.post(url, payload, headers=headers, timeout=_PATIENCE, allow_redirects=False)
    except InvalidValue as error:
        raise click.ClickException(f"--url can't be used. {error}") from error
    except requests.exceptions.SSLError as error:
        raise click.ClickException(_NO_TLS) from error
    except requests.RequestException as error:
        text = f"No response ({type(error).__name__}). Check --url, and that the server runs there."
        raise click.ClickException(text) from error


def _result(reply: requests.Response) -> tuple[str, bool]:
    """Return what a response means and what to do next, and whether all is fine."""
    try:
        body = reply.json()
        if reply.status_code == 200:
            return f"200: the signature is valid. {_OUTCOMES[body['outcome']]}", True
        said = f"{body['error']['message']} (request {body['error']['request_id']})"
    except (ValueError, KeyError, TypeError):
        said = "the response is not from this server."
    hint = _REDIRECT if reply.is_redirect else _HINTS.get(reply.status_code, _OTHERWISE)
    return f"{reply.status_code}: {said}\n{hint}", False


def sample_event(kind: str, patient_id: str) -> dict[str, object]:
    """Return an event of a type, with a new id. Only its patient's id is up to the caller."""
    now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    connection = {"id": None, "connection_id": "fhirsrc_test", "status": "active", "created_at": now}
    refused = {**connection, "id": "conn_test", "status": "refresh_failed", "patient_session_id": "ps_test"}
    about = {
        "patient_session.completed": {
            "id": "ps_test",
            "resource_type": "patient_session",
            "status": "complete",
            "url": "https://app.medblocks.com/c/test",
            "patient_id": patient_id,
            "connections": [{**connection, "id": "conn_test"}],
            "created_at": now,
        },
        "connection.token_refresh_failed": {**refused, "resource_type": "connection", "scopes": []},
        "records.sync.completed": {
            "patient_id": patient_id,
            "connection_id": "fhirsrc_test",
            "total": 1,
            "errors": 0,
            "duration_ms": 1000,
        },
        "records.sync.failed": {
            "patient_id": patient_id,
            "connection_id": "fhirsrc_test",
            "error_message": "This is a test.",
        },
    }
    return {
        "id": f"evt_test_{secrets.token_hex(12)}",
        "object": "event",
        "type": kind,
        "api_version": API_VERSION,
        "created_at": now,
        "data": {"object": about[kind]},
    }
