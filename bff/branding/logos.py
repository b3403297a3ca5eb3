"""Facilities' logos, fetched for the browser: it would tell each facility's host who looks, and from where.

The addresses come from the catalog, so they are held to be hostile: https on its own port alone, to
addresses of the public internet alone, without redirects, small, quick, and pictures alone.
"""

import hmac
import ipaddress
import socket
import threading
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import certifi
import pycurl
from cachetools import TLRUCache

from bff.access.keys import Keys
from bff.config import split_http_url
from bff.images import MAX_IMAGE_BYTES, Image, read_image
from bff.medblocks.curl.adapter import QUICK_EXIT
from bff.medblocks.curl.transfers import Transfers
from bff.medblocks.errors import UpstreamTimeout
from bff.medblocks.ids import is_facility_id
from bff.medblocks.single_flight import SingleFlight

DAY = 24 * 60 * 60  # seconds
FETCH_SECONDS = 3.0
_RETRY_SECONDS = 600  # until a host that gave no picture is asked again
_AT_ONCE = 16
_KEPT_BYTES = 8 * 1024 * 1024
_ENTRY_BYTES = 1024  # about what an entry costs besides its picture
_TRANSFERS = Transfers(_AT_ONCE)  # apart from the calls to Medblocks, and from their connections
_UNICAST = ipaddress.ip_network("2000::/3")
# Of IANA's special-purpose registries, what some versions of Python hold to be global, in whole or in part.
_SPECIAL = tuple(map(ipaddress.ip_network, ("192.0.0.0/24", "192.88.99.0/24", "2001::/23", "3fff::/20")))


def is_public(address: str) -> bool:
    """Tell whether an IP address is one of the public internet, by every way that it could be meant."""
    parsed = ipaddress.ip_address(address)
    public = parsed.is_global and not parsed.is_multicast and not any(parsed in net for net in _SPECIAL)
    if isinstance(parsed, ipaddress.IPv6Address):
        # Some within, and all outside, may stand for an IPv4 address, and so for one of this network.
        return public and parsed in _UNICAST and not (parsed.sixtofour or parsed.teredo)
    return public


class LogoAddresses:
    """Where logos stand on this server.

    An address carries a tag that we alone can make, so that nobody has us look up what we never showed.
    """

    def __init__(self, keys: Keys) -> None:
        self._keys = keys

    def of(self, facility_id: str, logo_url: str | None) -> str | None:
        """Give the path of a facility's logo; None for one that has none over https."""
        if not (logo_url and logo_url.startswith("https://") and is_facility_id(facility_id)):
            return None
        return f"/facilities/{facility_id}/logo?tag={self._tag(facility_id)}"

    def is_ours(self, facility_id: str, tag: str) -> bool:
        """Tell whether an address with this tag is one that was given for this facility."""
        return hmac.compare_digest(self._tag(facility_id).encode(), tag.encode())

    def _tag(self, facility_id: str) -> str:
        return self._keys.tag("logo", facility_id)


class Logos:
    """Fetches each logo once a day and keeps some megabytes of them. Takes what fetches, and a clock."""

    def __init__(self, fetch: Callable[[str], Image | None], clock: Callable[[], float]) -> None:
        self._fetch = fetch
        self._lock = threading.Lock()
        self._calls: SingleFlight[Image | None] = SingleFlight()
        self._free = threading.BoundedSemaphore(_AT_ONCE)
        self._kept: TLRUCache[str, Image | None] = TLRUCache(
            _KEPT_BYTES, ttu=_until, timer=clock, getsizeof=_size
        )

    def get(self, url: str) -> Image | None:
        """Give the logo at an https address; None where there is none to be had now.

        Equal fetches at the same time are one.
        """
        try:
            return self._calls.run(url, "fetch logo", lambda: self._get(url))
        except UpstreamTimeout:
            return None

    def _get(self, url: str) -> Image | None:
        with self._lock:
            if url in self._kept:
                return self._kept[url]
        # Slow hosts must not gather the browsers' requests here: whoever comes too many does without.
        if not self._free.acquire(blocking=False):
            return None
        try:
            logo = self._fetch(url)
        finally:
            self._free.release()
        with self._lock:
            self._kept[url] = logo
        return logo


def _until(_: str, logo: Image | None, now: float) -> float:
    return now + (DAY if logo else _RETRY_SECONDS)


def _size(logo: Image | None) -> int:
    return _ENTRY_BYTES + (len(logo.body) if logo else 0)


def fetch_image(
    url: str, *, may_connect: Callable[[str], bool] = is_public, port: int = 443, ca: str = certifi.where()
) -> Image | None:
    """Fetch a picture over https; None for whatever is not a small picture, at once, from a public host.

    `may_connect` judges the very address that is connected to, so a name can't mean another one meanwhile.
    """
    try:
        parts = split_http_url(url)
    except ValueError:
        return None
    if parts.scheme != "https" or (parts.port or 443) != port:
        return None
    body = bytearray()
    with ExitStack() as sockets:
        handle = _handle(parts.geturl(), body, ca)
        handle.setopt(pycurl.OPENSOCKETFUNCTION, _opener(sockets, may_connect))
        try:
            _TRANSFERS.perform(handle)
            complete = handle.getinfo(pycurl.RESPONSE_CODE) == 200
        except pycurl.error:
            complete = False
        finally:
            handle.close()
    return read_image(bytes(body)) if complete else None


def _handle(url: str, body: bytearray, ca: str) -> pycurl.Curl:
    def keep(chunk: bytes) -> int:
        body.extend(chunk)
        return len(chunk) if len(body) <= MAX_IMAGE_BYTES else 0  # less than was given ends the transfer

    handle = pycurl.Curl()
    for option, value in (
        (pycurl.URL, url),
        (pycurl.PROTOCOLS, pycurl.PROTO_HTTPS),
        (pycurl.PROXY, ""),
        (pycurl.NOSIGNAL, 1),
        (QUICK_EXIT, 1),  # a slow name look-up would hold up the whole process
        (pycurl.FORBID_REUSE, 1),  # each connection is judged when it is opened
        (pycurl.CAINFO, ca),
        (pycurl.TIMEOUT_MS, int(FETCH_SECONDS * 1000)),
        (pycurl.HTTPHEADER, ["Accept: image/*", "User-Agent: medblocks-bff"]),
        (pycurl.WRITEFUNCTION, keep),
    ):
        handle.setopt(option, value)
    return handle


def _opener(sockets: ExitStack, may_connect: Callable[[str], bool]) -> Callable[..., Any]:
    def open_socket(_: int, address: Any) -> Any:
        family, kind, protocol, where = address
        if not may_connect(where[0]):
            return pycurl.SOCKET_BAD
        return sockets.enter_context(socket.socket(family, kind, protocol))  # libcurl uses a copy of it

    return open_socket
