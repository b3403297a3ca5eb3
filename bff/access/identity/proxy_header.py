"""`header`: a trusted reverse proxy checks the login, and sends the patient id in a header."""

import hmac

from flask import Request

from bff.access.client_address import parse_address
from bff.access.identity.base import Caller, caller_for
from bff.config import Settings
from bff.errors import InvalidCredential, UnusableLogin

SECRET_HEADER = "X-Bff-Proxy-Secret"  # noqa: S105 - the header's name, not a secret
_BEFORE_PROXY_FIX = "werkzeug.proxy_fix.orig"


class HeaderIdentity:
    """Trusts the header if it comes from one of the networks and with the shared secret.

    Raise ValueError without a secret or networks: the header would be trusted from anywhere.
    """

    def __init__(self, settings: Settings) -> None:
        secret = settings.header_secret.reveal() if settings.header_secret else ""
        if not secret or not settings.header_networks:
            raise ValueError("BFF_IDENTITY=header needs BFF_HEADER_SECRET and BFF_HEADER_NETWORKS")
        self._header = settings.header_name
        self._secret = secret.encode()
        self._networks = settings.header_networks

    def identify(self, request: Request) -> Caller | None:
        """Return the caller.

        Raise InvalidCredential if the header does not come from the proxy or is empty, and UnusableLogin if
        it has no patient id that can be used.
        """
        value = request.headers.get(self._header)
        if value is None:
            return None
        # The peer of the connection itself, before ProxyFix applied X-Forwarded-For.
        if not self._is_proxy(request.environ.get(_BEFORE_PROXY_FIX, request.environ).get("REMOTE_ADDR")):
            raise InvalidCredential("the header came from outside the proxy's networks")
        secret = request.headers.get(SECRET_HEADER, "").encode("latin-1", "replace")
        if not hmac.compare_digest(secret, self._secret):
            raise InvalidCredential("the header came without the proxy's secret")
        return caller_for(_patient_id(value))

    def _is_proxy(self, address: str | None) -> bool:
        peer = parse_address(address or "")
        return peer is not None and any(peer in network for network in self._networks)


def _patient_id(value: str) -> str:
    """Return the patient id in the header's value, whose bytes WSGI decodes as Latin-1."""
    if not value.strip():
        raise InvalidCredential("the header is empty")
    # Servers join repeated headers with a comma: one of them could be the client's own.
    if "," in value:
        raise UnusableLogin("the header came twice, or has a comma. The proxy must replace what clients send")
    try:
        return value.encode("latin-1").decode()
    except UnicodeError:
        raise UnusableLogin("the header is not UTF-8") from None
