"""Fetches facilities' logos for the browser, so that no other host learns who looks at which facility.

The URLs come from the catalog and are not trusted: only https on port 443, only hosts on the public internet,
no redirects, and only small images. See OWASP's Server-Side Request Forgery Prevention Cheat Sheet.
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
from bff.images import MAX_IMAGE_BYTES, Image, read_image
from bff.medblocks.curl.adapter import QUICK_EXIT
from bff.medblocks.curl.transfers import Transfers
from bff.medblocks.errors import UpstreamTimeout
from bff.medblocks.ids import is_facility_id
from bff.medblocks.single_flight import SingleFlight
from bff.medblocks.urls import split_http_url

DAY = 24 * 60 * 60  # seconds
FETCH_SECONDS = 3.0
_RETRY_SECONDS = 600  # after a fetch without a logo
_MAX_FETCHES = 16  # at the same time
_CACHE_BYTES = 8 * 1024 * 1024
_ENTRY_BYTES = 1024  # approximate size of a cache entry without its image
_TRANSFERS = Transfers(_MAX_FETCHES)  # separate from the calls to Medblocks and their connections
_UNICAST = ipaddress.ip_network("2000::/3")
# Networks of IANA's special-purpose registries that some Python versions take as global, at least in part.
_SPECIAL = tuple(map(ipaddress.ip_network, ("192.0.0.0/24", "192.88.99.0/24", "2001::/23", "3fff::/20")))


def is_public(address: str) -> bool:
    """Return whether an IP address is on the public internet, also as an IPv4 address embedded in IPv6."""
    parsed = ipaddress.ip_address(address)
    public = parsed.is_global and not parsed.is_multicast and not any(parsed in net for net in _SPECIAL)
    if isinstance(parsed, ipaddress.IPv6Address):
        # 6to4 and Teredo addresses, and all outside 2000::/3, may embed a private IPv4 address.
        return public and parsed in _UNICAST and not (parsed.sixtofour or parsed.teredo)
    return public


class LogoAddresses:
    """The URLs of logos on this server.

    Each has a tag that only this server can make, so clients can't request logos that no page has shown.
    """

    def __init__(self, keys: Keys) -> None:
        self._keys = keys

    def of(self, facility_id: str, logo_url: str | None) -> str | None:
        """Return the path of a facility's logo, or None if the facility has none over https."""
        if not (logo_url and logo_url.startswith("https://") and is_facility_id(facility_id)):
            return None
        return f"/facilities/{facility_id}/logo?tag={self._keys.tag('logo', facility_id)}"

    def is_ours(self, facility_id: str, tag: str) -> bool:
        """Return whether the tag is one of this facility's. An invented id of any length costs no hash."""
        if not is_facility_id(facility_id):
            return False
        tags = self._keys.compute_tags("logo", facility_id)
        return any(hmac.compare_digest(each.encode(), tag.encode()) for each in tags)


class Logos:
    """Fetches each logo once a day, and caches a few megabytes of them. `clock` returns seconds."""

    def __init__(self, fetch: Callable[[str], Image | None], clock: Callable[[], float]) -> None:
        self._fetch = fetch
        self._lock = threading.Lock()
        self._calls: SingleFlight[Image | None] = SingleFlight()
        self._free = threading.BoundedSemaphore(_MAX_FETCHES)
        self._cache: TLRUCache[str, Image | None] = TLRUCache(
            _CACHE_BYTES, ttu=_expires_at, timer=clock, getsizeof=_size
        )

    def get(self, url: str) -> Image | None:
        """Return the logo at an https URL, or None if there is none now. Simultaneous calls share a fetch."""
        try:
            return self._calls.run(url, "fetch logo", lambda: self._get(url))
        except UpstreamTimeout:
            return None

    def _get(self, url: str) -> Image | None:
        with self._lock:
            if url in self._cache:
                return self._cache[url]
        # Browsers' requests must not queue up behind slow hosts: with all slots taken, there is no logo.
        if not self._free.acquire(blocking=False):
            return None
        try:
            logo = self._fetch(url)
        finally:
            self._free.release()
        with self._lock:
            self._cache[url] = logo
        return logo


def _expires_at(_: str, logo: Image | None, now: float) -> float:
    return now + (DAY if logo else _RETRY_SECONDS)


def _size(logo: Image | None) -> int:
    return _ENTRY_BYTES + (len(logo.body) if logo else 0)


def fetch_image(
    url: str, *, may_connect: Callable[[str], bool] = is_public, port: int = 443, ca: str = certifi.where()
) -> Image | None:
    """Return the image at an https URL, or None for anything but a complete small image from an allowed host.

    `may_connect` checks the IP address of the connection itself, so DNS can't return another one in between.
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
    def write(chunk: bytes) -> int:
        body.extend(chunk)
        return len(chunk) if len(body) <= MAX_IMAGE_BYTES else 0  # less than len(chunk) aborts the transfer

    handle = pycurl.Curl()
    for option, value in (
        (pycurl.URL, url),
        (pycurl.PROTOCOLS, pycurl.PROTO_HTTPS),
        (pycurl.PROXY, ""),
        (pycurl.NOSIGNAL, 1),
        (QUICK_EXIT, 1),  # otherwise a slow DNS lookup would block the whole process
        (pycurl.FORBID_REUSE, 1),  # each connection is checked when it is opened
        (pycurl.CAINFO, ca),
        (pycurl.TIMEOUT_MS, int(FETCH_SECONDS * 1000)),
        (pycurl.HTTPHEADER, ["Accept: image/*", "User-Agent: medblocks-bff"]),
        (pycurl.WRITEFUNCTION, write),
    ):
        handle.setopt(option, value)
    return handle


def _opener(sockets: ExitStack, may_connect: Callable[[str], bool]) -> Callable[..., Any]:
    def open_socket(_: int, address: Any) -> Any:
        family, kind, protocol, peer = address
        if not may_connect(peer[0]):
            return pycurl.SOCKET_BAD
        return sockets.enter_context(socket.socket(family, kind, protocol))  # libcurl uses a duplicate

    return open_socket
