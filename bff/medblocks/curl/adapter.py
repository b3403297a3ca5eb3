"""An adapter for requests that sends through libcurl.

One deadline covers name look-up, connecting, TLS, sending, and a response that arrives byte by byte. A
response over the size limit is aborted. Redirects, ~/.netrc and the environment's proxies are ignored.
requests' own adapter has neither limit, and takes about ten times the processor time.
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
# Options of curl.h that pycurl has no names for.
QUICK_EXIT = 322
_SUPPRESS_CONNECT_HEADERS = 265


class ReplyTooLarge(RequestsConnectionError):
    """The response is over the size limit."""


class _Handle:
    """A libcurl handle with its buffers. Options that stay the same between requests are not set again."""

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
        """Set what to send. A headers object must not change after its first use."""
        setopt = self.curl.setopt
        if request.method != self._method:
            setopt(pycurl.HTTPGET, 1)
            setopt(pycurl.CUSTOMREQUEST, request.method or "GET")
            # On a reused connection that breaks, libcurl sends the request again: a write must not be
            # repeated.
            setopt(pycurl.FRESH_CONNECT, request.method != "GET")
            self._method = request.method
        if request.headers is not self._headers:
            pairs = [pair for pair in request.headers.items() if pair[0] != "Content-Length"]
            # Without "Expect:", libcurl would wait for a 100 Continue.
            setopt(pycurl.HTTPHEADER, [*[f"{name}: {value!s}" for name, value in pairs], "Expect:"])
            self._headers = request.headers
        setopt(pycurl.URL, request.url or "")
        body = request.body
        if body is not None:
            setopt(pycurl.POST, 1)
            setopt(pycurl.POSTFIELDS, body.encode() if isinstance(body, str) else body)

    def forget(self, request: PreparedRequest) -> None:
        """Clear everything about a patient."""
        self.body.clear()
        self.lines.clear()
        if request.body is not None:
            self.curl.setopt(pycurl.POSTFIELDS, b"")
            self._method = None


class CurlAdapter(HTTPAdapter):
    """Sends one request at a time per libcurl handle; idle handles keep their connections.

    Takes how many idle handles to keep, how many bytes a body may have, a file with the certificate
    authorities to trust instead of the public ones, and the URL of a proxy.
    """

    def __init__(
        self, *, handles: int, max_bytes: int, ca_file: str | None = None, proxy: str | None = None
    ) -> None:
        super().__init__()
        self._ca_file = ca_file
        self._proxy = proxy or ""
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
        """Send a prepared request within `timeout` seconds in total.

        Raise requests.Timeout, ReplyTooLarge, or requests.ConnectionError for any other failure.
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
            proxy_status = curl.getinfo(pycurl.HTTP_CONNECTCODE)
            curl.close()
            raise _exception(error.args[0], proxy_status) from None
        status = curl.getinfo(pycurl.RESPONSE_CODE)
        headers, body = Headers(handle.lines), bytes(handle.body)
        handle.forget(request)
        self._idle.append(handle)
        return CurlResponse(request, status, headers, self._unpacked(body, headers))

    def _unpacked(self, body: bytes, headers: Headers) -> bytes:
        """Return a body without gzip, which some proxies apply unasked, within the size limit."""
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
        authorities = self._ca_file or certifi.where()
        for option, value in (
            (pycurl.NOSIGNAL, 1),  # signals don't work in threads
            (pycurl.PROTOCOLS, pycurl.PROTO_HTTP | pycurl.PROTO_HTTPS),
            (pycurl.PATH_AS_IS, 1),  # the URL is sent as it was built
            # Always set: libcurl would take proxies and their exceptions from the environment.
            (pycurl.PROXY, self._proxy),
            (pycurl.NOPROXY, ""),
            (_SUPPRESS_CONNECT_HEADERS, 1),
            (pycurl.CAINFO, authorities),
            (pycurl.PROXY_CAINFO, authorities),
            (pycurl.TCP_KEEPALIVE, 1),
            (QUICK_EXIT, 1),  # does not wait for a name look-up after the deadline
            (pycurl.MAXFILESIZE_LARGE, self._max_bytes),
        ):
            curl.setopt(option, value)
        return _Handle(curl)


# With these errors, nothing of the request has left this machine.
_NOT_SENT = {
    pycurl.E_COULDNT_RESOLVE_HOST: "its name is not known",
    pycurl.E_COULDNT_RESOLVE_PROXY: "the proxy's name is not known",
    pycurl.E_COULDNT_CONNECT: "nothing answers there",
    pycurl.E_SSL_CONNECT_ERROR: "TLS fails",
    pycurl.E_PEER_FAILED_VERIFICATION: "its certificate is not trusted",
    pycurl.E_SSL_CACERT_BADFILE: "the file of certificate authorities can't be used",
}


class NotSent(RequestsConnectionError):
    """There was no connection to send anything over; the text has the reason, but no host or URL."""


def _exception(code: int, proxy_status: int) -> RequestsConnectionError | Timeout:
    # Never libcurl's own texts: they contain host and URL.
    if proxy_status not in {0, 200}:
        return NotSent(f"the proxy refuses it, with status {proxy_status}")
    if code in _NOT_SENT:
        return NotSent(_NOT_SENT[code])
    if code == pycurl.E_OPERATION_TIMEDOUT:
        return Timeout(f"libcurl error {code}")
    kind = ReplyTooLarge if code == _TOO_LARGE else RequestsConnectionError
    return kind(f"libcurl error {code}")
