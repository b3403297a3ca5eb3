"""Sends one HTTP request to Medblocks: limited in time and size, to one host, without cookies."""

import re
from collections.abc import Mapping
from json import dumps
from typing import NamedTuple
from urllib.parse import urlencode

import requests
from requests.structures import CaseInsensitiveDict

from bff.medblocks.curl.adapter import CurlAdapter, NotSent, ReplyTooLarge
from bff.medblocks.errors import ConnectionFailed, UnexpectedResponse, UpstreamTimeout, identifier

MAX_REPLY_BYTES = 1024 * 1024  # many times what the longest reply for a browser has
# Percent-encoded segments; none of them resolves as "." or "..".
_PATH = re.compile(r"(?:/(?!(?:\.|%2E){1,2}(?:/|\Z))(?:[A-Za-z0-9._~-]|%[0-9A-F]{2})+)+")


class RawReply(NamedTuple):
    """A complete response as it was received."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def request_id(self) -> str | None:
        """Medblocks' id of the request, or None if there is none, or if it does not look like one."""
        return identifier(self.headers.get("X-Request-Id"))


class HttpClient:
    """Sends requests with the key and the API version. Thread-safe.

    Takes the upstream's origin, the key, the API version (None for the one pinned on the key), how many idle
    connections to keep, how many bytes a response may have, a file with the certificate authorities to trust
    instead of the public ones, and the URL of a proxy.
    """

    def __init__(
        self,
        base_url: str,
        api_key: str,
        api_version: str | None,
        *,
        connections: int = 32,
        max_bytes: int = MAX_REPLY_BYTES,
        ca_file: str | None = None,
        proxy: str | None = None,
    ) -> None:
        self._base_url = base_url
        self._adapter = CurlAdapter(handles=connections, max_bytes=max_bytes, ca_file=ca_file, proxy=proxy)
        self._headers = CaseInsensitiveDict(
            {
                "Authorization": f"Bearer {api_key}",
                **({"Version": api_version} if api_version else {}),
                "Accept": "application/json",
                # Saves decompression. A proxy's gzip is read all the same, within the same size limit.
                "Accept-Encoding": "identity",
                "User-Agent": "medblocks-bff",
            }
        )

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
        """Send one request, and return the whole response.

        Takes the operation's name for errors, an encoded path, and how many seconds the call may take. Raise
        ConnectionFailed, UpstreamTimeout, or UnexpectedResponse for a response over the size limit.
        """
        request = self._prepare(method, path, json, query)
        # `from None`: the texts of these causes contain the URL, and with it the patient's id.
        try:
            # Not through a Session: it would follow redirects, and keep cookies.
            reply = self._adapter.send(request, timeout=seconds)
        except (requests.Timeout, TimeoutError) as error:
            raise UpstreamTimeout(operation, detail=type(error).__name__) from None
        except ReplyTooLarge:
            raise UnexpectedResponse(operation, detail="reply over the size limit") from None
        except NotSent as error:
            raise ConnectionFailed(operation, detail=str(error), sent=False) from None
        except OSError as error:  # also every requests.RequestException
            raise ConnectionFailed(operation, detail=type(error).__name__) from None
        return RawReply(reply.status_code, reply.headers, reply.content)

    def close(self) -> None:
        """Close the idle connections."""
        self._adapter.close()

    def _prepare(
        self, method: str, path: str, json: object, query: Mapping[str, str] | None
    ) -> requests.PreparedRequest:
        if not _PATH.fullmatch(path):
            raise ValueError("the path could be read as another one on its way")
        # Not with requests' prepare(): it would resolve and re-quote the URL, which must be sent as it was
        # built. It would also take ten times as long.
        url = f"{self._base_url}{path}?{urlencode(query)}" if query else self._base_url + path
        request = requests.PreparedRequest()
        request.method, request.url, request.headers = method, url, self._headers
        if json is not None:
            request.body = dumps(json, allow_nan=False).encode()
            request.headers = self._headers.copy()
            request.headers["Content-Type"] = "application/json"
        return request
