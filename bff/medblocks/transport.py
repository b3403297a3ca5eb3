"""One HTTP exchange with Medblocks: bounded in time and size, to this host alone, with nothing remembered."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from http.cookiejar import DefaultCookiePolicy
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.exceptions import HTTPError

from bff.config import Secret
from bff.medblocks.errors import TooSlow, Unreachable, Unusable

MAX_REPLY_BYTES = 1024 * 1024
_CHUNK = 64 * 1024


@dataclass(frozen=True)
class RawReply:
    """A complete answer as it came from the wire."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Transport:
    """Sends requests with the key and the version; safe to share between threads.

    Takes the upstream's origin, the key, the API version, and how many connections to keep.
    """

    def __init__(self, base_url: str, api_key: Secret, api_version: str, *, connections: int = 32) -> None:
        self._base_url = base_url
        self._session = requests.Session()
        # ~/.netrc would replace the Bearer header, and HTTPS_PROXY would see where patients go.
        self._session.trust_env = False
        # A cookie that Medblocks sets for one visitor must not travel with the next one's call.
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        self._session.headers.update(
            {
                "Authorization": f"Bearer {api_key.reveal()}",
                "Version": api_version,
                "Accept": "application/json",
                "User-Agent": "medblocks-bff",
            }
        )
        self._session.mount(base_url, HTTPAdapter(pool_connections=1, pool_maxsize=connections))

    def send(
        self,
        operation: str,
        method: str,
        path: str,
        *,
        seconds: float,
        json: object = None,
        query: Mapping[str, str] | None = None,
    ) -> RawReply:
        """Send one request and read the whole answer.

        Takes an operation's name for errors, an encoded path, and how long it may take in seconds.
        Raises Unreachable, TooSlow, or Unusable for an answer over MAX_REPLY_BYTES.
        """
        ends = time.monotonic() + seconds
        request = self._prepare(method, path, json, query)
        try:
            # A redirect would take the body, with names and emails in it, to another host.
            reply = self._session.send(
                request, timeout=(seconds, seconds), stream=True, allow_redirects=False
            )
            with reply:
                return RawReply(reply.status_code, reply.headers, _read(operation, reply, ends))
        # `from None`: the texts of these causes carry the url, and with it the patient's id.
        except (requests.Timeout, TimeoutError) as error:
            raise TooSlow(operation, detail=type(error).__name__) from None
        except (requests.RequestException, HTTPError, OSError) as error:
            raise Unreachable(operation, detail=type(error).__name__) from None

    def _prepare(
        self, method: str, path: str, json: object, query: Mapping[str, str] | None
    ) -> requests.PreparedRequest:
        request = self._session.prepare_request(
            requests.Request(method, self._base_url + path, json=json, params=query)
        )
        # requests resolves and re-quotes urls; what goes out must be what was built.
        if request.path_url.partition("?")[0] != path:
            raise ValueError("the prepared url differs from the path that was built")
        return request


def _read(operation: str, reply: requests.Response, ends: float) -> bytes:
    """Read a body piece by piece, as it comes, so that neither its size nor its pace is up to the sender."""
    body = bytearray()
    raw: Any = reply.raw  # urllib3's response; requests leaves its type open
    while piece := raw.read1(_CHUNK, decode_content=True):
        body += piece
        if len(body) > MAX_REPLY_BYTES:
            raise Unusable(operation, detail="reply over the size limit")
        if time.monotonic() > ends:
            raise TooSlow(operation, detail="reply not complete in time")
    return bytes(body)
