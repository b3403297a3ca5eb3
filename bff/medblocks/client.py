"""`Medblocks`: the client for Medblocks' API."""

import os
from typing import Self

from bff.medblocks import API_VERSION, BASE_URL, webhooks
from bff.medblocks.http_client import HttpClient
from bff.medblocks.models import Health
from bff.medblocks.replies import Shape
from bff.medblocks.resources.base import Resource, ResponseInfo, last_response
from bff.medblocks.resources.connections import Connections
from bff.medblocks.resources.patient_session import PatientSessions
from bff.medblocks.resources.patients import Patients
from bff.medblocks.retries import MAX_RETRIES, Retries
from bff.medblocks.transport import Transport
from bff.medblocks.urls import is_loopback, origin_of, split_http_url

KEY_VARIABLE = "MEDBLOCKS_API_KEY"
_CA_VARIABLE = "SSL_CERT_FILE"
_MAX_REPLY_BYTES = 64 * 1024 * 1024  # a page of records can be long

_HEALTH = Shape(Health)


class Medblocks(Resource):
    """Medblocks' API, for servers: the API key must never reach a browser.

    Takes the API key, by default that of the environment variable `MEDBLOCKS_API_KEY`; the API version, None
    for the one pinned on the key; how many seconds a method may take, retries included; how often a call may
    be retried; and a file with the certificate authorities to trust, by default that of the environment
    variable `SSL_CERT_FILE`, or the public ones. `transport` replaces how requests are sent; the other
    arguments but `timeout` have no effect then.

    A client may be shared by threads. Create it after a fork, not before. It sends nothing before its first
    call, and as a context manager it closes its connections at the end.
    """

    def __init__(
        self,
        api_key: str | None = None,
        *,
        base_url: str = BASE_URL,
        api_version: str | None = API_VERSION,
        timeout: float = 30.0,
        max_retries: int = MAX_RETRIES,
        ca_file: str | None = None,
        transport: Transport | None = None,
    ) -> None:
        transport = transport or Transport(
            HttpClient(
                _origin(base_url),
                _checked_key(api_key),
                api_version,
                max_bytes=_MAX_REPLY_BYTES,
                ca_file=ca_file or os.environ.get(_CA_VARIABLE),
            ),
            Retries(max_retries),
        )
        super().__init__(transport, timeout)
        self.connections = Connections(transport, timeout)
        self.patients = Patients(transport, timeout, self.connections)
        self.patient_session = PatientSessions(transport, timeout)
        self.webhooks = webhooks  # `construct_event` needs no connection, and is a function of the module

    def health(self) -> Health:
        """Return whether Medblocks is up; this needs no valid key."""
        return self._call(_HEALTH, "health", "GET", "health")

    @property
    def last_response(self) -> ResponseInfo | None:
        """The status and the request id of the last successful response in this thread or task.

        Log the request id, and quote it when you report a problem to Medblocks.
        """
        return last_response.get()

    def close(self) -> None:
        """Close the idle connections. A later call opens new ones."""
        self._transport.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _checked_key(api_key: str | None) -> str:
    key = api_key if api_key is not None else os.environ.get(KEY_VARIABLE, "")
    # Without its text: an exception's text ends up in logs.
    if not key:
        raise ValueError(f"There is no API key. Pass api_key, or set {KEY_VARIABLE}.")
    if not (key.isascii() and key.isprintable() and " " not in key):
        raise ValueError("The API key must be printable ASCII, without spaces or line breaks.")
    return key


def _origin(base_url: str) -> str:
    parts = split_http_url(base_url)
    if parts.path.strip("/") or parts.query or parts.fragment:
        raise ValueError("base_url must be an origin, such as https://app.medblocks.com.")
    if parts.scheme == "http" and not is_loopback(parts.hostname):
        raise ValueError("base_url must begin with https://. http:// is only for this machine.")
    return origin_of(parts)
