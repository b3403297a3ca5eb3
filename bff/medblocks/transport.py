"""One HTTP exchange with Medblocks: bounded in time and size, to this host alone, with nothing remembered."""

from collections.abc import Mapping
from dataclasses import dataclass

import requests
from urllib3.exceptions import HTTPError

from bff.config import Secret
from bff.medblocks.curl import CurlAdapter, NotSent, ReplyTooLarge
from bff.medblocks.errors import TooSlow, Unreachable, Unusable

MAX_REPLY_BYTES = 1024 * 1024


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
        self._adapter = CurlAdapter(handles=connections, max_bytes=MAX_REPLY_BYTES)
        self._headers = {
            "Authorization": f"Bearer {api_key.reveal()}",
            "Version": api_version,
            "Accept": "application/json",
            # Nothing to unpack: the byte cap holds for what arrives.
            "Accept-Encoding": "identity",
            "User-Agent": "medblocks-bff",
        }

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
        request = self._prepare(method, path, json, query)
        # `from None`: the texts of these causes carry the url, and with it the patient's id.
        try:
            # Not through a Session: it would follow what a redirect's body says, and keep cookies.
            reply = self._adapter.send(request, timeout=seconds)
        except (requests.Timeout, TimeoutError) as error:
            raise TooSlow(operation, detail=type(error).__name__) from None
        except ReplyTooLarge:
            raise Unusable(operation, detail="reply over the size limit") from None
        except (requests.RequestException, HTTPError, OSError) as error:
            sent = not isinstance(error, NotSent)
            raise Unreachable(operation, detail=type(error).__name__, sent=sent) from None
        return RawReply(reply.status_code, reply.headers, reply.content)

    def close(self) -> None:
        """Close the idle connections."""
        self._adapter.close()

    def _prepare(
        self, method: str, path: str, json: object, query: Mapping[str, str] | None
    ) -> requests.PreparedRequest:
        request = requests.Request(
            method, self._base_url + path, headers=self._headers, json=json, params=query
        ).prepare()
        # requests resolves and re-quotes urls; what goes out must be what was built.
        if request.path_url.partition("?")[0] != path:
            raise ValueError("the prepared url differs from the path that was built")
        return request
