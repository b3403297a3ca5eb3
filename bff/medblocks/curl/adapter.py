"""An adapter that lets requests send through libcurl, which bounds the whole exchange by itself.

Name look-up, connecting, TLS, sending, and a body that drips all count against one deadline; a reply ends at
the byte cap; redirects, ~/.netrc and proxies of the environment are not followed. requests' own adapter can
do none of the first two, and costs about ten times the processor time.
"""

import zlib
from collections import deque
from collections.abc import Mapping
from typing import Any

import certifi
import pycurl
from requests import ConnectionError as RequestsConnectionError
from requests import PreparedRequest, Response, Timeout
from requests.adapters import HTTPAdapter

from bff.medblocks.curl.response import CurlResponse, Headers
from bff.medblocks.curl.transfers import Transfers

_TOO_LARGE = pycurl.E_FILESIZE_EXCEEDED
_GZIP = 16 + zlib.MAX_WBITS
QUICK_EXIT = 322  # CURLOPT_QUICK_EXIT of curl.h, which pycurl has no name for


class ReplyTooLarge(RequestsConnectionError):
    """The reply was over the byte cap."""


class _Handle:
    """A libcurl handle, what it was told last, and what it gets: what stays the same is not told again."""

    __slots__ = ("_headers", "_method", "body", "curl", "lines")

    def __init__(self, curl: pycurl.Curl) -> None:
        self.curl = curl
        self.body = bytearray()
        self.lines: list[bytes] = []
        curl.setopt(pycurl.WRITEFUNCTION, self.body.extend)
        curl.setopt(pycurl.HEADERFUNCTION, self.lines.append)
        self._headers: object = None
        self._method: str | None = None

    def describe(self, request: PreparedRequest) -> None:
        """Tell what to send. The headers of a request must not change once they were used."""
        setopt = self.curl.setopt
        if request.method != self._method:
            setopt(pycurl.HTTPGET, 1)
            setopt(pycurl.CUSTOMREQUEST, request.method or "GET")
            # What a reused connection loses, libcurl sends again by itself: a write must not be.
            setopt(pycurl.FRESH_CONNECT, request.method != "GET")
            self._method = request.method
        if request.headers is not self._headers:
            pairs = [pair for pair in request.headers.items() if pair[0] != "Content-Length"]
            # "Expect:" keeps libcurl from waiting for a 100 Continue.
            setopt(pycurl.HTTPHEADER, [*[f"{name}: {value!s}" for name, value in pairs], "Expect:"])
            self._headers = request.headers
        setopt(pycurl.URL, request.url or "")
        body = request.body
        if body is not None:
            setopt(pycurl.POST, 1)
            setopt(pycurl.POSTFIELDS, body.encode() if isinstance(body, str) else body)

    def forget(self, request: PreparedRequest) -> None:
        """Hold on to nothing of a patient."""
        self.body.clear()
        self.lines.clear()
        if request.body is not None:
            self.curl.setopt(pycurl.POSTFIELDS, b"")
            self._method = None


class CurlAdapter(HTTPAdapter):
    """Sends one request at a time per libcurl handle; handles, and so connections, are kept and shared.

    Takes how many idle handles to keep, and how many bytes a body may have.
    """

    def __init__(self, *, handles: int, max_bytes: int) -> None:
        super().__init__()
        self._idle: deque[_Handle] = deque(maxlen=handles)
        self._max_bytes = max_bytes
        self._transfers = Transfers(handles)

    def send(
        self,
        request: PreparedRequest,
        stream: bool = False,  # noqa: ARG002, FBT001, FBT002 - requests' signature, and so below
        timeout: Any = None,
        verify: bool | str = True,  # noqa: ARG002, FBT001, FBT002
        cert: Any = None,  # noqa: ARG002
        proxies: Mapping[str, str] | None = None,  # noqa: ARG002
    ) -> Response:
        """Send a prepared request, within `timeout` seconds in all.

        Raises requests.Timeout, ReplyTooLarge, or requests.ConnectionError for whatever else went wrong.
        """
        try:
            handle = self._idle.pop()
        except IndexError:
            handle = self._new()
        curl = handle.curl
        curl.setopt(pycurl.TIMEOUT_MS, max(1, int(timeout * 1000)))
        handle.describe(request)
        try:
            self._transfers.perform(curl)
        except pycurl.error as error:
            curl.close()
            raise _exception(error.args[0]) from None
        status = curl.getinfo(pycurl.RESPONSE_CODE)
        headers, body = Headers(handle.lines), bytes(handle.body)
        handle.forget(request)
        self._idle.append(handle)
        return CurlResponse(request, status, headers, self._unpacked(body, headers))

    def _unpacked(self, body: bytes, headers: Headers) -> bytes:
        """Return a body without gzip, which some proxies apply unasked, within the byte cap."""
        if not body or headers.get("Content-Encoding", "").lower() not in {"gzip", "x-gzip"}:
            return body
        unpacker = zlib.decompressobj(wbits=_GZIP)
        try:
            plain = unpacker.decompress(body, self._max_bytes + 1)
        except zlib.error as error:
            raise RequestsConnectionError("the gzip of the reply is broken") from error
        if len(plain) > self._max_bytes:
            raise ReplyTooLarge("the reply is too large once unpacked")
        if not unpacker.eof:
            raise RequestsConnectionError("the gzip of the reply ends early")
        return plain

    def close(self) -> None:
        """Close all idle connections."""
        while self._idle:
            self._idle.pop().curl.close()

    def _new(self) -> _Handle:
        curl = pycurl.Curl()
        for option, value in (
            (pycurl.NOSIGNAL, 1),  # signals and threads don't go together
            (pycurl.PROTOCOLS, pycurl.PROTO_HTTP | pycurl.PROTO_HTTPS),
            (pycurl.PATH_AS_IS, 1),  # what was built is what goes out
            (pycurl.PROXY, ""),  # proxies of the environment would see where patients go
            (pycurl.CAINFO, certifi.where()),
            (pycurl.TCP_KEEPALIVE, 1),
            (QUICK_EXIT, 1),  # a name look-up that outlives the deadline is not waited for
            (pycurl.MAXFILESIZE_LARGE, self._max_bytes),
        ):
            curl.setopt(option, value)
        return _Handle(curl)


# Up to here nothing of a request has left this machine.
_NOT_SENT = {
    pycurl.E_COULDNT_RESOLVE_HOST: "its name is not known",
    pycurl.E_COULDNT_CONNECT: "nothing answers there",
    pycurl.E_SSL_CONNECT_ERROR: "TLS fails",
    pycurl.E_PEER_FAILED_VERIFICATION: "its certificate is not trusted",
}


class NotSent(RequestsConnectionError):
    """There was no connection to send anything over; the text says why, and names nothing."""


def _exception(code: int) -> RequestsConnectionError | Timeout:
    # Never libcurl's own texts: they carry host and url.
    if code in _NOT_SENT:
        return NotSent(_NOT_SENT[code])
    if code == pycurl.E_OPERATION_TIMEDOUT:
        return Timeout(f"libcurl error {code}")
    kind = ReplyTooLarge if code == _TOO_LARGE else RequestsConnectionError
    return kind(f"libcurl error {code}")
