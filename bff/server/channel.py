"""What this product changes in waitress: reading more strictly, answering in the envelope, never stuck."""

import json
import logging
import secrets
import time
from typing import Any

from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser, ParsingError
from waitress.task import ErrorTask, ThreadedTaskDispatcher, WSGITask
from waitress.utilities import Error

log = logging.getLogger("bff.server")

ARRIVED = "bff.arrived"
_HEALTH = "/healthz"

_MESSAGES = {
    400: ("bad_request", "This request can't be understood."),
    413: ("payload_too_large", "The request is too large."),
    431: ("headers_too_large", "The headers of this request are too large."),
    501: ("not_implemented", "This transfer encoding is not supported."),
    503: ("overloaded", "There is a lot going on right now. Please try again in a moment."),
}


class _Overloaded(Error):
    code = 503
    reason = "Service Unavailable"


class _Parser(HTTPRequestParser):
    """Notes when a request was complete, and refuses one with two lengths (RFC 9112, section 6.3)."""

    arrived = 0.0  # time.monotonic()

    def __init__(self, adj: Any) -> None:
        super().__init__(adj)
        self.began = time.monotonic()

    def received(self, data: bytes) -> int:
        consumed: int = super().received(data)
        if self.completed:
            self.arrived = time.monotonic()
        return consumed

    def parse_header(self, header_plus: bytes) -> None:
        super().parse_header(header_plus)
        # Of HTTP/1.1, waitress has taken Transfer-Encoding out by now; of 1.0 it stands there, unread.
        chunked = self.chunked or "TRANSFER_ENCODING" in self.headers
        if chunked and "CONTENT_LENGTH" in self.headers:
            # A proxy may believe the other one, and see other requests than we do.
            raise ParsingError("both Content-Length and Transfer-Encoding")


class _Task(WSGITask):
    """Tells the app when the request arrived, so that waiting in line counts against its deadline."""

    def execute(self) -> None:
        if self.channel.server.stopping:
            self.set_close_on_finish()
        super().execute()

    def get_environment(self) -> dict[str, Any]:
        environment: dict[str, Any] = super().get_environment()
        environment[ARRIVED] = self.request.arrived
        return environment


class _EnvelopeTask(ErrorTask):
    """Answers what no app sees with the envelope that clients expect."""

    def execute(self) -> None:
        status, reason = self.request.error.code, self.request.error.reason
        code, message = _MESSAGES.get(status, ("internal_error", "Something went wrong on our side."))
        request_id = f"req_{secrets.token_hex(12)}"
        log.warning("refused", extra={"data": {"request_id": request_id, "status": status, "code": code}})
        error = {
            "message": message,
            "type": "invalid_request_error" if status < 500 else "api_error",
            "code": code,
            "param": None,
            "request_id": request_id,
        }
        body = json.dumps({"error": error}).encode()
        self.status = f"{status} {reason}"
        self.response_headers += [
            ("Content-Type", "application/json"),
            ("Cache-Control", "no-store"),
            ("X-Content-Type-Options", "nosniff"),
            ("X-Request-Id", request_id),
        ]
        if status == 503:
            self.response_headers.append(("Retry-After", "1"))
        self.set_close_on_finish()
        self.content_length = len(body)
        self.write(body)


class Channel(HTTPChannel):
    """A connection of a browser."""

    parser_class = _Parser
    task_class = _Task
    error_task_class = _EnvelopeTask


class Dispatcher(ThreadedTaskDispatcher):
    """Gives requests to threads, and keeps one thread aside for what must be answered whatever happens.

    That one says that there is too much to do, once more requests wait than set, and that we are alive.
    """

    def __init__(self, threads: int, queue: int) -> None:
        super().__init__()
        self._limit = queue
        self._aside = ThreadedTaskDispatcher()
        self._aside.set_thread_count(1)
        self.set_thread_count(threads)

    def add_task(self, task: Channel) -> None:
        """Queue a connection whose next request is complete."""
        request = task.requests[0]
        if len(self.queue) >= self._limit and not request.error:
            request.error = _Overloaded("too many requests wait")
        if request.error or request.path == _HEALTH:
            self._aside.add_task(task)
        else:
            super().add_task(task)

    def shutdown(self, cancel_pending: bool = True, timeout: float = 5) -> bool:  # noqa: FBT001, FBT002 - waitress' signature
        """End the threads within so many seconds each, and drop what still waits."""
        self._aside.shutdown(cancel_pending, timeout)
        finished: bool = super().shutdown(cancel_pending, timeout)
        return finished
