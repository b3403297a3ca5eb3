"""The production server: waitress, with this product's envelope for what it refuses by itself."""

import json
import logging
import secrets
import signal
import socket
from typing import Any, NoReturn

from flask import Flask
from waitress.channel import HTTPChannel
from waitress.server import TcpWSGIServer, create_server
from waitress.task import ErrorTask

THREADS = 32
# Bodies between this and the app's own limit get the app's answer; above it nothing is kept at all.
_MAX_BODY_BYTES = 1024 * 1024
_MAX_HEADER_BYTES = 64 * 1024

_MESSAGES = {
    400: ("bad_request", "This request can't be understood."),
    413: ("payload_too_large", "The request is too large."),
    431: ("headers_too_large", "The headers of this request are too large."),
    501: ("not_implemented", "This transfer encoding is not supported."),
}


class _EnvelopeTask(ErrorTask):
    """Answers what waitress refuses, before any app sees it, with the envelope that clients expect."""

    def execute(self) -> None:
        status, reason = self.request.error.code, self.request.error.reason
        code, message = _MESSAGES.get(status, ("internal_error", "Something went wrong on our side."))
        kind = "invalid_request_error" if status < 500 else "api_error"
        error = {
            "message": message,
            "type": kind,
            "code": code,
            "param": None,
            "request_id": f"req_{secrets.token_hex(12)}",
        }
        body = json.dumps({"error": error}).encode()
        self.status = f"{status} {reason}"
        self.response_headers.append(("Content-Type", "application/json"))
        self.set_close_on_finish()
        self.content_length = len(body)
        self.write(body)


class _Channel(HTTPChannel):
    error_task_class = _EnvelopeTask


class _WithoutPaths(logging.Filter):
    """Cuts the path, and with it the patient id, out of waitress' lines about broken requests."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg = str(record.msg).partition(" serving ")[0]
        return True


_WITHOUT_PATHS = _WithoutPaths()


def listen(host: str, port: int) -> socket.socket:
    """Bind a listening socket; port 0 takes a free one. Raises OSError, for example when it is taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family, backlog=1024)


def make_server(app: Flask, listener: socket.socket) -> TcpWSGIServer:
    """Make a server for an app on a socket from `listen`; its `run()` answers until it is interrupted."""
    logging.getLogger("waitress").addFilter(_WITHOUT_PATHS)
    server: TcpWSGIServer = create_server(
        app,
        sockets=[listener],
        threads=THREADS,
        connection_limit=1000,
        channel_timeout=60,
        max_request_body_size=_MAX_BODY_BYTES,
        max_request_header_size=_MAX_HEADER_BYTES,
        asyncore_use_poll=True,  # select() fails at file descriptor 1024
        ident=None,  # no Server header: it helps nobody but attackers
        clear_untrusted_proxy_headers=False,  # BFF_PROXY_HOPS decides which of them are believed
    )
    server.channel_class = _Channel
    return server


def stop_on_sigterm() -> None:
    """Let SIGTERM, which is how containers are stopped, end a running server as Ctrl-C does."""

    def stop(*_: Any) -> NoReturn:
        raise SystemExit(0)

    signal.signal(signal.SIGTERM, stop)
